"""What the demo stores: people and what they have to do."""

from datetime import date

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sa_notify import realtime


class Base(DeclarativeBase):
    """The demo's models."""


db = SQLAlchemy(model_class=Base)


@realtime
class User(Base):
    """Somebody with things to do."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)

    def __str__(self) -> str:
        return self.name


@realtime
class TodoItem(Base):
    """Something to do."""

    __tablename__ = "todo_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    priority: Mapped[int] = mapped_column(default=3, server_default="3")
    due: Mapped[date]
    done: Mapped[bool] = mapped_column(default=False, server_default=false())

    owner: Mapped[User] = relationship()

    def __str__(self) -> str:
        return self.title
