"""A project's files as a value: which there are, in pieces named by their content, and back."""

import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ninefold.bounded import Kind, open_regular
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.places import OutsideError
from ninefold.project import Project

PIECE = 2**22  # bytes; one travels at a time, so that a scheduler never holds a whole dataset
_MOST = 2 * 2**30  # bytes of a project; every machine gets them all

# Folders into which no notebook looks: history, reports, caches. They travel empty.
_LEFT_OUT = {
    *(".git", ".ninefold", "__pycache__", ".ipynb_checkpoints"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox"),
}
_ANY = Kind("a file of a project", _MOST)
_ENVIRONMENT = "pyvenv.cfg"  # marks a virtual environment, whatever its folder is called


@dataclass(frozen=True)
class File:
    """A file's content as the digests of its pieces, and whether it can be executed."""

    pieces: tuple[str, ...]
    executable: bool


# Path from the project's root, "/" on every system → the file; None: an empty folder.
Manifest = dict[str, File | None]


class ChangedError(Exception):
    """A file that is not what it was when the manifest was made; its path is the argument."""


class Pieces:
    """The files of a project that a notebook may read, in pieces. Links are followed as far as
    they stay in the project, and the one that the settings name as the dataset; `left_out` are the
    names of the others, by the last manifest.

    What has been looked at once is not read again before its size or time changes.
    """

    def __init__(self, project: Project):
        self._files, self._root = project.files, project.root
        self._dataset = posixpath.normpath(project.settings.data.source)
        self._known: dict[Path, tuple[tuple[int, int, int], File]] = {}
        self._places: dict[str, tuple[str, Path, int]] = {}  # digest → file, number of the piece
        self.left_out: tuple[str, ...] = ()

    def manifest(self) -> Manifest:
        """Return the files as they are now. Raises NinefoldError where they are too many bytes to
        send, naming the largest."""
        left_out: list[str] = []
        found = list(self._walk(left_out))
        self.left_out = tuple(sorted(left_out))
        sizes = {name: state.st_size for name, _, state in found if state}
        if sum(sizes.values()) > _MOST:
            raise _too_large(self._root, sizes)
        manifest: Manifest = {}
        for name, path, state in found:
            with suppress(FileNotFoundError):  # gone since
                manifest[name] = self._look(name, path, state) if state else None
        return manifest

    def piece(self, digest: str) -> bytes:
        """Return a piece of the last manifest's. Raises ChangedError where it is gone."""
        name, path, number = self._places[digest]
        with suppress(FileNotFoundError), open_regular(path, _ANY, name) as file:
            file.seek(number * PIECE)
            content = file.read(PIECE)
            if _digest(content) == digest:
                return content
        self._known.pop(path, None)
        raise ChangedError(name)

    def _look(self, name: str, path: Path, state: os.stat_result) -> File:
        mark = (state.st_size, state.st_mtime_ns, state.st_ino)
        known = self._known.get(path)
        if known is None or known[0] != mark:
            file = File(tuple(map(_digest, _pieces(name, path))), bool(state.st_mode & 0o100))
            self._known[path] = known = (mark, file)
            places = {own: (name, path, number) for number, own in enumerate(file.pieces)}
            self._places |= places
        return known[1]

    def _walk(self, left_out: list[str]) -> Iterator[tuple[str, Path, os.stat_result | None]]:
        """Yield the files that travel, each with where it is and its state, and the folders that
        travel empty.

        What cannot be read stays: no notebook could read it here either. So do folders that hold
        themselves, by a link.
        """
        waiting: list[tuple[str, tuple[Path, ...]]] = [(".", ())]
        while waiting:
            folder, above = waiting.pop()
            real = self._files.locate(folder)
            if real in above:
                continue
            names = [] if self._stays(folder) else self._files.names(folder)
            if not names and folder != ".":
                yield folder, real, None
            for entry in names:
                name = posixpath.normpath(f"{folder}/{entry}")
                try:
                    path = self._place(name)
                    state = path.stat()
                except OutsideError:
                    left_out.append(name)
                    continue
                except OSError:  # another section's results are just being replaced
                    continue
                if stat.S_ISREG(state.st_mode) and os.access(path, os.R_OK):
                    yield name, path, state
                elif stat.S_ISDIR(state.st_mode) and os.access(path, os.R_OK | os.X_OK):
                    waiting.append((name, (*above, real)))

    def _place(self, name: str) -> Path:
        if name == self._dataset:
            return (self._root / name).resolve()
        return self._files.locate(name)

    def _stays(self, folder: str) -> bool:
        if folder == ".":
            return False
        is_environment = self._files.exists(f"{folder}/{_ENVIRONMENT}")
        return is_environment or posixpath.basename(folder) in _LEFT_OUT or folder == "report"


class Store:
    """Pieces in a folder, each in a file of its digest's name."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def lacking(self, manifest: Manifest) -> list[str]:
        """Return the digests of the manifest's pieces that are not here."""
        files = filter(None, manifest.values())
        wanted = dict.fromkeys(name for file in files for name in file.pieces)
        return [name for name in wanted if not (self.folder / name).exists()]

    def keep(self, content: bytes) -> None:
        """Keep a piece under its digest, whole or not at all."""
        name = _digest(content)
        unfinished = self.folder / f"{name}.{os.getpid()}"
        unfinished.write_bytes(content)
        unfinished.replace(self.folder / name)

    def unpack(self, manifest: Manifest, root: Path) -> None:
        """Write the manifest's files under `root`. Raises NinefoldError for a path that leads out
        of it and for a piece that was damaged here."""
        for name, file in manifest.items():
            path = inside(root, name)
            if file is None:
                path.mkdir(parents=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as unpacked:
                for digest in file.pieces:
                    unpacked.write(self._piece(digest))
            path.chmod(0o755 if file.executable else 0o644)

    def _piece(self, digest: str) -> bytes:
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise NinefoldError(f"'{digest}' is no piece of a file")
        content = (self.folder / digest).read_bytes()
        if _digest(content) != digest:
            (self.folder / digest).unlink()
            raise NinefoldError(f"{self.folder / digest} was damaged", todo="run again")
        return content


def inside(root: Path, name: str) -> Path:
    """Return the path `name` under `root`. Raises NinefoldError where it would lie outside."""
    path = Path(os.path.normpath(root / name))
    if path == root or not path.is_relative_to(root):
        raise NinefoldError(f"'{name}' is no path inside of a project")
    return path


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files in a folder by their paths from it; of links nothing."""
    files = Files(folder)
    names = [name for name in files.walk() if not (folder / name).is_symlink()]
    return {name: files.read(name, _ANY) for name in names}


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write what `read_files` returned elsewhere. Raises NinefoldError for a path that leads out
    of the folder."""
    for name, content in files.items():
        path = inside(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _pieces(name: str, path: Path) -> Iterator[bytes]:
    with open_regular(path, _ANY, name) as file:
        while content := file.read(PIECE):
            yield content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _too_large(root: Path, sizes: dict[str, int]) -> NinefoldError:
    largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
    named = (f"{name} ({_gib(sizes[name])})" for name in largest)
    return NinefoldError(
        f"{root.name} is {_gib(sum(sizes.values()))}, too large to send to other machines",
        f"expected at most {_gib(_MOST)}; the largest files are {', '.join(named)}",
        "move what no notebook reads out of the project, or run without --dask",
    )


def _gib(size: int) -> str:
    return f"{size / 2**30:.2g} GiB"
