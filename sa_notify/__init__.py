"""Live SQLAlchemy models on PostgreSQL: triggers, a dispatcher and live queries for browsers.

``realtime`` and the data types come without Flask, Redis or gevent; ``dispatcher`` and
``Dispatcher`` are imported from :mod:`sa_notify.web` when first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sa_notify.capture.muted import muted
from sa_notify.change import Change, ChangeSet
from sa_notify.decorator import realtime
from sa_notify.errors import SaNotifyError

if TYPE_CHECKING:
    from sa_notify.web import Dispatcher, dispatcher

__all__ = ["Change", "ChangeSet", "Dispatcher", "SaNotifyError", "dispatcher", "muted", "realtime"]

__version__ = "0.1.0"

_LAZY = {"Dispatcher": "sa_notify.web", "dispatcher": "sa_notify.web"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
