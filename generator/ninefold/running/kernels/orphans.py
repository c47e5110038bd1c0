"""Processes whose parent has ended: on Linux they can fall to whoever is to end them."""

import ctypes
import os
import signal
import sys
from collections.abc import Collection
from contextlib import suppress

_PR_SET_CHILD_SUBREAPER = 36  # of linux/prctl.h; a fork does not inherit it


def adopt_orphans() -> None:
    """Have descendants of this process whose parent ends be its children, even those in sessions of
    their own; without that they fall to the system."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[int]:
    """Return the children of this process."""
    import psutil

    return {child.pid for child in psutil.Process().children()}


def end_orphans(own: Collection[int]) -> bool:
    """Kill the children of this process but its `own`; return whether there were any, in which case
    there may be theirs now."""
    killed = False
    for pid in children() - set(own):  # each is there until it is waited for
        with suppress(PermissionError):  # another user's, as sudo starts one
            os.kill(pid, signal.SIGKILL)
            killed = True
        os.waitpid(pid, os.WNOHANG)
    return killed
