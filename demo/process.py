"""Child processes that never outlive their starter."""

import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True, slots=True)
class User:
    """The account that a child runs under."""

    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> "User":
        """The account ``name``, with its own first group (``nogroup`` on Debian for ``nobody``)."""
        entry = pwd.getpwnam(name)
        return cls(entry.pw_uid, entry.pw_gid)


class Child:
    """A program in the foreground of its own session, tied to the process that started it.

    :param command: the program and its arguments.
    :param log: the file that gets its output, appended.
    :param name: what messages call it; its program's name when not given.
    :param stop_signal: what asks it to stop, and what the kernel sends when its starter dies.
    :param user: run as this account; needs root.
    :param env: its whole environment; ``None`` means the starter's.
    :param cwd: where it runs.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        name: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        user: User | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | str | None = None,
    ) -> None:
        self.name = name or Path(command[0]).name
        self.log = log
        self._stop_signal = stop_signal
        account = (str(user.uid), str(user.gid)) if user else ("-", "-")
        tether = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), str(int(stop_signal)), *account]
        with log.open("ab") as output:
            # A session of its own: the terminal's Ctrl-C reaches only the supervisor.
            self._process = subprocess.Popen(
                [*tether, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=dict(env) if env is not None else None,
                cwd=cwd,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status, or ``None`` while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int:
        """Its exit status once it has ended by itself.

        :raises RuntimeError: when it has not after ``seconds``; it is killed then.
        """
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise RuntimeError(f"{self.name} did not end in {seconds} s:\n{self.tail()}") from None

    def wait_until(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        """Return when ``ready()`` is true.

        :raises RuntimeError: when the program ends first or ``seconds`` pass; carries the log's end.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self.poll() is not None:
                raise RuntimeError(f"{self.name} ended with status {self.poll()}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} was not ready in {seconds} s:\n{self.tail()}")
            time.sleep(0.02)

    def stop(self, seconds: float = 10) -> None:
        """Ask it to stop and wait; kill it after ``seconds``. Harmless when it has ended."""
        if self.poll() is None:
            self._process.send_signal(self._stop_signal)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def tail(self, lines: int = 30) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def listening(port: int) -> bool:
    """Whether somebody accepts connections on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
