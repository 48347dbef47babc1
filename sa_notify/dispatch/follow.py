"""The follower of an asyncio process: the same rules as the embedded one's."""

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sa_notify.dispatch.backoff import Backoff
from sa_notify.dispatch.feed import PING_SECONDS, Call, Feed, Step, Wait
from sa_notify.dispatch.receiver import Receiver
from sa_notify.source.base import Source

logger = logging.getLogger(__name__)


async def follow(
    source: Source,
    receiver: Receiver,
    *,
    jitter: Callable[[], float] = random.random,
    ping_seconds: float = PING_SECONDS,
) -> None:
    """Follow a source and tell its receiver, on the running event loop, until cancelled.

    When cancelled it tells the receiver that the feed is lost, and gives the connection back.

    :param jitter: numbers in [0, 1) that spread reconnections out.
    :param ping_seconds: how often the source is asked for a proof.
    """
    feed = Feed(source, receiver, Backoff(jitter), asyncio.get_running_loop().time, ping_seconds)
    # a thread of its own: slow work in the loop's own pool must not delay a ping
    thread = ThreadPoolExecutor(1, "sa_notify-source")
    try:
        await _carry_out(feed, _Performer(source, thread))
    finally:
        source.interrupt()
        feed.give_up()
        await asyncio.get_running_loop().run_in_executor(thread, source.close)
        thread.shutdown(wait=False)


async def _carry_out(feed: Feed, performer: "_Performer") -> None:
    steps = feed.steps()
    step = next(steps)
    while True:
        try:
            outcome = await performer.perform(step)
        except Exception as error:  # noqa: BLE001  (the feed decides what it means)
            step = steps.throw(error)
        else:
            step = steps.send(outcome)


class _Performer:
    def __init__(self, source: Source, thread: ThreadPoolExecutor) -> None:
        self._source = source
        self._thread = thread

    async def perform(self, step: Step) -> Any:
        if isinstance(step, Call):
            return await self._call(step)
        if isinstance(step, Wait):
            return await _readable(step.fileno, step.seconds)
        return await asyncio.sleep(step.seconds)

    async def _call(self, step: Call) -> Any:
        running = asyncio.get_running_loop().run_in_executor(self._thread, step.function)
        # a cancelled follower asks no more, and asyncio would report the error as forgotten
        running.add_done_callback(lambda future: future.cancelled() or future.exception())
        done, _ = await asyncio.wait({running}, timeout=step.seconds)
        if not done:
            logger.warning("PostgreSQL did not answer within %s s", step.seconds)
            self._source.interrupt()
        return await running


async def _readable(fileno: int, seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(fileno, readable.set)
    try:
        async with asyncio.timeout(seconds):
            await readable.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(fileno)
    return True
