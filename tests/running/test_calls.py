"""Calls of functions on Dask workers, and who gets a task: with a client that is none."""

import asyncio
import threading
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest
from distributed.comm import CommClosedError
from tiny_project import make_project

from ninefold.project import Project
from ninefold.running.cluster import calls, workers, workplace
from ninefold.running.cluster.calls import Calls, GoneError, LostError
from ninefold.running.cluster.errands import Returned
from ninefold.running.cluster.versions import refusals, versions
from ninefold.running.cluster.workers import Cluster
from ninefold.running.task import Conducted, Limits, Task

A, B = "tcp://there:1", "tcp://there:2"
PATIENCE = 60.0


class Client:
    """What of a client `Calls` uses; whatever is in `says` is returned, or raised."""

    status = "running"

    def __init__(self, loop):
        self.loop = SimpleNamespace(asyncio_loop=loop)
        self.says = {A: 1, B: 1}

    async def nthreads(self):
        return self._said()

    async def run(self, function, *arguments, on_error, workers):
        return {worker: self._said()[worker] for worker in workers}

    def _said(self):
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def client():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield Client(loop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(calls, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def test_a_call_of_the_scheduler_that_fails_is_no_news(client, clock):
    called = Calls(client, "tcp://here:8786", PATIENCE)
    assert called.known() == {A, B}
    client.says = CommClosedError("in the middle of it")
    clock.seconds = PATIENCE
    assert called.known() == {A, B}
    assert not called.lost(A)
    called.go_on()


def test_a_scheduler_that_is_silent_for_long_is_lost_until_it_answers(client, clock):
    called = Calls(client, "tcp://here:8786", PATIENCE)
    client.says = CommClosedError("again and again")
    clock.seconds = PATIENCE + 1
    called.known()
    with pytest.raises(GoneError, match="tcp://here:8786 does not answer any more"):
        called.go_on()
    client.says = {B: 1}
    assert called.known() == {B}
    called.go_on()


def test_a_scheduler_that_nobody_asked_for_long_is_not_lost(client, clock):
    called = Calls(client, "tcp://here:8786", PATIENCE)
    clock.seconds = PATIENCE + 1
    called.go_on()


@pytest.mark.parametrize(
    ("says", "found"),
    [
        (ImportError("of a class that is not here"), {A: ImportError, B: ImportError}),
        ({A: ImportError("of ninefold"), B: True}, {A: ImportError, B: bool}),
        ({A: TimeoutError(), B: True}, {B: bool}),
        (CommClosedError(), {}),
    ],
)
def test_whatever_fails_on_a_worker_is_its_answer_and_silence_is_none(client, says, found):
    client.says = says
    answers = Calls(client, "tcp://here:8786", PATIENCE).ask([A, B], versions)
    assert {worker: type(own) for worker, own in answers.items()} == found


@pytest.mark.parametrize("broken", [0, 1])
def test_a_worker_whose_ninefold_cannot_be_imported_is_refused_in_one_line(broken):
    ours = versions()
    answers = [ours["ninefold"], ours]
    answers[broken] = ImportError("cannot import\nname 'x'")

    def ask(asked, function, *arguments):
        return dict.fromkeys(asked, answers.pop(0))

    ((worker, refused),) = refusals(ask, [A])
    assert worker == A
    said = f"the Dask worker {A} cannot use ninefold: ImportError: cannot import name 'x'; "
    assert str(refused).startswith(said)


def test_a_worker_without_ninefold_is_said_to_have_none():
    def ask(asked, function, *arguments):
        return dict.fromkeys(asked, PackageNotFoundError("ninefold"))

    ((_, refused),) = refusals(ask, [A])
    assert str(refused).startswith(f"the Dask worker {A} has no ninefold; this machine has")


def cluster_with(client, root, answers):
    """Return a cluster whose workers answer a call with what is in `answers`, by function."""
    cluster = Cluster(client, "tcp://here:8786", Project(root))
    cluster._settled = {A, B}

    def call(worker, function, *arguments):
        if isinstance(found := answers[function](worker), Exception):
            raise found
        return found

    cluster._calls.call = call
    return cluster


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (workplace.lacking, f"the Dask worker {A} was lost"),
        (workplace.conduct, f"the Dask worker {A} was lost while it ran 4-baseline"),
    ],
)
def test_a_lost_worker_ran_a_section_only_where_it_had_begun(tmp_path, client, function, said):
    root = make_project(tmp_path)
    returned = Returned(Conducted(), {}, b"", {}, ())
    answers = {workplace.lacking: lambda worker: [], workplace.conduct: lambda worker: returned}
    right = answers[function]
    answers[function] = lambda worker: LostError() if worker == A else right(worker)
    cluster = cluster_with(client, root, answers)
    task = Task(root, "4-baseline", root / "n.ipynb", tmp_path / "out", {}, 1, Limits())
    assert cluster.conduct(task, lambda number, of: None) == Conducted()
    assert cluster.remarks() == (said,)


def test_a_worker_that_has_no_room_for_a_run_says_why(tmp_path, client, monkeypatch):
    monkeypatch.setattr(
        workers, "refusals", lambda ask, asked: [(worker, None) for worker in asked]
    )
    client.says = {A: "OSError: No space left on device", B: None}
    cluster = Cluster(client, "tcp://here:8786", Project(make_project(tmp_path)))
    cluster._settle([A, B])
    cluster._settle([A, B])
    assert cluster._settled == {B}
    full = f"the Dask worker {A} has no place for the run: OSError: No space left on device"
    assert cluster.remarks() == (full,)


def test_no_place_for_a_run_is_said_and_leaves_nothing_half_made(tmp_path):
    worker = SimpleNamespace(plugins={}, local_directory=str(tmp_path / "missing"))

    async def plugin_add(plugin, name, catch_errors):
        worker.plugins[name] = plugin
        plugin.setup(worker)

    worker.plugin_add = plugin_add
    said = asyncio.run(workplace.settle("run", PATIENCE, worker))
    assert said == f"No such file or directory ({worker.local_directory})"
    assert worker.plugins == {}
