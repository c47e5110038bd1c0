"""A project's files as a value: which there are, in pieces named by their content, and back."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ninefold.errors import NinefoldError

PIECE = 2**22  # bytes; one travels at a time, so that a scheduler never holds a whole dataset
_MOST = 2 * 2**30  # bytes of a project; every machine gets them all

# Folders into which no notebook looks: history, reports, caches. They travel empty.
_LEFT_OUT = {
    *(".git", ".ninefold", "__pycache__", ".ipynb_checkpoints"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox"),
}
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


class Files:
    """The files of the project at `root` that a notebook may read; links are followed.

    What has been looked at once is not read again before its size or time changes.
    """

    def __init__(self, root: Path):
        self.root = root
        self._known: dict[Path, tuple[tuple[int, int, int], File]] = {}
        self._places: dict[str, tuple[Path, int]] = {}  # digest → file and number of the piece

    def manifest(self) -> Manifest:
        """Return the files as they are now. Raises NinefoldError where they are too many bytes to
        send, naming the largest."""
        found = dict(_walk(self.root))
        sizes = {path: state.st_size for path, state in found.items() if state}
        if sum(sizes.values()) > _MOST:
            raise _too_large(self.root, sizes)
        manifest: Manifest = {}
        for path, state in found.items():
            with suppress(FileNotFoundError):  # gone since, as in `_walk`
                name = path.relative_to(self.root).as_posix()
                manifest[name] = self._look(path, state) if state else None
        return manifest

    def piece(self, digest: str) -> bytes:
        """Return a piece of the last manifest's. Raises ChangedError where it is gone."""
        path, number = self._places[digest]
        with suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(number * PIECE)
            content = file.read(PIECE)
            if _digest(content) == digest:
                return content
        self._known.pop(path, None)
        raise ChangedError(path.relative_to(self.root).as_posix())

    def _look(self, path: Path, state: os.stat_result) -> File:
        mark = (state.st_size, state.st_mtime_ns, state.st_ino)
        known = self._known.get(path)
        if known is None or known[0] != mark:
            file = File(tuple(map(_digest, _pieces(path))), bool(state.st_mode & 0o100))
            self._known[path] = known = (mark, file)
            self._places |= {name: (path, number) for number, name in enumerate(file.pieces)}
        return known[1]


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
    """Return the content of all files in a folder by their paths from it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write what `read_files` returned elsewhere. Raises NinefoldError for a path that leads out
    of the folder."""
    for name, content in files.items():
        path = inside(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _walk(root: Path) -> Iterator[tuple[Path, os.stat_result | None]]:
    """Yield the files that travel, each with its state, and the folders that travel empty.

    What cannot be read stays: no notebook could read it here either. So do folders that hold
    themselves, by a link.
    """
    waiting: list[tuple[Path, tuple[Path, ...]]] = [(root, ())]
    while waiting:
        folder, above = waiting.pop()
        try:
            real = folder.resolve()
            entries = () if _is_left_out(folder, root) else sorted(folder.iterdir())
        except FileNotFoundError:  # another section's results are just being replaced
            continue
        if real in above:
            continue
        if not entries:
            yield folder, None
        for path in entries:
            with suppress(FileNotFoundError):
                state = path.stat()
                if stat.S_ISREG(state.st_mode) and os.access(path, os.R_OK):
                    yield path, state
                elif stat.S_ISDIR(state.st_mode) and os.access(path, os.R_OK | os.X_OK):
                    waiting.append((path, (*above, real)))


def _is_left_out(folder: Path, root: Path) -> bool:
    if folder == root:
        return False
    is_environment = (folder / _ENVIRONMENT).exists()
    return is_environment or folder.name in _LEFT_OUT or folder == root / "report"


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while content := file.read(PIECE):
            yield content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _too_large(root: Path, sizes: dict[Path, int]) -> NinefoldError:
    largest = sorted(sizes, key=lambda path: -sizes[path])[:3]
    named = (f"{path.relative_to(root).as_posix()} ({_gib(sizes[path])})" for path in largest)
    return NinefoldError(
        f"{root.name} is {_gib(sum(sizes.values()))}, too large to send to other machines",
        f"expected at most {_gib(_MOST)}; the largest files are {', '.join(named)}",
        "move what no notebook reads out of the project, or run without --dask",
    )


def _gib(size: int) -> str:
    return f"{size / 2**30:.2g} GiB"
