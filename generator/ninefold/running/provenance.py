"""Under what a run ran: versions, machine and commit, with nothing that names host or person."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ninefold.git import ask_git, is_tracked

PACKAGES = (
    *("ninefold", "tensorflow", "keras", "scikit-learn", "pandas", "numpy", "matplotlib", "scipy"),
)


def under() -> dict[str, Any]:
    """Return what a record's `run` says of where it ran: {"versions", "machine"}."""
    return {"versions": _versions(), "machine": _machine()}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _machine() -> dict[str, Any]:
    import psutil

    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "architecture": platform.machine(),
    }


def commit(root: Path) -> dict[str, Any]:
    """Return {"commit", "changes"}: the commit, and in words whether anything but what runs and
    reports write differs from it; {} where no commit holds the project."""
    head = ask_git(root, "rev-parse", "--verify", "HEAD") if is_tracked(root) else None
    if not head:
        return {}
    written = (":(exclude)results", ":(exclude)report")
    changed = ask_git(root, "status", "--porcelain", "--", ".", *written)
    said = {None: "unknown", b"": "none"}.get(changed, "some, not committed")
    return {"commit": head.decode().strip(), "changes": said}
