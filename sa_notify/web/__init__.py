"""Flask and Flask-SocketIO: the extension, its events, tokens and limits."""

from sa_notify.web.extension import Dispatcher

#: A ready instance, as any Flask extension has one.
dispatcher = Dispatcher()

__all__ = ["Dispatcher", "dispatcher"]
