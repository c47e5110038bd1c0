"""Tasks conducted on other machines: a Dask cluster, which worker gets a task, and what if it dies.

Each Dask worker gets one task at a time, all its threads as cores. Where a task runs is decided
here rather than by the scheduler, so that a worker's death under it is seen and counted without a
setting of a scheduler that others may share.
"""

import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.running.cluster.snapshot import ChangedError, Files, Manifest, write_files
from ninefold.running.failures import Failure
from ninefold.running.staleness import libraries
from ninefold.running.task import Conducted, Task, Tell
from ninefold.running.workers import machine
from ninefold.running.workers.crew import Crew, Hire
from ninefold.running.workers.pool import PoolClosedError

if TYPE_CHECKING:
    from distributed import Client

    from ninefold.running.cluster.workplace import Errand

LOCAL = "local"
_DEATHS = 2  # of workers under a task, after which it is given up
_JOIN = 10.0  # seconds for a scheduler to answer, and for the first worker to join
_REJOIN = 30.0  # seconds for a worker to come back after the last one was lost
_LOOK = 1.0  # seconds between looks at which workers are alive
_ASK = 10.0  # seconds between signs of life to the workers
_KEEP = 60.0  # seconds without one after which they end what they do for this run
_PARCEL = 2  # pieces that travel together
_SENDINGS = 5  # of a project in which files change meanwhile
# Ctrl-C in a terminal goes to a whole process group; what it means is ours to say.
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"


class _LostError(Exception):
    """The worker is not there any more, or was started anew."""


class _GoneError(Exception):
    """The scheduler, or each worker, is not there any more; the argument says which."""


def dask_crew(address: str, jobs: int | None = None) -> Hire:
    """Return how to hire the workers of the Dask scheduler at `address`; "local": of one that
    lives in processes of this machine while the run does.

    jobs  tasks at a time at most; None: as many as there are workers

    Hiring raises NinefoldError where Dask is not installed, nobody answers, no worker is there or
    one has other versions than this machine, and where the project is too large to send. However
    the crew is left, nothing of the run stays on the workers.
    """

    @contextmanager
    def hire(project: Project) -> Iterator[Crew]:
        _need_dask()
        _check_data(project)
        with _hushed(), ExitStack() as stack:
            there = stack.enter_context(_embedded(jobs)) if address == LOCAL else address
            cluster = Cluster(stack.enter_context(_connected(there)), there, project.root)
            stack.callback(cluster.close)
            workers = cluster.open()
            try:
                # One core each as far as the runner knows: how many it has, a worker knows.
                yield Crew(cluster.conduct, min(jobs or workers, workers), 1, cluster.remarks)
            except _GoneError as error:
                raise NinefoldError(
                    str(error),
                    "what was finished is kept, and so are older results",
                    "start it again, then 'ninefold run' continues",
                ) from None

    return hire


