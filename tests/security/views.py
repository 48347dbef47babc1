"""An admin with a view for each way that access is limited, and a role for each kind of person."""

from typing import Any, ClassVar

from flask import Flask, abort, request, session
from flask_admin import Admin
from flask_socketio import SocketIO
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_notify import Dispatcher, realtime
from sa_notify.admin import RealtimeModelView


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


@realtime
class Paper(Base):
    __tablename__ = "papers"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    title: Mapped[str]


ROLES = ("nobody", "reader", "editor", "root")


def role() -> str:
    """Whose request it is: kept in a session of the application's own, which tokens know nothing of."""
    return str(session.get("role", "nobody"))


class _Limited(RealtimeModelView):
    realtime_mode = "rows"
    column_display_pk = True
    page_size = 50
    admitted: ClassVar[set[str]] = set(ROLES)

    def is_accessible(self) -> bool:
        return role() in self.admitted


class Public(_Limited):
    pass


class Members(_Limited):
    admitted: ClassVar[set[str]] = {"reader", "editor", "root"}


class Staff(_Limited):
    """Others are sent to a page where they may log in."""

    admitted: ClassVar[set[str]] = {"editor", "root"}

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        from flask import redirect

        return redirect("/login/root")


class Own(_Limited):
    """Everybody may come, and sees rows of their own."""

    def get_query(self) -> Any:
        query = super().get_query()
        return query if role() == "root" else query.where(Paper.owner == role())

    def get_count_query(self) -> Any:
        query = super().get_count_query()
        return query if role() == "root" else query.where(Paper.owner == role())


class Aborting(_Limited):
    """Refuses in its query."""

    def get_query(self) -> Any:
        if role() in ("nobody", "reader"):
            abort(403)
        return super().get_query()


class Hooked(_Limited):
    """Is guarded by the application's ``before_request`` alone."""


VIEWS: dict[str, type[_Limited]] = {
    "public": Public, "members": Members, "staff": Staff, "own": Own, "aborting": Aborting, "hooked": Hooked,
}  # fmt: skip


def make_app(url: str) -> Flask:
    """The application, its table created, with three papers of each."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="views", SQLALCHEMY_DATABASE_URI=url)
    db.init_app(app)
    Dispatcher().init_app(app, SocketIO(app, async_mode="threading"), engine=db)
    admin = Admin(app)
    for endpoint, view in VIEWS.items():
        admin.add_view(view(Paper, db, endpoint=endpoint, name=endpoint))
    app.before_request(_guard)
    app.add_url_rule("/login/<name>", "login", _login)
    with app.app_context():
        db.create_all()
        db.session.add_all(Paper(owner=owner, title=f"of {owner} {n}") for owner in ROLES for n in range(3))
        db.session.commit()
    return app


def _guard() -> Any:
    return ("no", 403) if request.endpoint == "hooked.index_view" and role() != "root" else None


def _login(name: str) -> str:
    session["role"] = name
    return "in"
