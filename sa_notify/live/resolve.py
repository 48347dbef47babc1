"""Which of SQLAlchemy's own types stands behind a type, and when two types are alike."""

from collections.abc import Hashable
from typing import Any

from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import ARRAY, ExternalType, TypeDecorator, TypeEngine

POSTGRESQL = PGDialect()  # type: ignore[no-untyped-call]
# every driver takes and gives Decimal; the base dialect's own default would turn it into float
POSTGRESQL.supports_native_decimal = True


def resolved(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type that PostgreSQL sees: behind decorators, variants and domains."""
    impl: Any = type_.dialect_impl(POSTGRESQL)
    while isinstance(impl, (TypeDecorator, DOMAIN)):
        inner = impl.data_type if isinstance(impl, DOMAIN) else impl.impl_instance
        impl = inner.dialect_impl(POSTGRESQL)
    return impl  # type: ignore[no-any-return]


def signature(type_: TypeEngine[Any]) -> Hashable:
    """Equal for types that surely turn the same values into the same.

    A type of the application's own is known by its object, unless it says ``cache_ok``.
    """
    if isinstance(type_, ExternalType):
        key = type_._static_cache_key if type_.cache_ok is True else None  # noqa: SLF001
        return key if isinstance(key, tuple) else _Same(type_)
    inner = type_.item_type if isinstance(type_, ARRAY) else getattr(type_, "data_type", None)
    variants = getattr(type_, "_variant_mapping", {}).values()
    parts = [part for part in (inner, *variants) if isinstance(part, TypeEngine)]
    kind: Any = type(type_)
    return (kind, repr(type_), *(signature(part) for part in parts))


class _Same:
    """Equal to one that holds the very same object, which it keeps alive so that no other gets its id."""

    __slots__ = ("_held",)

    def __init__(self, held: object) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._held is other._held

    def __hash__(self) -> int:
        return id(self._held)
