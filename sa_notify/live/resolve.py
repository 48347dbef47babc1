"""Which of SQLAlchemy's own types stands behind a type."""

from typing import Any

from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeDecorator, TypeEngine

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
