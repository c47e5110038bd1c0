"""What a notebook reads, seen from inside its kernel: files of the project, settings, results of
other sections, libraries.

`watch` listens to Python's audit events and appends to `reads.jsonl`, a line for each new thing as
it happens, so that a kernel may end however it likes:

    {"watching": section}                            the first line
    {"file": path, "digest": …}                      opened to be read; with its content just then
    {"wrote": path}                                  written anew by the notebook itself
    {"setting": "harness.epochs", "value": JSON}     of ninefold.toml
    {"section": id, "digest": …}                     whose results were opened; of what they are
    {"module": name, "through": [name, …]}           imported, while those were being imported
    {"lost": error}                                  something could not be followed

Paths are relative to the project's root, a folder's end in "/"; other paths do not count, except
for what ninefold itself reads as the dataset ("../rows.csv"). A file that a command names counts as
read. Not seen is what Python does not open: files that TensorFlow, HDF5, Arrow or another program
open by themselves (name them to `Study.file`), and processes that do not fork from the kernel but
start anew (joblib's "loky"); and files opened relative to an open folder (`dir_fd`), or only asked
whether they exist.
"""

import json
import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.records import RECORD_FILE, digest, read_parts
from ninefold.running.staleness.contents import (
    ABSENT,
    NOT_OF_THE_STUDY,
    NOTEBOOKS_AND_PROSE,
    SETTINGS,
    UNREADABLE,
    digest_of,
)

READS = "reads.jsonl"

# Who looks for modules lists folders, and reads no data (importlib_metadata, too).
_FINDERS = ("importlib", "pkgutil", "pkg_resources", "zipimport")
_CLOSED = NOT_OF_THE_STUDY - {"results", "sections", "__pycache__"}
_NEAR = 6  # calls: those of pathlib, and then some


def watch(root: Path, output: Path, section: str) -> None:
    """Follow what this process, the kernel of `section`, reads from now on, into `output`.

    It cannot be undone. What the notebook does goes on whatever happens here.
    """
    watcher = _Watcher(root.resolve(), output.resolve(), section)
    watcher.note(watching=section)
    sys.addaudithook(watcher)


class _Watcher:
    def __init__(self, root: Path, output: Path, section: str):
        self.root, self.output, self.section = str(root), str(output), section
        self._file = str(output / READS)
        self._seen: set[tuple[str, str]] = set()
        self._folders: dict[str, str | None] = {}  # as spelled → from the root; None: not ours
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

    # what happens

    def _open(self, path: Any, mode: str | None, flags: int) -> None:
        reads, empties = _purpose(mode, flags)
        if mode is None and _asks("shutil", within=1):
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
        if name is None or ("wrote", name) in self._seen:
            return
        if name == SETTINGS and _asks("ninefold.settings"):
            return  # each value counts by itself
        if name.startswith("results/"):
            self._results(name)
        elif not os.path.isdir(whole := os.path.join(self.root, name)) and self._new("file", name):
            self.note(file=name, digest=digest_of(Path(whole)))

    def _connect(self, database: Any) -> None:
        if isinstance(database, str):
            database = database.removeprefix("file:").partition("?")[0]
        if _is_path(database) and os.path.exists(database):  # it would be made
            self._read(database)

    def _command(self, arguments: Any) -> None:
        """A program is started: it reads the files that it is given by name."""
        for argument in [arguments] if _is_path(arguments) else arguments:
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
        name = self._name(os.path.join(os.fsdecode(path), "x")) if _is_path(path) else None
        if name is None or name.startswith(("results/", "sections/")):
            return
        if _asks(*_FINDERS, within=1):
            return
        name = name[:-1] or "./"
        if self._new("file", name):
            self.note(file=name, digest=digest_of(Path(self.root, name)))

    def _results(self, name: str) -> None:
        """A file among the results: it is its section's, whichever of them it is."""
        parts = name.split("/")[1:]
        for length in range(len(parts) - 1, 0, -1):
            section = "/".join(parts[:length]).removesuffix("/failure")
            folder = Path(self.root, "results", section)
            if parts[length:] == [RECORD_FILE] or (folder / RECORD_FILE).is_file():
                # A forecast asks of its own notebook's runs what preceded them, and no result.
                own = section == self.section or _asks("ninefold.study.forecasts", within=16)
                if not own and self._new("section", section):
                    self.note(section=section, digest=digest_of_results(folder))
                return

    def _import(self, module: str, *_: Any) -> None:
        name = module.partition(".")[0]
        if name not in sys.stdlib_module_names and self._new("module", name):
            self.note(module=name, through=_being_imported())

    def _setting(self, name: str, value: str) -> None:
        # Which points a grid has, the project says of its sections, which count by themselves.
        if not (name == "sections" and _asks("ninefold.project")) and self._new("setting", name):
            self.note(setting=name, value=value)

    # paths

    def _name(self, path: Any) -> str | None:
        """Return a file's path from the project's root; None where it does not count."""
        if not _is_path(path):
            return None
        folder, file = os.path.split(os.fsdecode(path))
        if not os.path.isabs(folder):
            folder = os.path.join(os.getcwd(), folder)
        if folder not in self._folders:
            self._folders[folder] = self._folder(os.path.normpath(folder))
        inside = self._folders[folder]
        if inside is None or not file:
            return None
        if inside.endswith("__pycache__/"):
            if not file.endswith(".pyc"):
                return None
            inside, file = inside.removesuffix("__pycache__/"), file.partition(".")[0] + ".py"
        name = inside + file
        loose = name.startswith("results/") and name.count("/") == 1  # leaderboard, looks
        told = name.startswith("sections/") and name.endswith(NOTEBOOKS_AND_PROSE)
        return None if loose or told or name in NOT_OF_THE_STUDY else name

    def _folder(self, folder: str) -> str | None:
        """Return a folder's path from the root, "" or one that ends in "/"; None: not ours."""
        for spelled in (folder, os.path.realpath(folder)):
            if spelled == self.root:
                return ""
            if _is_in(spelled, self.root):
                break
        else:
            return None
        parts = spelled[len(self.root) + 1 :].split(os.sep)
        if parts[0] in _CLOSED or "site-packages" in parts:
            return None
        # what lies in the project, and is none of it: a virtual environment, this run's output
        inner = (place for place in (sys.prefix, self.output) if _is_in(place, self.root))
        if any(_is_in(spelled, place) for place in inner):
            return None
        return "/".join(parts) + "/"


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _is_path(path: Any) -> bool:
    return isinstance(path, (str, bytes, os.PathLike))  # else the number of an open file


