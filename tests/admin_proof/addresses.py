"""Addresses of a view's list: filters, search, sort, page and page size, by chance."""

import datetime as dt
from random import Random
from typing import Any
from urllib.parse import urlencode

from flask_admin.contrib.sqla import filters as sqla
from flask_admin.model import filters as base

from tests.admin_proof.views import Case
from tests.admin_proof.writes import CODES, COUNTRIES

_WORDS = ("Title", "Title 1", "^Title", "=Title 2", "title", "%", "_", "sentinel", "Ünal", "a", "x", "ö,")


def address(case: Case, view: Any, chance: Random) -> str:
    """The query string of one of the view's lists."""
    arguments: dict[str, Any] = {}
    arguments |= _filters(view, case.wants.get("filters", chance.choice([0, 0, 1])), chance)
    if view._search_supported and (case.wants.get("search") or chance.random() < 0.2):
        arguments["search"] = " ".join(chance.sample(_WORDS, chance.choice([1, 1, 2])))
    arguments |= _sort(view, case.wants, chance)
    page = case.wants.get("page", chance.choice([0, 0, 0, 1]))
    if page:
        arguments["page"] = page
    if size := case.wants.get("page_size", chance.choice([0, 0, *(view.page_size_options or ())])):
        arguments["page_size"] = size
    return urlencode(arguments)


def _filters(view: Any, count: int, chance: Random) -> dict[str, str]:
    known = list(enumerate(view._filters or ()))
    chosen = chance.sample(known, min(count, len(known)))
    return {
        f"flt{place}_{view.get_filter_arg(index, one)}": _value(one, view, chance)
        for place, (index, one) in enumerate(chosen)
    }


def _sort(view: Any, wants: dict[str, Any], chance: Random) -> dict[str, int]:
    sortable = [index for index, (name, _) in enumerate(view._list_columns) if view.is_sortable(name)]
    names = [name for name, _ in view._list_columns]
    if "sort" in wants:
        index = None if wants["sort"] is None else names.index(wants["sort"])
    else:
        index = chance.choice([None, *sortable])
    if index is None:
        return {}
    return {"sort": index, "desc": 1} if chance.random() < 0.4 else {"sort": index}


def _value(one: Any, view: Any, chance: Random) -> str:
    if options := one.get_options(view):
        return str(chance.choice(list(options))[0]) if not isinstance(one, sqla.FilterInList) else "NOVEL,VERSE"
    for kind, value in _VALUES.items():
        if isinstance(one, kind):
            return value(chance)
    return chance.choice(_WORDS)


def _range(texts: list[str]) -> str:
    return " to ".join(sorted(texts))


def _day(chance: Random) -> str:
    return str(dt.date(2020, 1, 1) + dt.timedelta(chance.randrange(300)))


def _moment(chance: Random) -> str:
    return f"{_day(chance)} {chance.randrange(24):02}:30:00"


def _hour(chance: Random) -> str:
    return f"{chance.randrange(24):02}:15:00"


_VALUES: dict[Any, Any] = {
    base.BaseIntListFilter: lambda chance: f"{chance.randrange(300)}, 7,21",
    base.BaseFloatListFilter: lambda chance: f"{chance.randrange(9)}, 2.5",
    base.BaseIntFilter: lambda chance: str(chance.randrange(300)),
    base.BaseFloatFilter: lambda chance: str(chance.choice([0, 2.5, 4])),
    base.BaseDateBetweenFilter: lambda chance: _range([_day(chance), _day(chance)]),
    base.BaseDateTimeBetweenFilter: lambda chance: _range([_moment(chance), _moment(chance)]),
    base.BaseTimeBetweenFilter: lambda chance: _range([_hour(chance), _hour(chance)]),
    base.BaseDateFilter: _day,
    base.BaseDateTimeFilter: _moment,
    base.BaseTimeFilter: _hour,
    base.BaseUuidListFilter: lambda chance: ",".join(chance.sample(CODES, 3)),
    base.BaseUuidFilter: lambda chance: chance.choice(CODES),
    sqla.FilterInList: lambda chance: f"Title 1,{chance.choice(COUNTRIES)},a,b",
}
