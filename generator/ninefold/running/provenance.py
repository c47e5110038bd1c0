"""Under what a run ran: versions, machine and commit, with nothing that names host or person."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ninefold.git import ask_git, is_tracked
from ninefold.project import SETTINGS_FILE, Project

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


def commit(project: Project) -> dict[str, Any]:
    """Return {"commit", "changes"}: the commit, and in words whether anything but what runs and
    reports write differs from it; {} where no commit holds the settings, sections and package."""
    root, package = project.root, project.settings.study.package
    code = [SETTINGS_FILE, "sections", *([package] if (root / package).is_dir() else [])]
    head = ask_git(root, "rev-parse", "--verify", "HEAD") if is_tracked(root, *code) else None
    if not head:
        return {}
    written = (":(exclude)results", ":(exclude)report")
    changed = ask_git(root, "status", "--porcelain", "--", ".", *written)
    hidden = ask_git(root, "ls-files", "--others", "--ignored", "--exclude-standard", "--", *code)
    if changed is None or hidden is None:
        said = "unknown"
    else:
        said = "some, not committed" if changed or _of_code(hidden) else "none"
    return {"commit": head.decode().strip(), "changes": said}


def _of_code(ignored: bytes) -> bool:
    """Tell whether any of the files that git ignores is one that runs may execute."""
    names = ignored.decode("utf-8", "replace").splitlines()
    return any(
        name.strip('"').endswith((".ipynb", ".py")) and ".ipynb_checkpoints/" not in name
        for name in names
    )
