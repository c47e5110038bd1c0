"""Whose a project is: one of another user's is not touched before its owner is trusted, because
what it holds would run in this user's name. As git has it, in git's words (CVE-2022-24765)."""

import os
import shlex
import subprocess
from pathlib import Path

from ninefold.errors import NinefoldError


def refuse_strangers(folder: Path, settings: str) -> None:
    """Raise NinefoldError where a project's folder, or its settings, belong to another user, and
    git's `safe.directory` does not name it."""
    if not hasattr(os, "geteuid"):  # Windows, where git does not ask either
        return
    own = _own_users()
    strange = [path for path in (folder, folder / settings) if path.lstat().st_uid not in own]
    if strange and not _is_trusted(folder):
        raise NinefoldError(
            f"detected dubious ownership in project at '{folder}'",
            f"{strange[0]} is owned by user {strange[0].lstat().st_uid}, you are {os.geteuid()}",
            "to add an exception for it, call: "
            f"git config --global --add safe.directory {shlex.quote(str(folder))}",
        )


def _own_users() -> set[int]:
    """Return who this is, and under sudo who has called it."""
    behind = os.environ.get("SUDO_UID", "")
    sudo = {int(behind)} if os.geteuid() == 0 and behind.isdigit() else set()
    return {os.geteuid(), *sudo}


def _is_trusted(folder: Path) -> bool:
    """Return what git's own configuration, not the project's, says of a folder."""
    trusted = False
    for name in _safe_directories():
        if not name:
            trusted = False  # an empty value revokes those before it
        elif name == "*" or _is_in(folder, name):
            trusted = True
    return trusted


def _is_in(folder: Path, name: str) -> bool:
    if name.endswith("/*"):
        return Path(os.path.realpath(name[:-2])) in folder.parents
    return Path(os.path.realpath(name)) == folder


def _safe_directories() -> list[str]:
    """Return the values of git's `safe.directory` in order, of the system, of the user and of the
    environment, but of no repository."""
    command = ["git", "config", "--show-scope", "--type=path", "--get-all", "safe.directory"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd="/")
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):  # no git, no exception
        return []
    pairs = (line.partition("\t") for line in said.stdout.splitlines())
    return [value for scope, _, value in pairs if scope in ("system", "global", "command")]
