"""Where the files of a project are: a name, its path from the root, becomes a path that lies in it.

A project may be a stranger's, and any file in it a link. A link may lead within the project or, all
of `results` at once, to a folder that holds nothing but results.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from ninefold.errors import NinefoldError

# What ninefold makes in the folder of the results, and what systems leave in any folder.
_SECTION = re.compile(r"[1-9]\d*-.*")
_OF_RESULTS = re.compile(r"leaderboard\.csv|(history|holdout).*\.jsonl|\.ninefold|\.git\w+")
_OF_SYSTEMS = re.compile(
    r"lost\+found|Thumbs\.db|desktop\.ini|\$RECYCLE\.BIN|System Volume Information|@eaDir"
    r"|\.(DS_Store|directory|snapshot|Trash.*|Spotlight.*|fseventsd|nfs.*|fuse_hidden.*)"
)


class OutsideError(NinefoldError):
    """A name that leads out of the project."""


@dataclass(frozen=True)
class Places:
    """The places of the project at `root`; what they are called is their path from there, with "/"
    on every system. An absolute path below the root does as well."""

    root: Path

    def name(self, path: str | PurePath) -> str:
        """Return a path's name from the root, "." for the root. Raises OutsideError where that
        leads out of it by itself."""
        text = os.path.normpath(path)
        if os.path.isabs(text):
            text = self._from_root(text)
        if "\0" in text or os.path.isabs(text) or text.split(os.sep)[0] == os.pardir:
            said = f"{os.fspath(path)!r} leads out of the project"
            raise OutsideError(said, "expected a path from its root")
        return text.replace(os.sep, "/")

    def _from_root(self, path: str) -> str:
        for root in (str(self.root), self._real):
            if _is_in(path, root):
                return os.path.relpath(path, root)
        if _is_in(path, self._results):
            return os.path.normpath(os.path.join("results", os.path.relpath(path, self._results)))
        return path

    def locate(self, name: str | PurePath) -> Path:
        """Return where a file or folder of the project really is, or would be. Raises
        OutsideError where that is not in the project."""
        lexical = self._lexical(name)
        try:
            real = os.path.realpath(lexical)
        except ValueError:
            raise OutsideError(f"{self.name(name)!r} is no name of a file") from None
        if real != lexical and not self._holds(real):
            raise OutsideError(
                f"{self.name(name)} leads {self._whither(real)} ({real})",
                "expected a file in it, no link",
                "remove the link, or put what it means in its place",
            )
        return Path(real)

    def is_outside(self, name: str | PurePath) -> bool:
        """Tell whether a name leads out of the project."""
        try:
            self.locate(name)
        except OutsideError:
            return True
        return False

    def leads_out(self, name: str | PurePath) -> bool:
        """Tell whether this is itself a link that leads out of the project."""
        return os.path.islink(self._lexical(name)) and self.is_outside(name)

    def _holds(self, real: str) -> bool:
        """Tell whether a link may lead there: into the project or its results, but into no hidden
        folder, where git and others keep what is not to be shown; git-annex and DVC keep data."""
        roots = [root for root in (self._real, self._results) if _is_in(real, root)]
        parts = (os.path.relpath(real, root).split(os.sep) for root in roots)
        return any(
            part == ["."] or _is_store(part) or not any(p.startswith(".") for p in part)
            for part in parts
        )

    def _whither(self, real: str) -> str:
        inside = any(_is_in(real, root) for root in (self._real, self._results))
        return "into a hidden folder" if inside else "out of the project"

    def place(self, name: str | PurePath) -> Path:
        """Return the path of what ninefold itself writes, moves or removes. Raises OutsideError
        where a folder on the way to it is a link."""
        path = Path(self._lexical(name))
        if os.path.realpath(path.parent) != str(path.parent):
            raise OutsideError(
                f"{self.name(path.parent)} is a link, or in a folder that is one",
                "expected a folder of ninefold's own",
                "put a folder in its place",
            )
        results = self.linked_results
        if results and _is_in(str(path), results):
            _must_be_there(results)
        return path

    def _lexical(self, name: str | PurePath) -> str:
        first, _, rest = self.name(name).partition("/")
        if first == "results":
            return os.path.normpath(os.path.join(self._results, rest))
        return os.path.normpath(os.path.join(self._real, first, rest))

    @cached_property
    def _real(self) -> str:
        return os.path.realpath(self.root)

    @property
    def _results(self) -> str:
        return self.linked_results or os.path.join(self._real, "results")

    @property
    def linked_results(self) -> str | None:
        """The folder that `results` is a link to; None where it is no link. Raises OutsideError for
        one to a folder of other things."""
        lexical = os.path.join(self._real, "results")
        if not os.path.islink(lexical):
            return None
        real = os.path.realpath(lexical)
        if not _holds_only_results(real):
            raise OutsideError(
                f"results is a link to {real}, which holds other things",
                "expected a folder of results alone",
                "make an empty folder for them, and a link to that",
            )
        return real


def _is_store(parts: list[str]) -> bool:
    """Tell whether a path is in a store of data that links of the project lead to by design."""
    return parts[:3] == [".git", "annex", "objects"] or parts[:2] == [".dvc", "cache"]


def _holds_only_results(folder: str) -> bool:
    with suppress(OSError), os.scandir(folder) as found:  # it may be on a disk that is gone
        for entry in found:
            is_section = _SECTION.fullmatch(entry.name) and entry.is_dir()
            known = _OF_RESULTS.fullmatch(entry.name) or _OF_SYSTEMS.fullmatch(entry.name)
            if not (is_section or known):
                return False
    return True


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _must_be_there(results: str) -> None:
    if not os.path.isdir(results):
        raise OutsideError(
            f"results cannot be written to: it is a link to {results}, which is no folder",
            todo="bring its disk back, or remove the link",
        )
