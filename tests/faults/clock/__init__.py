"""Wall clocks of our own processes, which tests move."""

import os
import struct
from pathlib import Path


class Clock:
    """The wall clock of one process that is started with :attr:`environment`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.move(0.0)

    @property
    def environment(self) -> dict[str, str]:
        here = Path(__file__).parent
        path = os.pathsep.join([str(here), str(here.parents[2])])
        return {"SA_NOTIFY_TEST_CLOCK": str(self._file), "PYTHONPATH": path}

    def move(self, seconds: float) -> None:
        """Have it be so many seconds off."""
        mode = "r+b" if self._file.exists() else "wb"
        with self._file.open(mode) as file:
            file.write(struct.pack("d", seconds))
