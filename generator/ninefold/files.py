"""The one way to the files of a project: by their names from its root.

A project may be a stranger's, so that every path in it, and every file, is data. What is read is a
regular file that lies in the project and is no larger than its kind can be meant to be. What is
written, moved or removed is reached without a single link. The one exception is `results`, which
may be a link to a folder that holds nothing but results.

What a person names on the command line is theirs, and does not come by here (see `bounded`).
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from ninefold.bounded import (
    CAREFULLY,
    DATA,
    LOG,
    Kind,
    hash_regular,
    must_be_regular,
    read_regular,
    write_whole,
    writing,
)
from ninefold.errors import NinefoldError
from ninefold.places import Places
from ninefold.plain_json import parse_json

if TYPE_CHECKING:
    import hashlib

SCRATCH = ".ninefold"  # the folder of what is under way; git ignores it


class Files(Places):
    """The files of a project, to be read, written, moved and removed by their names."""

    # reading

    def read(self, name: str | PurePath, kind: Kind) -> bytes:
        """Return a file's content.

        Raises FileNotFoundError where there is none, and NinefoldError, in one line, for a link
        that leads out of the project, for what is no regular file, and for one that is too large.
        """
        return read_regular(self.locate(name), kind, self.name(name))

    def text(self, name: str | PurePath, kind: Kind) -> str:
        """Return a file's text, line ends as "\\n"; raises as `read` does, and for other than
        UTF-8."""
        try:
            content = self.read(name, kind).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise NinefoldError(
                f"{self.name(name)} is not text ({error})", "expected UTF-8", kind.todo
            ) from None
        return content.replace("\r\n", "\n").replace("\r", "\n")

    def json(self, name: str | PurePath, kind: Kind) -> Any:
        """Return the value in a file of JSON; raises as `read` does, and for what is not JSON."""
        return parse_json(self.read(name, kind), self.name(name), kind.todo)

    def digest(self, name: str | PurePath, *, text: bool = False) -> "hashlib._Hash":
        """Return the SHA-256 of a file of data; of a text with all line ends as "\\n". Raises as
        `read` does."""
        return hash_regular(self.locate(name), DATA, self.name(name), text=text)

    def names(self, folder: str | PurePath) -> list[str]:
        """Return the names in a folder, sorted; none where it is not there."""
        try:
            return sorted(os.listdir(self.locate(folder)))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def walk(
        self, folder: str | PurePath = ".", *, enters: Callable[[str], bool] = lambda name: True
    ) -> Iterator[str]:
        """Yield the files below a folder in order; of its folders those that `enters` takes by
        their names. No link to a folder is followed: one is a file here, as is whatever else is no
        folder."""
        with suppress(FileNotFoundError, NotADirectoryError):
            with os.scandir(self.locate(folder)) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            for entry in entries:
                name = os.path.join(self.name(folder), entry.name).removeprefix("./")
                if not entry.is_dir(follow_symlinks=False):
                    yield name
                elif enters(entry.name):
                    yield from self.walk(name, enters=enters)

    def folders(self, folder: str | PurePath) -> Iterator[str]:
        """Yield the folders below a folder, each after those around it. No link is followed."""
        for name in self.names(folder):
            inner = f"{self.name(folder)}/{name}"
            if self.place(inner).is_dir() and not self.place(inner).is_symlink():
                yield inner
                yield from self.folders(inner)

    def exists(self, name: str | PurePath) -> bool:
        """Tell whether anything has this name, were it only a link to nowhere."""
        return os.path.lexists(self._lexical(name))

    def size(self, name: str | PurePath) -> int:
        """Return how many bytes a file has; 0 for what is none, and for a link."""
        with suppress(OSError):
            found = os.lstat(self._lexical(name))
            return found.st_size if stat.S_ISREG(found.st_mode) else 0
        return 0

    def is_folder(self, name: str | PurePath) -> bool:
        """Tell whether this is a folder of the project; raises OutsideError."""
        return self.locate(name).is_dir()

    # writing

    def write(self, name: str | PurePath, content: bytes | str) -> None:
        """Write a file, whole or not at all. Raises NinefoldError."""
        path = self.place(name)
        write_whole(path, content, name=self.name(name), aside=self._aside(path))

    def append(self, name: str | PurePath, line: str) -> None:
        """Write a line at the end of a log, which is made where there is none. Raises
        NinefoldError."""
        with self.open_log(name) as file:
            file.write(line.encode() + b"\n")

    def open_log(self, name: str | PurePath) -> BinaryIO:
        """Open a file that grows, to be read and written at its end; it is made where there is
        none. Raises NinefoldError."""
        path, called = self.place(name), self.name(name)
        with writing(called):
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                must_be_regular(path.lstat(), called, LOG)  # first: a pipe without a reader hangs
            handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | CAREFULLY, 0o644)
            return os.fdopen(handle, "a+b")

    def make_folder(self, name: str | PurePath) -> Path:
        """Make a folder, where it is not there yet, and return its path. Raises OSError."""
        path = self.place(f"{self.name(name)}/x").parent
        path.mkdir(parents=True, exist_ok=True)
        return path

    def move(
        self, name: str | PurePath, target: str | PurePath, *, across_disks: bool = False
    ) -> None:
        """Give what is called `name` another name, which nothing has. Raises OSError; for a name on
        another disk, too, unless a kill may leave a half of it there."""
        goal = self.place(target)
        goal.parent.mkdir(parents=True, exist_ok=True)
        if across_disks:
            shutil.move(self.place(name), goal)
        else:
            self.place(name).rename(goal)

    def remove(self, name: str | PurePath) -> None:
        """Remove what is called so, if anything is: a file, a link, not what it leads to; or a
        folder with all that is in it. Raises OSError."""
        path = self.place(name)
        with suppress(FileNotFoundError):
            if path.is_symlink() or not path.is_dir():
                path.unlink()
            else:
                shutil.rmtree(path)

    def _aside(self, path: Path) -> Path:
        """Return the folder for what is half written: the scratch folder, or that of the results
        on another disk, where the next run clears it away after a kill."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch, results = Path(self._real, SCRATCH), self.linked_results
        if results and path.is_relative_to(results):
            scratch = Path(results, SCRATCH)
            scratch.mkdir(exist_ok=True)
        if SCRATCH in path.parts or not os.path.isdir(scratch) or scratch.is_symlink():
            return path.parent
        same = scratch.stat().st_dev == path.parent.stat().st_dev
        return scratch if same else path.parent
