"""What a file or a folder of the project holds, as a digest that is the same on every machine."""

import hashlib
from pathlib import Path

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


def _shorten(digest: "hashlib._Hash") -> str:
    return digest.hexdigest()[:32]
