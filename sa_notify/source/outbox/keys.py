"""Keys of the advisory locks that writers and readers meet at; the triggers have the same numbers."""

from typing import Final

_BASE: Final = 0x73616E66 << 32

#: Held by a reader that sleeps: a writer who is refused it rings.
DOORBELL: Final = _BASE + (1 << 32) + 1
#: Held by the one source that does for all of a database what is done once.
KEEPER: Final = _BASE + (1 << 32) + 2
#: Held by the dispatcher process that leads.
LEADER: Final = _BASE + (1 << 32) + 3


def gate(relation_oid: int) -> int:
    """Held while somebody wants the table: a writer who obtains it captures nothing.

    :param relation_oid: of the table whose trigger fires; oids have 32 bits.
    """
    return _BASE + relation_oid
