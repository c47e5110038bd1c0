"""A run's place on a Dask worker: its pieces of the project, its kernels, its tasks.

All of it goes when the run says so, when the Dask worker closes, and when nobody has asked for it
in a while: a run that was killed says nothing.
"""

import asyncio
import shutil
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from ninefold.files import Files
from ninefold.history import read_history
from ninefold.project import Project
from ninefold.running.cluster.errands import Errand, Returned
from ninefold.running.cluster.snapshot import Manifest, Store, inside, read_files
from ninefold.running.notebooks import read_notebook, sources
from ninefold.running.results import stage
from ninefold.running.scrubbing import path_cleaner, scrub_file
from ninefold.running.staleness import libraries
from ninefold.running.staleness.trace import read_trace
from ninefold.running.task import Tell
from ninefold.running.workers.crew import Crew, local_crew


class NoWorkplaceError(Exception):
    """This Dask worker knows nothing of the run: it has been started anew."""


class Workplace(WorkerPlugin):
    """What one run keeps on one Dask worker, in which it conducts one task at a time."""

    def __init__(self, run: str, patience: float):
        self.run, self._patience = run, patience
        self._asked = time.monotonic()
        self._things = ExitStack()
        self._crew: Crew | None = None

    def setup(self, worker: Worker) -> None:
        """Make its folder, and begin to wait for tasks."""
        self._folder = Path(tempfile.mkdtemp(prefix="ninefold-", dir=worker.local_directory))
        self.store = Store(self._folder / "pieces")
        self._expiry = asyncio.create_task(self._expire(worker))

    async def teardown(self, worker: Worker) -> None:
        """End its kernels, a running one too, and remove its folder."""
        if self._expiry is not asyncio.current_task():
            self._expiry.cancel()
        await asyncio.to_thread(self._end)

    def ask(self) -> None:
        """Note that the run is still there."""
        self._asked = time.monotonic()

    def conduct(self, errand: Errand, files: Manifest, cores: int, tell: Tell) -> Returned:
        """Execute a task in a fresh copy of its project, of which nothing stays here."""
        scratch = Path(tempfile.mkdtemp(dir=self._folder)).resolve()
        try:
            root = inside(scratch, errand.project)
            root.mkdir()
            self.store.unpack(files, root)
            return self._conduct(errand, root, cores, tell)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _conduct(self, errand: Errand, root: Path, cores: int, tell: Tell) -> Returned:
        files = Files(root)
        known = len(read_history(files).links)
        output = stage(Project(root), inside(root, errand.id).relative_to(root).as_posix())
        task = errand.task(root, output, cores)
        notebook = read_notebook(files, errand.notebook)
        crew = self._hire()
        conducted = crew.conduct(task, tell)
        used = {} if conducted.failure else _libraries(root, notebook, output)
        clean = path_cleaner(root, output, errand.id)
        scrub_file(output, notebook, clean)
        if conducted.failure:
            conducted = replace(conducted, failure=conducted.failure.cleaned(clean))
        entries = tuple(link.entry for link in read_history(files).links[known:])
        return Returned(conducted, read_files(output), entries, used, crew.remarks())

    def _hire(self) -> Crew:
        """Return the crew of one that does all tasks of the run here, its kernels warm."""
        if self._crew is None:
            self._crew = self._things.enter_context(local_crew(1)(Project(self._folder)))
        return self._crew

    def _end(self) -> None:
        self._things.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _expire(self, worker: Worker) -> None:
        while time.monotonic() - self._asked < self._patience:
            await asyncio.sleep(min(self._patience / 5, 1))
        await worker.plugin_remove(name=self.run)


# What a run calls on its workers; `dask_worker` is given by Dask.


async def settle(run: str, patience: float, dask_worker: Worker) -> str | None:
    """Make a workplace for the run, for as long as it is asked for at least each `patience`
    seconds; return what hinders that, None: nothing."""
    try:
        await dask_worker.plugin_add(Workplace(run, patience), name=run, catch_errors=False)
    except OSError as error:  # raised, it would look like one of the connection
        dask_worker.plugins.pop(run)  # Dask keeps one whose setup failed (distributed 2026.8)
        return f"{error.strerror or error} ({dask_worker.local_directory})"
    return None


def ask(run: str, dask_worker: Worker) -> bool:
    """Keep the run's workplace for another while; return whether there is one."""
    with suppress(NoWorkplaceError):
        _workplace(run, dask_worker).ask()
        return True
    return False


async def leave(run: str, dask_worker: Worker) -> None:
    """Remove the run's workplace and whatever runs in it."""
    if run in dask_worker.plugins:
        await dask_worker.plugin_remove(name=run)


def lacking(run: str, files: Manifest) -> list[str]:
    """Return the digests of the pieces that are not here yet."""
    return _workplace(run, get_worker()).store.lacking(files)


def keep(run: str, pieces: list[bytes]) -> None:
    """Take in some pieces."""
    for piece in pieces:
        _workplace(run, get_worker()).store.keep(piece)


def conduct(run: str, errand: Errand, files: Manifest) -> Returned:
    """Execute a task, telling of its cells under the topic of the run's name."""
    worker = get_worker()

    def tell(number: int, of: int) -> None:
        worker.log_event(run, (errand.id, number, of))

    return _workplace(run, worker).conduct(errand, files, worker.state.nthreads, tell)


def _workplace(run: str, worker: Worker) -> Workplace:
    found = worker.plugins.get(run)
    if not isinstance(found, Workplace):
        raise NoWorkplaceError
    return found


def _libraries(root: Path, notebook: dict[str, Any], output: Path) -> dict[str, str]:
    trace = read_trace(output)
    code = sources(notebook, "code")
    own_modules = {name.removesuffix(".py") for name in Files(root).names(".")}
    return libraries.used(code, trace.modules if trace else (), own_modules)
