"""What a file, a folder or a section's results hold, as a digest that is the same on every
machine."""

import hashlib
from pathlib import Path
from typing import Any

from ninefold.bounded import CODE, DATA
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.places import OutsideError
from ninefold.plain_json import digest
from ninefold.records import read_parts

ABSENT = "absent"
UNREADABLE = "unreadable"

# What ninefold, git and Python write beside people's files; and settings, which count one by one.
NOT_OF_THE_STUDY = {".git", ".ninefold", "report", "results", "sections", "__pycache__"}
SETTINGS = "ninefold.toml"
NOTEBOOKS_AND_PROSE = (".ipynb", ".md")  # of `sections` these do not count as files


def digest_of(files: Files, name: str) -> str:
    """Return the digest of a file's content, or of a folder's names; ABSENT where there is none.

    Of Python files the line ends do not count: git changes them. What lies outside of the project
    is not read, only looked at from outside, as is what takes long to read: then its size and the
    time of its last change stand for it.
    """
    try:
        path = files.locate(name)
        if path.is_dir():
            return _shorten(hashlib.sha256("\0".join(_names(files, name)).encode(errors="replace")))
        is_code = name.endswith(".py")
        if path.stat().st_size > (CODE if is_code else DATA).most:
            return _mark_of(path)
        if is_code:
            return _shorten(hashlib.sha256(files.read(name, CODE).replace(b"\r\n", b"\n")))
        return _shorten(files.digest(name))
    except OutsideError:
        return _mark_of(files.root / name)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except (NinefoldError, OSError):
        return UNREADABLE


def _mark_of(path: Path) -> str:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except (OSError, ValueError):
        return UNREADABLE
    return _shorten(hashlib.sha256(f"{found.st_size} {found.st_mtime_ns}".encode()))


def _names(files: Files, folder: str) -> list[str]:
    names = {name for name in files.names(folder) if not name.startswith(".")}
    is_root = SETTINGS in names
    return sorted(names - (NOT_OF_THE_STUDY | {SETTINGS} if is_root else {"__pycache__"}))


def _shorten(found: "hashlib._Hash") -> str:
    return found.hexdigest()[:32]


def digest_of_results(files: Files, section: str) -> str:
    """Return the digest of the key and the evaluations in a section's results; ABSENT for none.

    What measures time does not count, or a run that found the same again would be news.
    """
    try:
        parts = read_parts(files, f"results/{section}", "key", "evaluations")
    except NinefoldError:
        return UNREADABLE
    return ABSENT if parts is None else digest(_without_seconds(parts))


def _without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: own for name, own in value.items() if "seconds" not in name}
        return {name: _without_seconds(own) for name, own in kept.items()}
    return [_without_seconds(own) for own in value] if isinstance(value, list) else value
