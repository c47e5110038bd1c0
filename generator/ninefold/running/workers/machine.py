"""How many cores and how much memory this process may use: the machine's, or its cgroup's."""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")  # version 2, as a container sees its own; absent elsewhere


def cores(cgroup: Path = _CGROUP) -> int:
    """Return how many cores this process may keep busy, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    quota, _, period = _first_line(cgroup / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        allowed = min(allowed, math.ceil(int(quota) / int(period)))
    return max(allowed, 1)


def memory(cgroup: Path = _CGROUP) -> int:
    """Return how many bytes of memory there are for this process and all beside it."""
    import psutil

    total = psutil.virtual_memory().total
    limit = _first_line(cgroup / "memory.max")
    return min(total, int(limit)) if limit.isdigit() else total


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").partition("\n")[0]
    except OSError:
        return ""
