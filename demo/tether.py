"""Become another program that ends when its starter ends, even when that is killed with -9.

Run as a script in front of the real command, so that the starter needs no ``preexec_fn``
(which may deadlock, and warns since Python 3.12, when other threads run)::

    python -I tether.py <starter's pid> <signal> <uid or -> <gid or -> command ...
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def _become(uid: str, gid: str) -> None:
    if uid == "-":
        return
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))


def _tie(starter: int, signal_number: int) -> None:
    """Ask the kernel for a signal at the starter's death; Linux only, elsewhere nothing happens."""
    if not sys.platform.startswith("linux"):
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != starter:
        sys.exit("the starter ended before this program began")


def main(starter: str, signal_number: str, uid: str, gid: str, *command: str) -> None:
    # The order matters: the kernel forgets the death signal when the user id changes.
    _become(uid, gid)
    _tie(int(starter), int(signal_number))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