class Cluster:
    """The workers of a Dask cluster, and which of them are at work for this run."""

    def __init__(self, client: "Client", address: str, root: Path):
        self._client, self._address, self._files = client, address, Files(root)
        self._run = f"ninefold-{uuid4().hex[:12]}"
        self._tells: dict[str, Tell] = {}  # by task
        self._settled: set[str] = set()  # workers that are ready for this run
        self._busy: set[str] = set()
        self._refused: dict[str, NinefoldError] = {}
        self._remarks: list[str] = []
        self._change = threading.Condition()
        self._closing = threading.Event()
        self._calls = ThreadPoolExecutor(1000, thread_name_prefix="ninefold-dask")

    def open(self) -> int:
        """Make all workers ready for this run, and return how many there are; see `dask_crew`."""
        self._files.manifest()  # may be too large to send
        with suppress(TimeoutError):
            self._client.wait_for_workers(1, timeout=_JOIN)
        workers = self._alive()
        if not workers:
            raise NinefoldError(
                f"no worker has joined the Dask scheduler at {self._address}",
                f"waited {_JOIN:g} seconds",
                f"start one with 'dask worker {self._address}'",
            )
        self._settle(workers)
        for refusal in self._refused.values():
            raise refusal
        several = "s" if len(workers) > 1 else ""
        self._remarks.append(f"{len(workers)} Dask worker{several} at {self._address}")
        self._client.subscribe_topic(self._run, self._hear)
        threading.Thread(target=self._keep_asking, daemon=True).start()
        return len(workers)

    def close(self) -> None:
        """End what runs for this run on the workers, and remove what they keep for it."""
        from ninefold.running.cluster.workplace import leave

        self._closing.set()
        left = self._calls.submit(self._everywhere, leave, self._alive())
        wait([left], timeout=_JOIN)  # not for ever: a worker may hang
        self._calls.shutdown(wait=False, cancel_futures=True)

    def conduct(self, task: Task, tell: Tell) -> Conducted:
        """Execute a task on a worker that is free, and again if that dies; see `Conduct`.

        Raises PoolClosedError where the cluster is closed meanwhile.
        """
        from ninefold.running.cluster.workplace import LOOKS, conduct

        self._tells[task.id] = tell
        for _ in range(_DEATHS):
            with self._free_worker() as worker:
                try:
                    files = self._send_files(worker)
                    returned = self._call(worker, conduct, _errand(task), files)
                except _LostError:
                    self._settled.discard(worker)
                    self._remarks.append(f"the Dask worker {worker} died while it ran {task.id}")
                    tell(0, 0)
                    continue
            self._remarks += returned.remarks
            _append(task.root / LOOKS, returned.looks)
            here = {name: libraries.installed(name) for name in returned.libraries}
            if refused := refusal(worker, returned.libraries, here):
                raise refused
            write_files(task.output, returned.files)
            return returned.conducted
        message = "its Dask worker died twice while it ran; memory that ran out is the usual cause"
        todo = "give the workers more memory, or have the notebook hold less at a time"
        return Conducted(Failure(task.id, "WorkerDied", message, todo=todo))

    def remarks(self) -> tuple[str, ...]:
        """Return what is to be said about the workers by now."""
        return tuple(self._remarks)

    def _send_files(self, worker: str) -> Manifest:
        """Bring a worker what it lacks of the project as it is now; return all its files."""
        from ninefold.running.cluster.workplace import keep, lacking

        changed = None
        for _ in range(_SENDINGS):
            files = self._files.manifest()
            names = self._call(worker, lacking, files)
            try:
                for first in range(0, len(names), _PARCEL):
                    pieces = [self._files.piece(name) for name in names[first : first + _PARCEL]]
                    self._call(worker, keep, pieces)
                return files
            except ChangedError as error:  # other sections' results, mostly
                changed = error
        raise NinefoldError(
            f"{changed} changes all the time while it is sent to the Dask workers",
            todo="end what writes to it, or move it out of the project",
        )

    def _call(self, worker: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have a worker call `function` with the run and the arguments; return what it returns.

        Raises _LostError, _GoneError, PoolClosedError, and NinefoldError for whatever fails there.
        """
        key = f"{self._run}-{function.__name__}-{uuid4().hex}"
        future = self._client.submit(
            *(function, self._run, *arguments), workers=[worker], pure=False, key=key
        )
        answer = self._calls.submit(future.result)
        try:
            while not wait([answer], timeout=_LOOK).done:
                self._go_on()
                if worker not in self._alive():
                    raise _LostError
            return self._answered(worker, answer)
        finally:
            future.cancel()

    def _answered(self, worker: str, answer: "Future[Any]") -> Any:
        from distributed import KilledWorker

        from ninefold.running.cluster.workplace import NoWorkplaceError

        try:
            return answer.result()
        except (NoWorkplaceError, KilledWorker, PoolClosedError, CancelledError):
            self._go_on()
            raise _LostError from None
        except NinefoldError:
            raise
        except Exception as error:  # whatever it is, it happened over there
            what = f"{type(error).__name__}: {error}"
            raise NinefoldError(f"the Dask worker {worker} could not go on: {what}") from error

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
                self._go_on()
                alive = self._alive()
                self._settle(alive - self._settled - self._refused.keys())
                self._settled &= alive
                if free := sorted(self._settled - self._busy):
                    self._busy.add(free[0])
                    return free[0]
                if self._settled:
                    last = time.monotonic()
                elif time.monotonic() - last > _REJOIN:
                    raise _GoneError(f"no worker of the Dask scheduler at {self._address} is left")
                self._change.wait(_LOOK)

    def _settle(self, workers: Iterable[str]) -> None:
        """Make workers ready for this run that have the versions of this machine."""
        from ninefold.running.cluster.workplace import settle

        fit = set(workers)
        for worker, refusal in _refusals(self._client, fit, versions()):
            fit.remove(worker)
            self._refused[worker] = refusal
            self._remarks.append(str(refusal))  # of one that joins later, nobody else says it
        for worker, error in self._everywhere(settle, fit, _KEEP).items():
            if error is None:
                self._settled.add(worker)

    def _everywhere(
        self, function: Callable[..., Any], workers: Iterable[str], *arguments: Any
    ) -> dict[str, Any]:
        """Return what each worker returns, without those that are gone."""
        return _ask(self._client, workers, function, self._run, *arguments)

    def _alive(self) -> set[str]:
        """Return the addresses of the scheduler's workers."""
        try:
            return set(self._client.nthreads()) if self._client.status == "running" else set()
        except OSError:
            return set()

    def _go_on(self) -> None:
        """Raise PoolClosedError after `close`, _GoneError where the scheduler is gone."""
        if self._closing.is_set():
            raise PoolClosedError
        if self._client.status != "running":
            raise _GoneError(f"the Dask scheduler at {self._address} does not answer any more")

    def _hear(self, event: tuple[float, tuple[str, int, int]]) -> None:
        task, number, of = event[1]
        self._tells[task](number, of)

    def _keep_asking(self) -> None:
        from ninefold.running.cluster.workplace import ask

        while not self._closing.wait(_ASK):
            with suppress(OSError):
                self._everywhere(ask, self._alive())


def _ask(
    client: "Client", workers: Iterable[str], function: Callable[..., Any], *arguments: Any
) -> dict[str, Any]:
    """Return what a function returns on each worker, beside its tasks; or the error it raises
    there, but for workers that are gone."""
    chosen = sorted(workers)
    if not chosen:
        return {}
    found = client.run(function, *arguments, workers=chosen, on_error="return")
    return {worker: value for worker, value in found.items() if not isinstance(value, OSError)}


def _refusals(
    client: "Client", workers: Iterable[str], ours: dict[str, str]
) -> Iterator[tuple[str, NinefoldError]]:
    """Yield the workers whose versions are others than ours, and what is to be said of each.

    The first question is one that a worker without ninefold understands.
    """
    from importlib.metadata import version

    alike = []
    here = {"ninefold": ours["ninefold"]}
    for worker, found in _ask(client, workers, version, "ninefold").items():
        there = {} if isinstance(found, Exception) else {"ninefold": found}
        if refused := refusal(worker, there, here):
            yield worker, refused
        else:
            alike.append(worker)
    for worker, found in _ask(client, alike, versions).items():
        if refused := refusal(worker, found, ours):
            yield worker, refused


def versions() -> dict[str, str]:
    """Return the versions here of what all sections depend on."""
    return {"python": platform.python_version(), **libraries.for_all()}


def refusal(
    worker: str, theirs: Mapping[str, str], ours: Mapping[str, str | None]
) -> NinefoldError | None:
    """Return why a worker of these versions cannot take part, None where it can: records say under
    which versions they hold, and no others must have had a part in them."""
    for name in sorted(ours.keys() | theirs.keys(), key=lambda name: (name != "ninefold", name)):
        here, there = ours.get(name), theirs.get(name)
        if name == "python" and here and there:  # of 3.11.7 and 3.11.9, results are the same
            here, there = (".".join(text.split(".")[:2]) for text in (here, there))
        if here != there:
            return NinefoldError(
                f"the Dask worker {worker} has {_named(name, there)}",
                f"this machine has {_named(name, here)}",
                "install the same on both, and start the worker again",
            )
    return None


def _named(name: str, version: str | None) -> str:
    return f"{name} {version}" if version else f"no {name}"


def _errand(task: Task) -> "Errand":
    from ninefold.running.cluster.workplace import Errand

    notebook = task.notebook.relative_to(task.root).as_posix()
    return Errand(task.root.name, task.id, notebook, task.values, task.limits)


def _append(path: Path, content: bytes) -> None:
    if content:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(content)


def _need_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise NinefoldError(
            "--dask needs Dask, which is not installed here",
            todo="pip install 'ninefold[dask]', here and on the machines of the workers",
        ) from None


def _check_data(project: Project) -> None:
    source = project.settings.data.source
    path = Path(os.path.normpath(project.root / source))
    if not source.startswith("builtin:") and not path.is_relative_to(project.root):
        raise NinefoldError(
            f"the dataset {path} lies outside of the project, of which alone other machines know",
            todo="put it into data/, or a link to it, and name that as data.source",
        )


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
    """Yield a client of the scheduler at `address`."""
    from distributed import Client

    expected = "expected the address of a Dask scheduler, such as tcp://host:8786, or 'local'"
    try:
        client = Client(address, timeout=_JOIN, set_as_default=False)
    except ValueError as error:
        raise NinefoldError(f"'{address}' is no address ({error})", expected) from None
    except OSError as error:  # a TimeoutError is one
        raise NinefoldError(
            f"no Dask scheduler answers at {address} within {_JOIN:g} seconds",
            expected,
            "start one with 'dask scheduler', which says its address",
        ) from error
    with client:
        yield client


@contextmanager
def _embedded(jobs: int | None) -> Iterator[str]:
    """Yield the address of a scheduler with workers in processes of this machine, among which its
    cores are divided."""
    from distributed import LocalCluster

    cores = machine.cores()
    workers = jobs or cores
    with LocalCluster(
        n_workers=workers,
        threads_per_worker=max(cores // workers, 1),
        processes=True,
        dashboard_address="127.0.0.1:0",  # it cannot be left out; any free port
        memory_limit=0,  # of a process that only starts others
        silence_logs=logging.CRITICAL,
        preload=[_DEAF],
    ) as cluster:
        yield cluster.scheduler_address


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep Dask's log off the terminal: what people must know, ninefold says."""
    loggers = [
        logging.getLogger(name)
        for name in ("distributed", "distributed.client", "tornado.application", "asyncio")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
