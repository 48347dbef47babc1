"""A thread that does one thing again and again."""

import threading


class Repeated:
    """Does its :meth:`turn` until it is stopped.

    :param seconds: between two.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """End it, and wait."""
        self._stopped.set()
        self._thread.join()

    def turn(self) -> None:
        """Do it once."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self.turn()
