"""What a file, a folder or a section's results hold, as a digest that is the same on every
machine."""

import hashlib
from pathlib import Path
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.records import digest, read_parts

ABSENT = "absent"
UNREADABLE = "unreadable"

# What ninefold, git and Python write beside people's files; and settings, which count one by one.
NOT_OF_THE_STUDY = {".git", ".ninefold", "report", "results", "sections", "__pycache__"}
SETTINGS = "ninefold.toml"
NOTEBOOKS_AND_PROSE = (".ipynb", ".md")  # of `sections` these do not count as files


def digest_of(path: Path) -> str:
    """Return the digest of a file's content, or of a folder's names; ABSENT where there is none.

    Of Python files the line ends do not count: git changes them.
    """
    try:
        if path.is_dir():
            return _shorten(hashlib.sha256("\0".join(_names(path)).encode()))
        if path.suffix == ".py":
            return _shorten(hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")))
        with path.open("rb") as file:
            return _shorten(hashlib.file_digest(file, "sha256"))
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError:
        return UNREADABLE


def _names(folder: Path) -> list[str]:
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    is_root = SETTINGS in names
    return sorted(names - (NOT_OF_THE_STUDY | {SETTINGS} if is_root else {"__pycache__"}))


def _shorten(found: "hashlib._Hash") -> str:
    return found.hexdigest()[:32]


def digest_of_results(folder: Path) -> str:
    """Return the digest of the key and the evaluations in a section's folder; ABSENT for none.

    What measures time does not count, or a run that found the same again would be news.
    """
    try:
        parts = read_parts(folder, "key", "evaluations")
    except NinefoldError:
        return UNREADABLE
    return ABSENT if parts is None else digest(_without_seconds(parts))


def _without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: own for name, own in value.items() if "seconds" not in name}
        return {name: _without_seconds(own) for name, own in kept.items()}
    return [_without_seconds(own) for own in value] if isinstance(value, list) else value
