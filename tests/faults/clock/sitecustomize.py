"""Moves the wall clock of a process by as many seconds as a file says; time that only counts on stays.

Python imports this by itself where its folder is on ``PYTHONPATH``. ``datetime.now()`` asks the kernel and
is not moved.
"""

import mmap
import os
import struct
import time
from pathlib import Path

if "SA_NOTIFY_TEST_CLOCK" in os.environ:
    with Path(os.environ["SA_NOTIFY_TEST_CLOCK"]).open("r+b") as _file:
        _moved = mmap.mmap(_file.fileno(), 8)
    _time, _time_ns = time.time, time.time_ns

    def _seconds() -> float:
        return struct.unpack("d", _moved)[0]  # type: ignore[no-any-return]

    time.time = lambda: _time() + _seconds()
    time.time_ns = lambda: _time_ns() + int(_seconds() * 1e9)
