"""A descriptor that any thread can make readable."""

import contextlib
import os

from sa_notify.source.native import Guard


class Waker:
    """A pipe; what is set stays set until it is cleared."""

    def __init__(self) -> None:
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._writable, False)
        # a descriptor that is closed may soon be somebody else's
        self._guard = Guard()
        self._closed = False

    def fileno(self) -> int:
        """Readable after :meth:`set`."""
        return self._readable

    def set(self) -> None:
        """Wake who waits; harmless after :meth:`close`."""
        with self._guard, contextlib.suppress(BlockingIOError):
            if not self._closed:
                os.write(self._writable, b"!")

    def clear(self) -> None:
        """Take the mark away."""
        with self._guard, contextlib.suppress(BlockingIOError):
            while not self._closed and len(os.read(self._readable, 4096)) == 4096:
                pass

    def close(self) -> None:
        """Give the descriptors back."""
        with self._guard:
            if not self._closed:
                self._closed = True
                os.close(self._readable)
                os.close(self._writable)
