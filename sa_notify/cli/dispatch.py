"""``sa-notify dispatch``: the dispatcher as a process of its own."""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from sa_notify.cli.look import announced
from sa_notify.cli.place import Place, Refused
from sa_notify.errors import SaNotifyError
from sa_notify.sink.base import Context
from sa_notify.sink.discovery import Named, named_sinks
from sa_notify.source.connect import listen_connect

if TYPE_CHECKING:
    from sa_notify.redis.keys import Keys

HELP = """Send changes to the web workers, through Redis.

Follows the database and tells each worker what it wants to know. Start two or more: one leads, another
takes over within seconds when it goes. Ends in order on SIGTERM and SIGINT.
"""


def redis_options(command: Any) -> Any:
    """``--redis`` and ``--prefix``."""
    command = click.option(
        "--prefix", envvar="SA_NOTIFY_REDIS_PREFIX", default="sa_notify", show_default=True,
        help="What names in Redis begin with.",
    )(command)  # fmt: skip
    return click.option(
        "--redis", "redis_url", metavar="URL", envvar="SA_NOTIFY_REDIS_URL",
        help="The workers' Redis: redis://user:password@host:6379/0, rediss:// for TLS.",
    )(command)  # fmt: skip


def http_option(command: Any) -> Any:
    """``--http``."""
    return click.option(
        "--http", "http_address", metavar="HOST:PORT", envvar="SA_NOTIFY_HTTP",
        help="Serve /metrics (Prometheus) and /health here; nothing is served without it.",
    )(command)  # fmt: skip


def sink_option(command: Any) -> Any:
    """``--sink``."""
    return click.option(
        "--sink", "sinks", multiple=True, metavar="NAME[:OPTION=VALUE&...]",
        help="Give changes to this too: 'redis-stream:name=orders&tables=public.orders'. May be repeated.",
    )(command)  # fmt: skip


def dispatch(
    place: Place,
    redis_url: str | None,
    prefix: str,
    http_address: str | None = None,
    sinks: Sequence[str] = (),
    own: Sequence[Named] = (),
    listen_url: str | None = None,
) -> None:
    """Dispatch until a signal ends it.

    :param own: sinks of the application.
    :param listen_url: where to LISTEN, if not where the engine leads; else the environment's
        ``SA_NOTIFY_LISTEN_URL``.
    :raises Refused: when Redis is not named, or something can't work as it is set up.
    """
    redis_url = needed_redis(redis_url)
    _log()
    from sa_notify.redis.keys import Keys
    from sa_notify.service.service import Service

    try:
        connect = listen_connect(place.engine, listen_url or os.environ.get("SA_NOTIFY_LISTEN_URL"))
        keys, named = Keys(prefix), [*own, *named_sinks(sinks)]
        _try_out(named, redis_url, keys)
        asyncio.run(
            _until_signal(
                lambda: Service(connect, redis_url, keys, named, lambda: announced(place)), http_address
            )
        )
    except SaNotifyError as error:
        raise Refused(str(error)) from error


def needed_redis(redis_url: str | None) -> str:
    """The URL.

    :raises Refused: when there is none, or nothing to use it with.
    """
    if not redis_url:
        raise Refused("no Redis: give --redis or set SA_NOTIFY_REDIS_URL; without it no dispatcher is needed")
    missing = [name for name in ("redis", "prometheus_client") if find_spec(name) is None]
    if missing:
        raise Refused(f'{" and ".join(missing)} can\'t be imported: pip install "sa-notify[dispatch]"')
    return redis_url


async def _until_signal(make: Callable[[], Any], http_address: str | None) -> None:
    from sa_notify.service.http import serving

    _collect_seldom()
    service = make()
    with serving(http_address, service.health):
        task = asyncio.ensure_future(service.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            logging.getLogger(__name__).info("ended by a signal")


def _collect_seldom() -> None:
    """Changes are many and hold no cycles: to walk them took two fifths of the time of reading them."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _try_out(sinks: Sequence[Named], redis_url: str, keys: "Keys") -> None:
    """Wrong options are to be found now, not when this process leads."""
    from sa_notify.redis.connect import connect

    for sink in sinks:
        try:
            sink.make(Context({}, 0, lambda: connect(redis_url), keys.prefix)).close()
        except SaNotifyError:
            raise
        except Exception:  # what is away now may be there when this process leads
            logging.getLogger(__name__).debug("a sink can't be made yet", exc_info=True)


def _log() -> None:
    """Where nobody has set logging up, show it: a service that is silent can't be helped."""
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
