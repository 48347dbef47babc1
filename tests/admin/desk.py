"""An application whose records have a field of every kind that forms know."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Any, ClassVar

from flask import Flask, Response, abort, request, session
from flask_admin.contrib.sqla.fields import CheckboxListField
from flask_admin.form import SecureForm
from flask_admin.form.rules import Field, FieldSet
from flask_admin.model.template import macro
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import JSON, Column, Enum, ForeignKey, Numeric, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from wtforms import PasswordField

from sa_notify import realtime
from sa_notify.admin import RealtimeModelView
from tests.admin.applications import Views, build, execute
from tests.admin.visitor import XSS


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


class Kind(enum.Enum):
    CHORE = "chore"
    ERRAND = "errand"


@realtime
class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    def __str__(self) -> str:
        return self.name


@realtime
class Label(Base):
    __tablename__ = "label"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    def __str__(self) -> str:
        return self.name


_labelled = Table(
    "labelled",
    Base.metadata,
    Column("task_id", ForeignKey("task.id", ondelete="CASCADE"), primary_key=True),
    Column("label_id", ForeignKey("label.id"), primary_key=True),
)
realtime(_labelled)


@realtime(exclude=["secret"])
class Task(Base):
    __tablename__ = "task"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    notes: Mapped[str] = mapped_column(Text, default="")
    done: Mapped[bool] = mapped_column(default=False)
    rank: Mapped[int] = mapped_column(default=0)
    price: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    kind: Mapped[Kind] = mapped_column(Enum(Kind))
    due: Mapped[dt.date | None]
    starts: Mapped[dt.datetime | None]
    data: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    secret: Mapped[str] = mapped_column(default="", server_default="")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    owner: Mapped[Person | None] = relationship()
    labels: Mapped[list[Label]] = relationship(secondary=_labelled)
    steps: Mapped[list["Step"]] = relationship(back_populates="task", order_by="Step.id")


@realtime
class Step(Base):
    __tablename__ = "step"
    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    task: Mapped[Task] = relationship(back_populates="steps")


@realtime
class Spot(Base):
    __tablename__ = "spot"
    row: Mapped[str] = mapped_column(primary_key=True)
    seat: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str] = mapped_column(default="")


FIELDS = ("title", "notes", "done", "rank", "price", "kind", "due", "starts", "data", "owner", "labels")


class Tasks(RealtimeModelView):
    """Every kind of field; details with a formatter, a macro and a related row."""

    can_view_details = True
    column_list = ("title", "done", "owner")
    column_details_list = ("title", "notes", "price", "kind", "done", "owner")
    column_formatters_detail: ClassVar[dict[str, Any]] = {
        "price": lambda _view, _context, task, _name: Markup("<b>&euro; {}</b>").format(task.price),
        "kind": macro("shout"),
    }
    details_template = "desk/details.html"
    form_columns = FIELDS


class Modals(Tasks):
    details_template = "admin/model/details.html"
    column_formatters_detail: ClassVar[dict[str, Any]] = {}
    details_modal = True
    edit_modal = True


class Ajax(Tasks):
    """Relations that are looked up while typing, rules, and options of widgets."""

    details_template = "desk/definitions.html"
    form_columns = ("title", "owner", "labels")
    form_ajax_refs: ClassVar[dict[str, Any]] = {
        "owner": {"fields": ("name",), "page_size": 10},
        "labels": {"fields": ("name",), "page_size": 10},
    }
    form_rules = (FieldSet(("title", "owner"), "What"), Field("labels"))
    form_widget_args: ClassVar[dict[str, Any]] = {"title": {"data-hint": "x", "prepend": "#"}}


class Inline(Tasks):
    """Rows of another table in the form, a password, boxes, and a token against forgery."""

    form_base_class = SecureForm
    form_columns = ("title", "secret", "labels")
    form_overrides: ClassVar[dict[str, Any]] = {"labels": CheckboxListField, "secret": PasswordField}
    form_args: ClassVar[dict[str, Any]] = {"labels": {"query_factory": lambda: db.session.query(Label)}}
    inline_models = (Step,)
    details_template = "desk/own.html"


class Mine(RealtimeModelView):
    """Each user has the tasks of one kind, and only with a login."""

    can_view_details = True
    column_details_list = ("title",)
    form_columns = ("title",)

    def is_accessible(self) -> bool:
        return "kind" in session

    def get_one(self, id: str) -> Any:  # noqa: A002  # Flask-Admin's name for it
        if request.args.get("strict"):
            return self.get_query().filter(Task.id == id, Task.kind == session["kind"]).one()
        task = super().get_one(id)
        return task if task is not None and task.kind.name == session["kind"] else None

    @property
    def can_edit(self) -> bool:
        return session.get("role") != "reader"

    @can_edit.setter
    def can_edit(self, value: bool) -> None:
        raise AttributeError


class Strict(RealtimeModelView):
    """Answers 404 for what is not there."""

    can_view_details = True
    column_details_list = ("title",)

    def get_one(self, id: str) -> Any:  # noqa: A002
        return super().get_one(id) or abort(404)


class Off(Tasks):
    realtime_details = False
    realtime_edit = False


class Spots(RealtimeModelView):
    can_view_details = True
    column_display_pk = True
    form_columns = ("note",)


VIEWS: Views = {
    "tasks": (Tasks, Task),
    "modals": (Modals, Task),
    "ajax": (Ajax, Task),
    "inline": (Inline, Task),
    "mine": (Mine, Task),
    "strict": (Strict, Task),
    "off": (Off, Task),
    "spots": (Spots, Spot),
}


def make_desk(url: str, **options: Any) -> Flask:
    """The application, its tables created and empty.

    :param options: of :func:`~tests.admin.applications.build`.
    """
    app = build(url, db, "Desk", VIEWS, **options)
    app.after_request(_restrict)
    app.add_url_rule("/login/<kind>/<role>", "login", _login)
    return app


def empty(app: Flask) -> None:
    """Tables without rows, keys from 1 on."""
    execute(app, "TRUNCATE task, person, label, labelled, step, spot RESTART IDENTITY CASCADE")


def seed(app: Flask) -> None:
    """Two tasks with everything, and a spot whose key needs escaping."""
    for key, name in ((1, "Ann"), (2, f"Bob {XSS}"), (3, "Cleo")):
        execute(app, "INSERT INTO person (id, name) VALUES (:k, :n)", k=key, n=name)
    for key, name in ((1, "red"), (2, "<b>blue</b>"), (3, "green")):
        execute(app, "INSERT INTO label (id, name) VALUES (:k, :n)", k=key, n=name)
    for key in (1, 2):
        execute(
            app,
            "INSERT INTO task (id, title, notes, done, rank, price, kind, due, starts, data, owner_id) VALUES"
            " (:k, 'Task ' || :k, E'line\\nand <more>', false, 3, 4.50, 'CHORE', '2026-02-03',"
            " '2026-02-03 04:05:06', '{\"a\": [1, \"ä\"]}', 1)",
            k=key,
        )
        execute(app, "INSERT INTO labelled VALUES (:k, 1), (:k, 2)", k=key)
        execute(app, "INSERT INTO step (what, task_id) VALUES ('first', :k), ('second', :k)", k=key)
    execute(app, "INSERT INTO spot VALUES ('a.,\"<b', 1, 'here')")


def _restrict(answer: Response) -> Response:
    if request.args.get("policy"):
        answer.headers["Content-Security-Policy"] = "script-src 'nonce-n0nce'"
    return answer


def _login(kind: str, role: str) -> str:
    session["kind"], session["role"] = kind, role
    return "ok"
