"""Names inside generated SQL.

What is generated is pure ASCII and has no ``%``, ``:name`` or dollar quote, whatever tables and columns
are called: drivers, SQLAlchemy's ``text()`` and ``psql`` pass it on unchanged, and PostgreSQL stores
it as it was written, which drift detection relies on.
"""

import hashlib
import json
import re

from sqlalchemy.sql import quoted_name

CHANNEL = "sa_notify"

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9_]")
_UNSAFE_IN_JSON = re.compile(r"[%:$'{}]")


def stored(name: str) -> str:
    """The name as PostgreSQL has it: an explicitly unquoted one is folded to lower case."""
    return name.lower() if isinstance(name, quoted_name) and name.quote is False else str(name)


def identifier(name: str) -> str:
    """The name as a quoted identifier, ``U&""`` where a character could be misread on the way."""
    if _PLAIN.fullmatch(name):
        return f'"{name}"'
    return 'U&"' + _UNSAFE.sub(_unicode_escape, name) + '"'


def qualified(schema: str | None, name: str) -> str:
    """``"schema"."name"``, or the name alone where ``search_path`` decides."""
    return identifier(name) if schema is None else f"{identifier(schema)}.{identifier(name)}"


def qualified_text(schema: str | None, name: str, suffix: str = "") -> str:
    """A literal that ``regclass`` and its kin read; they know no ``U&""``."""
    return literal(quoted_text(schema, name) + suffix)


def quoted_text(schema: str | None, name: str) -> str:
    """What ``regclass`` and its kin read, not yet a literal."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name) if part is not None)


def literal(text: str) -> str:
    """The text as a string literal, the same under any ``standard_conforming_strings``."""
    plain = re.fullmatch(r"""[A-Za-z0-9_ .,"()\[\]-]*""", text)
    return f"'{text}'" if plain else "E'" + re.sub(r"""[^A-Za-z0-9_ .,"()-]""", _string_escape, text) + "'"


def json_text(value: object) -> str:
    """Canonical JSON: sorted keys, ASCII, and escapes for what SQL readers take for their own."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return _STRING.sub(lambda string: _UNSAFE_IN_JSON.sub(_json_escape, string[0]), text)


def function_name(table: str) -> str:
    """The name of a table's capture function; it lives in the table's schema.

    The digest tells apart tables whose readable parts are the same. At most 59 of 63 bytes.
    """
    slug = _UNSAFE.sub("_", table.lower())[:40]
    digest = hashlib.sha256(table.encode()).hexdigest()[:8]
    return f"sa_notify_{slug}_{digest}"


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def _unicode_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\{code:04x}" if code <= 0xFFFF else f"\\+{code:06x}"


def _string_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
