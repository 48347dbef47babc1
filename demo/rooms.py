"""Where the demo keeps things; ``python3 -m demo.rooms`` removes them (standard library only)."""

import hashlib
import os
import shutil
import stat
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


def remove(home: Path) -> None:
    """Remove what the demo stored."""
    shutil.rmtree(postgres_room(home), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    remove(HOME)