def _purpose(mode: str | None, flags: int) -> tuple[bool, bool]:
    """Return whether opening a file serves to read what it holds, and whether it empties it."""
    if mode is not None:
        empties = "w" in mode or "x" in mode
        return not empties and ("r" in mode or "+" in mode), empties
    writes = bool(flags & (os.O_WRONLY | os.O_RDWR))
    empties = writes and bool(flags & (os.O_TRUNC | os.O_EXCL))
    return not empties and not flags & os.O_WRONLY, empties


def _asks(*packages: str, within: int = _NEAR) -> bool:
    """Whether one of the last few calls that led to the event is one of these packages'."""
    known = (*packages, *(f"_frozen_{package}" for package in packages))
    return any(name.startswith(known) for name, _ in islice(_calls(), within))


def _being_imported() -> list[str]:
    """Return the packages whose modules are being imported at this moment."""
    found = {name.partition(".")[0] for name, code in _calls() if code == "<module>"}
    return sorted(found - {"", "__main__"})


def _calls() -> Iterator[tuple[str, str]]:
    """Yield module and function of the calls that led to the event, the last one first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__") or "")
        if name != __name__:
            yield name, frame.f_code.co_name
        frame = frame.f_back


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


@dataclass
class Trace:
    """What one run of a notebook read, each as it stood when it was first read."""

    files: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    modules: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    wrote: set[str] = field(default_factory=set)


def read_trace(output: Path) -> Trace | None:
    """Return what a watched kernel wrote into `output`; None where it does not tell all."""
    try:
        lines = [json.loads(line) for line in (output / READS).read_text("utf-8").splitlines()]
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    if not lines or "watching" not in lines[0] or any("lost" in line for line in lines):
        return None
    trace = Trace()
    for line in lines:
        match line:
            case {"file": name, "digest": found}:
                trace.files.setdefault(name, found)
            case {"wrote": name}:
                trace.wrote.add(name)
                if trace.files.get(name) == ABSENT:
                    del trace.files[name]  # looked for, not found and made: no input
            case {"setting": name, "value": value}:
                trace.settings.setdefault(name, value)
            case {"section": name, "digest": found}:
                trace.sections.setdefault(name, found)
            case {"module": name, "through": through}:
                trace.modules.append((name, tuple(through)))
    return trace
