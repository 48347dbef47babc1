"""The SQL files of this folder: plain ones, and ones of named blocks with ``{{holes}}`` to fill."""

import re
from functools import cache
from importlib.resources import files

_BLOCK = re.compile(r"^-- block: (\w+)\n", re.MULTILINE)
_HOLE = re.compile(r"\{\{(\w+)\}\}")


@cache
def catalog_sql(name: str) -> str:
    """A file's SQL as it is."""
    return (files(__package__) / "templates" / f"{name}.sql").read_text(encoding="utf-8")


@cache
def blocks(name: str) -> dict[str, str]:
    """A file's blocks by name; what stands before the first block is about the file."""
    _, *parts = _BLOCK.split(catalog_sql(name))
    return {block: sql.rstrip("\n") for block, sql in zip(parts[::2], parts[1::2], strict=True)}


@cache
def version(template: int, name: str) -> dict[str, str]:
    """A file's blocks in a version of the function; those that it leaves out are the version before's."""
    before = version(template - 1, name) if template > 1 else {}
    try:
        return before | blocks(f"v{template}/{name}")
    except FileNotFoundError:
        return before


def fill(block: str, **parts: str) -> str:
    """The block with every hole filled, in one pass: what fills a hole is not looked at again.

    :raises KeyError: a hole has no part.
    """
    return _HOLE.sub(lambda hole: parts[hole[1]], block)
