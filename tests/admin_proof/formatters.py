"""What cells show beyond their column: related rows, SQL of their own, markup, macros."""

import datetime as dt
from typing import Any

from flask_admin.model import typefmt
from flask_admin.model.template import macro
from markupsafe import Markup
from sqlalchemy import func, select

from tests.admin_proof.models import Author, Seat, db


def _price(_view: Any, _context: Any, book: Any, _column: str) -> Markup:
    return Markup("<b title='{0}'>&euro; {0}</b>").format(book.price)


def _first_tag(_view: Any, _context: Any, book: Any, _column: str) -> str:
    """Loads lazily."""
    return book.tags[0].label if book.tags else "-"


def _seats(_view: Any, _context: Any, book: Any, _column: str) -> str:
    """Asks a table of which the list knows nothing."""
    query = select(func.count()).select_from(Seat).where(Seat.book_id == book.id, Seat.taken)
    return str(db.session.scalar(query))


def _colleagues(_view: Any, _context: Any, book: Any, _column: str) -> str:
    names = db.session.query(Author.name).filter(Author.country == (book.author and book.author.country))
    return ", ".join(sorted(name for (name,) in names))


def _rated(_view: Any, _context: Any, book: Any, _column: str) -> str:
    """Hides what it reads: the view says so in ``realtime_tables``."""
    factor = db.session.connection().exec_driver_sql("SELECT max(factor) FROM rate").scalar()
    return str((book.pages or 0) * (factor or 0))


def _short(_view: Any, _context: Any, row: Any, column: str) -> str:
    """Shows less than can be edited."""
    value = getattr(row, column)
    return "" if value is None else str(value)[:3]


def _day(_view: Any, value: Any, _name: str) -> str:
    return f"{value:%d.%m.%Y}"


#: Columns of no table.
VIRTUAL = {"first_tag": _first_tag, "seats": _seats, "colleagues": _colleagues}
RATED = {"rated": _rated}
SHORT = {"title": _short, "note": _short}
PRICE = {"price": _price}
MACRO = {"kind": macro("shout")}
TYPES = {**typefmt.BASE_FORMATTERS, dt.date: _day}
