"""What a notebook reads, seen from inside its kernel: files of the project, settings, results of
other sections, libraries.

`watch` listens to Python's audit events and writes the trace (see `trace`). Of other paths than
the project's only what ninefold itself reads as the dataset counts ("../rows.csv"). A file that a
command names counts as read. Not seen is what Python does not open: files that TensorFlow, HDF5,
Arrow or another program open by themselves (name them to `Study.file`), and processes that do not
fork from the kernel but start anew (joblib's "loky"); and files opened relative to an open folder
(`dir_fd`), or only asked whether they exist.
"""

import json
import os
import shlex
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ninefold.files import Files
from ninefold.records import RECORD_FILE
from ninefold.running.staleness.callers import asks, being_imported
from ninefold.running.staleness.contents import SETTINGS, digest_of, digest_of_results
from ninefold.running.staleness.paths import Paths, is_path, is_under_way
from ninefold.running.staleness.trace import READS

# Who looks for modules lists folders, and reads no data (importlib_metadata, too).
_FINDERS = ("importlib", "pkgutil", "pkg_resources", "zipimport")


def watch(root: Path, output: Path, section: str) -> None:
    """Follow what this process, the kernel of `section`, reads from now on, into `output`.

    It cannot be undone. What the notebook does goes on whatever happens here.
    """
    watcher = _Watcher(root.resolve(), output.resolve(), section)
    watcher.note(watching=section)
    sys.addaudithook(watcher)


class _Watcher:
    def __init__(self, root: Path, output: Path, section: str):
        self.root, self.section = str(root), section
        self._file, self._files = str(output / READS), Files(root)
        self._name = Paths(root, output).name
        self._seen: set[tuple[str, str]] = set()
        self._thread = threading.local()
        self._on: dict[str, Callable[..., None]] = {
            "open": self._open,
            "os.listdir": self._list,
            "os.scandir": self._list,
            "sqlite3.connect": self._connect,
            "import": self._import,
            "os.system": self._command,
            "os.exec": lambda _, arguments, __: self._command(arguments),
            "subprocess.Popen": lambda _, arguments, *__: self._command(arguments),
            "ninefold.file": lambda path: self._read(path, anywhere=True),
            "ninefold.setting": self._setting,
        }

    def __call__(self, event: str, arguments: tuple) -> None:
        handle = self._on.get(event)
        if handle is None or getattr(self._thread, "busy", False):
            return
        self._thread.busy = True  # what is opened here must not be heard
        try:
            handle(*arguments)
        except Exception as error:  # it would end what the notebook is doing
            self._lose(error)
        finally:
            self._thread.busy = False

    def note(self, **line: Any) -> None:
        """Append a line; one `write`, so that threads and forked children do not mix theirs."""
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, json.dumps(line).encode() + b"\n")
        finally:
            os.close(handle)

    def _lose(self, error: Exception) -> None:
        try:
            self.note(lost=f"{type(error).__name__}: {error}")
        except OSError:  # the disk is full, or the folder is gone: so is what the notebook made
            self._on.clear()

    def _new(self, kind: str, name: str) -> bool:
        if (kind, name) in self._seen:
            return False
        self._seen.add((kind, name))
        return True

    def _open(self, path: Any, mode: str | None, flags: int) -> None:
        reads, empties = _purpose(mode, flags)
        if mode is None and asks("shutil", within=1):
            return  # it removes a tree, by names within folders that are open
        if empties:
            name = self._name(path)
            if name is not None and not name.startswith("results/") and self._new("wrote", name):
                self.note(wrote=name)
        elif reads:
            self._read(path)

    def _read(self, path: Any, *, anywhere: bool = False) -> None:
        if anywhere:
            path = os.path.join(self.root, path)
        name = self._name(path)
        if name is None and anywhere:  # the dataset, beside the project
            name = os.path.normpath(path.removeprefix(self.root + os.sep))
            if is_under_way(name.split(os.sep)):
                return
        if name is None or ("wrote", name) in self._seen:
            return
        if name == SETTINGS and asks("ninefold.settings"):
            return  # each value counts by itself
        if name.startswith("results/"):
            self._results(name)
        elif not os.path.isdir(os.path.join(self.root, name)) and self._new("file", name):
            self.note(file=name, digest=digest_of(self._files, name))

    def _connect(self, database: Any) -> None:
        if isinstance(database, str):
            database = database.removeprefix("file:").partition("?")[0]
        if is_path(database) and os.path.exists(database):  # it would be made
            self._read(database)

    def _command(self, arguments: Any) -> None:
        """A program is started: it reads the files that it is given by name."""
        for argument in [arguments] if is_path(arguments) else arguments:
            text = os.fsdecode(argument)
            try:
                words = shlex.split(text)
            except ValueError:  # a quotation that does not end
                words = text.split()
            for word in (text, *words):
                if os.path.isfile(word):
                    self._read(word)

    def _list(self, path: Any) -> None:
        if path is None:
            path = "."
        name = self._name(os.path.join(os.fsdecode(path), "x")) if is_path(path) else None
        if name is None or name.startswith(("results/", "sections/")):
            return
        if asks(*_FINDERS, within=1):
            return
        name = name[:-1] or "./"
        if self._new("file", name):
            self.note(file=name, digest=digest_of(self._files, name))

    def _results(self, name: str) -> None:
        """A file among the results: it is its section's, whichever of them it is."""
        parts = name.split("/")[1:]
        for length in range(len(parts) - 1, 0, -1):
            section = "/".join(parts[:length]).removesuffix("/failure")
            folder = Path(self.root, "results", section)
            if parts[length:] == [RECORD_FILE] or (folder / RECORD_FILE).is_file():
                # A forecast asks of its own notebook's runs what preceded them, and no result.
                own = section == self.section or asks("ninefold.study.forecasts", within=16)
                if not own and self._new("section", section):
                    self.note(section=section, digest=digest_of_results(self._files, section))
                return

    def _import(self, module: str, *_: Any) -> None:
        name = module.partition(".")[0]
        if name not in sys.stdlib_module_names and self._new("module", name):
            self.note(module=name, through=being_imported())

    def _setting(self, name: str, value: str) -> None:
        # Which points a grid has, the project says of its sections, which count by themselves.
        if not (name == "sections" and asks("ninefold.project")) and self._new("setting", name):
            self.note(setting=name, value=value)


def _purpose(mode: str | None, flags: int) -> tuple[bool, bool]:
    """Return whether opening a file serves to read what it holds, and whether it empties it."""
    if mode is not None:
        empties = "w" in mode or "x" in mode
        return not empties and ("r" in mode or "+" in mode), empties
    writes = bool(flags & (os.O_WRONLY | os.O_RDWR))
    empties = writes and bool(flags & (os.O_TRUNC | os.O_EXCL))
    return not empties and not flags & os.O_WRONLY, empties
