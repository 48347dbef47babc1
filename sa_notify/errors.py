"""Everything sa_notify raises.

SaNotifyError
├── ConfigurationError      something written by a developer can't work; says what to write instead
│   ├── RealtimeError       refused by @realtime
│   ├── QueryError          refused by @dispatcher.query, or a statement that can't be made live
│   └── SetupError          refused at start: extension, server or database set-up
├── NotTogether             queries can't be read as one statement: read each alone
├── MessageError            a message from PostgreSQL or a peer can't be read
├── SourceLost              the feed of changes broke; the next connection begins a new epoch
└── SubscriptionError       a subscription is refused or closed; carries a wire code and message
"""


class SaNotifyError(Exception):
    """Base of every error of this package."""


class ConfigurationError(SaNotifyError, ValueError):
    """Something a developer wrote can't work; the message ends with what to write instead."""


class RealtimeError(ConfigurationError):
    """``@realtime`` refuses this class, table or option."""


class QueryError(ConfigurationError):
    """A live query can't be registered, or its statement can't be made live."""


class SetupError(ConfigurationError):
    """The application, server or database is not set up for sa_notify."""


class NotTogether(SaNotifyError):
    """These queries can't be read as one statement; each can be read alone."""


class MessageError(SaNotifyError):
    """A message from PostgreSQL or a peer can't be read."""


class SourceLost(SaNotifyError):
    """The feed of changes broke; whoever follows it reconnects and begins a new epoch."""


class SubscriptionError(SaNotifyError):
    """A subscription is refused or closed.

    :param code: one of the wire protocol's error codes (:mod:`sa_notify.live.query`).
    :param message: a sentence the subscriber's developer can act on; it is sent to the browser,
        so it names no value, host or SQL.
    :param retry_after: seconds after which the same request may be granted; ``None`` when asking again
        is of no use.
    """

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retry_after = retry_after
