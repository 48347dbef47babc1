"""Where the demo keeps things; ``python3 -m demo.rooms`` removes them (standard library only)."""

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

HOME = Path(__file__).parents[1] / ".demo"


def reachable(path: Path) -> bool:
    """Whether an account without rights of its own can enter this folder."""
    folders = [path.resolve(), *path.resolve().parents]
    return all(not folder.exists() or folder.stat().st_mode & stat.S_IXOTH for folder in folders)


def postgres_room(home: Path) -> Path:
    """A folder for PostgreSQL's data.

    In ``home``, except as root below a folder that only root may enter: PostgreSQL runs as ``nobody``
    then, so its data goes to /var/tmp, under a name made from ``home``'s path.
    """
    inside = home / "postgres"
    if os.geteuid() != 0 or reachable(home):
        return inside
    mark = hashlib.sha256(bytes(home.resolve())).hexdigest()[:12]
    return Path("/var/tmp") / f"sa-notify-demo-{mark}"


def temporary_room(prefix: str = "sa-notify-", within: Path = Path("/tmp")) -> Path:
    """A new folder with a short path (unix sockets allow 107 bytes) that every account can enter.

    The next call with the same prefix removes it when this process ended without doing so.

    :param within: where it is made.
    """
    for old in within.glob(f"{prefix}*/.in-use"):
        if _locked(old):
            shutil.rmtree(old.parent, ignore_errors=True)
    # under another name until it is locked: the next call would take it for one that was left behind
    room = Path(tempfile.mkdtemp(prefix=f".{prefix}", dir=within))
    room.chmod(0o755)
    _locked(room / ".in-use")
    return room.rename(room.with_name(room.name.removeprefix(".")))


_held: list[int] = []


def _locked(path: Path) -> bool:
    """Take a lock that lasts as long as this process; ``False`` when another process has it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    _held.append(descriptor)
    return True


def remove(home: Path) -> None:
    """Remove what the demo stored."""
    shutil.rmtree(postgres_room(home), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    remove(HOME)
