"""The workers of a Dask cluster: which of them gets a task, and what if it is lost under it.

Each gets one task at a time, all its threads as cores. Where a task runs is decided here rather
than by the scheduler, so that the loss of a worker is seen and counted without a setting of a
scheduler that others may share. A worker that hangs is lost as soon as it must have forgotten the
run, if it ever wakes.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from distributed import Client

from ninefold.errors import NinefoldError
from ninefold.history import append
from ninefold.project import Project
from ninefold.running.cluster import workplace
from ninefold.running.cluster.calls import Calls, GoneError, LostError
from ninefold.running.cluster.errands import Errand, Returned
from ninefold.running.cluster.snapshot import ChangedError, Manifest, Pieces, write_files
from ninefold.running.cluster.versions import refusal_after, refusals
from ninefold.running.failures import Failure
from ninefold.running.task import Conducted, Task, Tell

_LOSSES = 2  # of workers under a task, after which it is given up
_JOIN = 10.0  # seconds for the first worker to join
_TRIES = 3  # to make at least one ready
_REJOIN = 30.0  # seconds for a worker to come back after the last one was lost
_LOOK = 1.0  # seconds between looks at whether a worker is free
_ASK = 10.0  # seconds between signs of life to the workers, and looks for new ones
_KEEP = 60.0  # seconds without one after which they end what they do for this run
_PARCEL = 2  # pieces that travel together
_SENDINGS = 5  # of a project in which files change meanwhile


class Cluster:
    """The workers of a Dask cluster, and which of them are at work for this run."""

    def __init__(self, client: Client, address: str, project: Project):
        self._client, self._address, self._pieces = client, address, Pieces(project)
        self._project = project
        self._calls = Calls(client, address, _KEEP)
        self._tells: dict[str, Tell] = {}  # by task
        self._settled: set[str] = set()  # workers that are ready for this run
        self._busy: set[str] = set()
        self._refused: dict[str, NinefoldError] = {}
        self._hindered: dict[str, str] = {}  # worker → what hinders it; asked again and again
        self._remarks: list[str] = []
        self._change = threading.Condition()

    def open(self) -> None:
        """Make all workers ready for this run that answer.

        Raises NinefoldError where there are none, where one has other versions than this machine
        or cannot use ninefold, and where the project is too large to send.
        """
        self._pieces.manifest()
        with suppress(TimeoutError):
            self._client.wait_for_workers(1, timeout=_JOIN)
        workers = self._calls.known()
        if not workers:
            raise NinefoldError(
                f"no worker has joined the Dask scheduler at {self._address}",
                f"waited {_JOIN:g} seconds",
                f"start one with 'dask worker {self._address}'",
            )
        for _ in range(_TRIES):
            self._settle(workers)
            for refusal in self._refused.values():
                raise refusal
            if self._settled:
                break
        else:
            raise self._nobody(workers)
        self._remarks.append(f"{_workers(len(self._settled))} at {self._address}")
        for name in self._pieces.left_out:
            self._remarks.append(f"{name} leads out of the project, and does not travel")
        for worker in sorted(workers - self._settled - self._hindered.keys()):
            self._remarks.append(f"the Dask worker {worker} does not answer: nothing runs there")
        self._client.subscribe_topic(self._calls.run, self._hear)
        threading.Thread(target=self._keep_asking, daemon=True).start()

    def _nobody(self, workers: Iterable[str]) -> NinefoldError:
        if self._hindered:
            return NinefoldError(
                "; ".join(self._hindered.values()),
                todo="make room there, or start the worker with another --local-directory",
            )
        return NinefoldError(
            f"no worker of the Dask scheduler at {self._address} answers",
            f"asked {', '.join(sorted(workers))}",
            "look at what they say where they were started, and start them again",
        )

    def close(self) -> None:
        """End what runs for this run on the workers, and remove what they keep for it."""
        self._calls.closing.set()
        with self._change:
            settled = set(self._settled)
        self._calls.ask(settled, workplace.leave, self._calls.run)

    def size(self) -> int:
        """Return how many workers there are for this run just now, or one to wait for."""
        return max(len(self._settled), 1)

    def remarks(self) -> tuple[str, ...]:
        """Return what is to be said about the workers by now."""
        return tuple(self._remarks)

    def conduct(self, task: Task, tell: Tell) -> Conducted:
        """Execute a task on a worker that is free, and again if that is lost; see `Conduct`.

        Raises GoneError where the run is closed meanwhile, the scheduler or every worker is gone.
        """
        self._tells[task.id] = tell
        losses = 0
        while losses < _LOSSES:
            begun = False
            with self._free_worker() as worker:
                try:
                    files = self._send_files(worker)
                    begun = True
                    returned = self._calls.call(worker, workplace.conduct, Errand.of(task), files)
                except LostError:
                    with self._change:
                        self._settled.discard(worker)
                    losses += begun  # else it was lost already, and not under the task
                    while_it = f" while it ran {task.id}" if begun else ""
                    self._remarks.append(f"the Dask worker {worker} was lost{while_it}")
                    tell(0, 0)
                    continue
            self._take_in(worker, task, returned)
            return returned.conducted
        message = (
            "two Dask workers were lost while they ran it; memory that ran out is the usual cause"
        )
        todo = "give the workers more memory, or have the notebook hold less at a time"
        return Conducted(Failure(task.id, "WorkerDied", message, todo=todo))

    def _send_files(self, worker: str) -> Manifest:
        """Bring a worker what it lacks of the project as it is now; return all its files."""
        changed = None
        for _ in range(_SENDINGS):
            files = self._pieces.manifest()
            names = self._calls.call(worker, workplace.lacking, files)
            try:
                for first in range(0, len(names), _PARCEL):
                    pieces = [self._pieces.piece(name) for name in names[first : first + _PARCEL]]
                    self._calls.call(worker, workplace.keep, pieces)
                return files
            except ChangedError as error:  # other sections' results, mostly
                changed = error
        raise NinefoldError(
            f"{changed} changes all the time while it is sent to the Dask workers",
            todo="end what writes to it, or move it out of the project",
        )

    def _take_in(self, worker: str, task: Task, returned: Returned) -> None:
        """Put what a task made where it belongs, unless libraries of other versions made it."""
        self._remarks += returned.remarks
        for entry in returned.entries:  # chained there to what the log was then
            append(self._project.files, entry["kind"], entry)
        if refused := refusal_after(worker, returned.libraries):
            raise refused
        write_files(task.output, returned.files)

    @contextmanager
    def _free_worker(self) -> Iterator[str]:
        worker = self._take_worker()
        try:
            yield worker
        finally:
            with self._change:
                self._busy.remove(worker)
                self._change.notify()

    def _take_worker(self) -> str:
        """Return a worker that does nothing for this run, as soon as there is one."""
        last = time.monotonic()
        with self._change:
            while True:
                self._calls.go_on()
                if free := sorted(self._settled - self._busy):
                    self._busy.add(free[0])
                    return free[0]
                if self._settled:
                    last = time.monotonic()
                elif time.monotonic() - last > _REJOIN:
                    raise GoneError(f"no worker of the Dask scheduler at {self._address} is left")
                self._change.wait(_LOOK)

    def _settle(self, workers: Iterable[str]) -> None:
        """Make workers ready for this run that have the versions of this machine."""
        fit = []
        for worker, refusal in refusals(self._calls.ask, workers):
            if refusal is None:
                fit.append(worker)
            else:
                self._refused[worker] = refusal
                self._remarks.append(str(refusal))  # of one that joins later, nobody else says it
        answers = self._calls.ask(fit, workplace.settle, self._calls.run, _KEEP)
        for worker, error in answers.items():
            if error is not None and worker not in self._hindered:
                why = f"the Dask worker {worker} has no place for the run: {error}"
                self._hindered[worker] = why
                self._remarks.append(why)
        with self._change:
            self._settled |= {worker for worker, error in answers.items() if error is None}
            self._change.notify_all()

    def _hear(self, event: tuple[float, tuple[str, int, int]]) -> None:
        task, number, of = event[1]
        self._tells[task](number, of)

    def _keep_asking(self) -> None:
        """Say to all workers that the run goes on, and know which are ready."""
        while not self._calls.closing.wait(_ASK):
            answers = self._calls.ask(self._calls.known(), workplace.ask, self._calls.run)
            ready = {worker for worker, found in answers.items() if found is True}
            with self._change:
                # One that is at work may be slow; who waits for it sees when it is lost.
                self._settled &= ready | self._busy
            # Only those that answered: one that hangs would hold up the others.
            self._settle(answers.keys() - self._settled - self._refused.keys())


def _workers(count: int) -> str:
    return f"{count} Dask worker{'' if count == 1 else 's'}"
