"""Views generated from a seed: each has one feature for sure, and others by chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from flask_admin.contrib.sqla.filters import FilterLike, IntGreaterFilter
from flask_admin.model.template import EndpointLinkRowAction
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload, subqueryload

from sa_notify.admin import RealtimeModelView
from tests.admin_proof import formatters as shows
from tests.admin_proof.texts import PAYLOADS
from tests.admin_proof.models import Author, Book, Ebook, Letter, Rate, Seat, Silent

Options = dict[str, Any]

_PLAIN = ("id", "title", "note", "pages", "price", "weight", "kind", "genre", "done", "published", "made", "opens")
_ODD = ("code", "meta", "labels")
_RELATED = ("author", "author.name", "author.country", "editor", "editor.name", "tags")
_COMPUTED = ("heading", "writer", "tag_count", *shows.VIRTUAL)
_SEARCHED = ("title", "note", "genre", "kind", "pages", "author.name", "editor.name", "tags.label", "heading")
_EDITED = ("title", "note", "pages", "price", "genre", "done", "published", "made", "author", "tags")
_FILTERED: dict[str, tuple[Any, ...]] = {
    "text": ("title", "note", "genre"),
    "number": ("pages", "price", "weight", "id"),
    "enum": ("kind",),
    "date": ("published",),
    "datetime": ("made",),
    "time": ("opens",),
    "boolean": ("done",),
    "uuid": ("code",),
    "relation": ("author", "editor.name", "tags.label"),
    "path": ("author.name", "author.born", "editor.country", "editor.rating"),
    "hybrid": ("heading",),
}


@dataclass(frozen=True)
class Case:
    """A view.

    :param wants: what its address must have.
    """

    number: int
    feature: str
    model: Any
    options: Options
    wants: Options

    @property
    def endpoint(self) -> str:
        return f"v{self.number}"

    @property
    def view(self) -> type[RealtimeModelView]:
        return type(f"View{self.number}", (RealtimeModelView,), self.options)


def features(size: int) -> list[str]:
    """So many of them; those that come round again have other luck."""
    known = list(FEATURES)
    return [known[number % len(known)] for number in range(size)]


def cases(seed: int, chosen: Sequence[str]) -> list[Case]:
    """A view for each of these features."""
    return [_case(number, feature, seed) for number, feature in enumerate(chosen)]


def _case(number: int, feature: str, seed: int) -> Case:
    chance = Random(f"{seed}:{number}")
    options, wants = _some(chance), Options()
    model = FEATURES[feature](chance, options, wants) or Book
    if model is Book and "form_columns" not in options:
        options["form_columns"] = _EDITED
    return Case(number, feature, model, options, wants)


def _some(chance: Random) -> Options:
    """What a view of books may be like."""
    columns = [*chance.sample(_PLAIN, 5), *chance.sample(_RELATED, 2), *chance.sample(_COMPUTED, 1)]
    columns += chance.sample(_ODD, 1)
    chance.shuffle(columns)
    options: Options = {
        "column_list": columns,
        "column_display_pk": True,
        "column_sortable_list": [name for name in columns if name in (*_PLAIN, "author.name", "heading", "tag_count")],
        "column_searchable_list": chance.sample(_SEARCHED, 3),
        "column_filters": [*chance.sample(_FILTERED["text"], 1), *chance.sample(_FILTERED["number"], 1), "done"],
        "column_formatters": dict(shows.VIRTUAL),
        "named_filter_urls": chance.random() < 0.5,
        "page_size": chance.choice([3, 5, 8, 20]),
        "can_set_page_size": True,
        "page_size_options": (3, 5, 8, 20),
        "simple_list_pager": chance.random() < 0.2,
        "column_auto_select_related": chance.random() < 0.7,
        "column_choices": {"genre": [("a", "Prose & more"), ("b", "<Verse>")]},
        "realtime_shared": chance.random() < 0.3,
        "realtime_mode": "rows" if chance.random() < 0.15 else "query",
    }
    if chance.random() < 0.5:
        options["column_default_sort"] = chance.choice(["title", ("pages", True), ("author.name", False)])
    if chance.random() < 0.3:
        options["column_type_formatters"] = shows.TYPES
    if chance.random() < 0.3:
        options["column_formatters"] |= shows.PRICE
    return options


# -- features: each sees to what it is about; gives the model where that isn't Book


def _filtered(kind: str) -> Callable[[Random, Options, Options], None]:
    def force(chance: Random, options: Options, wants: Options) -> None:
        options["column_filters"] = list(_FILTERED[kind])
        wants["filters"] = chance.choice([1, 1, 2])

    return force


def _filter_objects(chance: Random, options: Options, wants: Options) -> None:
    options["column_filters"] = [
        FilterLike(Book.title, "T"), IntGreaterFilter(Book.id, "I"), FilterLike("author.name", "A"), "editor.name",
    ]  # fmt: skip
    wants["filters"] = 2


def _searched(chance: Random, options: Options, wants: Options) -> None:
    options["column_searchable_list"] = ["title", "author.name", "tags.label", "heading"]
    wants["search"] = True


def _sorted_by(column: str, sortable: Any = None) -> Callable[[Random, Options, Options], None]:
    def force(chance: Random, options: Options, wants: Options) -> None:
        if column not in options["column_list"]:
            options["column_list"].append(column)
        options["column_sortable_list"] = [sortable or column, "title"]
        wants["sort"] = column

    return force


def _default_sort(chance: Random, options: Options, wants: Options) -> None:
    options["column_default_sort"] = [("kind", True), ("author.name", False), ("pages", True)]
    wants["sort"] = None


def _paged(chance: Random, options: Options, wants: Options) -> None:
    options["simple_list_pager"] = False
    wants |= {"page": chance.choice([1, 2, 4]), "page_size": chance.choice([3, 5])}


def _uncounted(chance: Random, options: Options, wants: Options) -> None:
    options["simple_list_pager"] = True
    wants["page"] = chance.choice([0, 1, 3])


def _own_query(chance: Random, options: Options, wants: Options) -> None:
    def condition() -> Any:
        foreign = or_(Book.author_id.is_(None), Book.author.has(Author.country == "DE"))
        seated = Book.id.in_(select(Seat.book_id).where(Seat.taken))
        return chosen([foreign, seated, Book.genre != "c"])

    pick = chance.randrange(3)

    def chosen(conditions: list[Any]) -> Any:
        return conditions[pick]

    options["get_query"] = lambda self: RealtimeModelView.get_query(self).where(condition())
    options["get_count_query"] = lambda self: RealtimeModelView.get_count_query(self).where(condition())


def _eager(chance: Random, options: Options, wants: Options) -> None:
    tags = chance.choice([selectinload, subqueryload, joinedload])(Book.tags)
    loads = chance.sample([tags, joinedload(Book.author), subqueryload(Book.editor)], 2)
    options["column_auto_select_related"] = False  # Flask-Admin's own would be in conflict
    options["column_list"] = ["title", "author", "author.country", "editor", "tags", "first_tag"]
    options["get_query"] = lambda self: RealtimeModelView.get_query(self).options(*loads)


def _joined(chance: Random, options: Options, wants: Options) -> None:
    options["get_query"] = lambda self: RealtimeModelView.get_query(self).outerjoin(Book.author)
    options["column_default_sort"] = "author.name"
    wants["search"] = True


def _computed(chance: Random, options: Options, wants: Options) -> None:
    options["column_list"] = ["title", "author", *_COMPUTED]


def _raw(chance: Random, options: Options, wants: Options) -> None:
    options["column_list"] = ["title", "pages", "rated"]
    options["column_formatters"] = dict(shows.RATED)
    options["realtime_tables"] = [Rate]


def _macros(chance: Random, options: Options, wants: Options) -> None:
    options |= {"list_template": "proof/macros.html", "column_list": ["title", "kind", "price", "author"]}
    options["column_formatters"] = {**shows.MACRO, **shows.PRICE}


def _edited(chance: Random, options: Options, wants: Options) -> None:
    options["column_list"] = list(_EDITED)
    options["column_editable_list"] = list(_EDITED)
    options["page_size"] = 5
    options["column_formatters"] = {}


def _edited_short(chance: Random, options: Options, wants: Options) -> None:
    options["column_list"] = ["title", "note", "pages", "author"]
    options["column_editable_list"] = ["title", "note", "pages"]
    options["column_formatters"] = dict(shows.SHORT)


def _edited_rows(chance: Random, options: Options, wants: Options) -> None:
    _edited(chance, options, wants)
    options["column_editable_list"] = ["title", "pages", "done"]
    options["realtime_mode"] = "rows"


def _rows(chance: Random, options: Options, wants: Options) -> None:
    options |= {"realtime_mode": "rows", "page_size": 8}


def _shared(chance: Random, options: Options, wants: Options) -> None:
    options |= {"realtime_shared": True, "can_create": False, "can_delete": False}


def _own_actions(chance: Random, options: Options, wants: Options) -> None:
    options |= {"list_template": "proof/actions.html", "can_view_details": True, "details_modal": True}
    options["column_extra_row_actions"] = [EndpointLinkRowAction("fa fa-star", ".edit_view")]


def _own_template(chance: Random, options: Options, wants: Options) -> None:
    options["list_template"] = "proof/cards.html"
    options["column_list"] = ["title", "author", "pages", "kind"]


def _bare(chance: Random, options: Options, wants: Options) -> None:
    options |= {"column_display_actions": False, "action_disallowed_list": ["delete"], "column_filters": None}
    options |= {"column_searchable_list": None, "can_export": True}


def _every_kind(*edited: str) -> Callable[[Random, Options, Options], Any]:
    """All columns, and all rows on one page."""

    def force(chance: Random, options: Options, wants: Options) -> Any:
        model = _small(chance, Book, [*_PLAIN, *_ODD, "mark", *_RELATED, "heading", "writer"], options)
        options |= {"page_size": 40, "column_editable_list": edited, "column_display_actions": False}
        options |= {"column_choices": {"genre": [(text, f"{text}!") for text in PAYLOADS]}}
        wants |= {"page": 0, "page_size": 0, "filters": 0, "sort": None}
        return model

    return force


def _small(chance: Random, model: Any, columns: list[str], options: Options) -> Any:
    kept = {name: options[name] for name in ("page_size", "can_set_page_size", "page_size_options")}
    options.clear()
    options |= kept | {"column_display_pk": True, "column_list": columns}
    return model


def _composite(chance: Random, options: Options, wants: Options) -> Any:
    options["realtime_mode"] = mode = chance.choice(["query", "rows"])
    model = _small(chance, Seat, ["row", "number", "taken", "note", "book"], options)
    options |= {"column_filters": ["taken", "note", "book.title"], "column_searchable_list": ["row", "book.title"]}
    options |= {"column_editable_list": ["note", "taken"], "realtime_mode": mode}
    wants["page"] = 0
    return model


def _inherited(chance: Random, options: Options, wants: Options) -> Any:
    model = _small(chance, Ebook, ["id", "title", "size", "author", "heading"], options)
    options |= {"column_searchable_list": ["title", "author.name"], "form_columns": ["title"]}
    return model


def _authors(chance: Random, options: Options, wants: Options) -> Any:
    model = _small(chance, Author, ["name", "country", "born", "rating"], options)
    options |= {"column_filters": ["country", "born", "rating"], "column_default_sort": ("rating", True)}
    wants |= {"filters": 1, "page": 0}
    return model


def _silent(chance: Random, options: Options, wants: Options) -> Any:
    wants["page"] = 0
    return _small(chance, Silent, ["id", "note"], options)


def _second_database(chance: Random, options: Options, wants: Options) -> Any:
    wants["page"] = 0
    return _small(chance, Letter, ["id", "label"], options)


FEATURES: dict[str, Callable[[Random, Options, Options], Any]] = {
    "every kind of column": _every_kind(),
    "every kind, edited": _every_kind("title", "note", "genre", "author", "tags"),
    "edited in place": _edited,
    "filters of texts": _filtered("text"),
    "sort by a related column": _sorted_by("author.name", ("author.name", "author.name")),
    "search in related columns": _searched,
    "mode rows": _rows,
    "relation filters": _filtered("relation"),
    "formatters that read other tables": _computed,
    "composite keys": _composite,
    "pages": _paged,
    "row actions of its own": _own_actions,
    "filters along paths": _filtered("path"),
    "sort by a hybrid of another table": _sorted_by("writer"),
    "default sort by several": _default_sort,
    "numeric filters": _filtered("number"),
    "a query of its own": _own_query,
    "date filters": _filtered("date"),
    "edited, shown shorter": _edited_short,
    "eager relations": _eager,
    "enum filters": _filtered("enum"),
    "a template of its own": _own_template,
    "raw SQL, tables declared": _raw,
    "datetime filters": _filtered("datetime"),
    "macros": _macros,
    "edited, mode rows": _edited_rows,
    "time filters": _filtered("time"),
    "shared": _shared,
    "inherited tables": _inherited,
    "boolean filters": _filtered("boolean"),
    "no count": _uncounted,
    "uuid filters": _filtered("uuid"),
    "sort by a count of relations": _sorted_by("tag_count"),
    "filter objects": _filter_objects,
    "a join of its own": _joined,
    "hybrid filters": _filtered("hybrid"),
    "another model": _authors,
    "nothing around the table": _bare,
    "a table without triggers": _silent,
    "a second database": _second_database,
}
