"""Under what a run ran: versions, machine and commit, with nothing that names host or person."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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
    reports write differs from it; {} outside of a git repository."""
    head = _git(root, "rev-parse", "--verify", "HEAD")
    if not head:
        return {}
    changed = _git(
        root, "status", "--porcelain", "--", ".", ":(exclude)results", ":(exclude)report"
    )
    return {"commit": head, "changes": "some, not committed" if changed else "none"}


def _git(root: Path, *arguments: str) -> str:
    """Return what git says; nothing where there is no git, no repository or no commit."""
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()
