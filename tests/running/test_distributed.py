"""`ninefold run --dask`: real schedulers and workers in processes and folders of their own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tiny_project import RECORD, make_project, runs, wait_until, write_notebook

from ninefold.errors import NinefoldError
from ninefold.history import HISTORY, read_history
from ninefold.project import Project
from ninefold.running import runner
from ninefold.running.cluster import calls, crew, workers
from ninefold.running.cluster.crew import dask_crew
from ninefold.running.cluster.versions import refusal
from ninefold.running.events import CellStarted, Notice
from ninefold.running.workers import machine

FIND_WORKER = """
import os, pathlib, psutil, signal, time
here = psutil.Process()
worker = next((p for p in here.parents() if "worker tcp://" in " ".join(p.cmdline())), here)
"""


@pytest.fixture(scope="module", autouse=True)
def light(tmp_path_factory):
    """Have no TensorFlow to make kernels warm with: it takes seconds, and no notebook here needs
    it."""
    package = tmp_path_factory.mktemp("light") / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('not here')")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(package.parent), prepend=os.pathsep)
        yield


@pytest.fixture
def root(tmp_path):
    return make_project(tmp_path)


class Dask:
    """A scheduler and workers, each a process with folders of its own, that end with the test."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1")
        self.address = self._said(0, "Scheduler at:").split()[-1]

    def worker(self, *path: Path) -> subprocess.Popen[bytes]:
        options = ("--nthreads", "1", "--no-nanny", "--host", "127.0.0.1")
        worker = self._start("worker", self.address, *options, path=path)
        self._said(len(self.processes) - 1, "Registered to:")
        return worker

    def _start(self, *arguments, path=()) -> subprocess.Popen[bytes]:
        own = self.folder / str(len(self.processes))
        own.mkdir()
        with (own / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
                cwd=own,
                env={
                    **os.environ,
                    "TMPDIR": str(own),
                    "PYTHONPATH": os.pathsep.join([*map(str, path), os.environ["PYTHONPATH"]]),
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def _said(self, number: int, text: str) -> str:
        end = time.monotonic() + 60
        while True:
            said = (self.folder / str(number) / "log").read_text("utf-8")
            for line in said.splitlines():
                if text in line:
                    return line
            assert time.monotonic() < end, said
            time.sleep(0.05)

    def end(self) -> None:
        for process in reversed(self.processes):  # a worker takes its leave of the scheduler
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def dask(workers):
    # Not pytest's folder: a socket's name has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="dask-") as folder:
        cluster = Dask(Path(folder))
        try:
            for _ in range(workers):
                cluster.worker()
            yield cluster
        finally:
            cluster.end()


@pytest.fixture
def empty():
    with dask(workers=0) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def two():
    """A cluster of two workers, for tests that leave them alive."""
    with dask(workers=2) as cluster:
        yield cluster


def run(root, address, listen=lambda event: None, jobs=None, **options):
    outcomes = runner.run(Project(root), listen, hire=dask_crew(address, jobs), **options)
    return {outcome.section: outcome for outcome in outcomes}


def results_of(root):
    """Return what a run left, without what it measured."""
    found = {}
    for path in sorted((root / "results").rglob("*")):
        if path.is_file():
            found[path.relative_to(root).as_posix()] = path.read_text("utf-8")
            if path.name == "record.json":
                record = json.loads(found[path.relative_to(root).as_posix()])
                assert record.pop("run")["versions"]
                found[path.relative_to(root).as_posix()] = record
    return found


def below(process):
    return psutil.Process(process.pid).children(recursive=True)


def test_results_from_two_workers_are_those_of_a_local_run(root, two):
    read = "open('data/penguins.csv').read().count(',')"
    write_notebook(root, "2-data-summary", RECORD, f"record(rows={read}, pi=3.14159265)")
    write_notebook(root, "4-baseline", RECORD, "from penguins.models import NAME", "NAME")
    write_notebook(root, "5-experiments/1-spot-check", RECORD, "record(seen=1)")
    earlier = "json.load(open('results/5-experiments/1-spot-check/record.json'))['values']"
    write_notebook(
        *(root, "6-improvements/1-search", RECORD, f"record(**{earlier})"),
        "print(os.getcwd(), os.environ['NINEFOLD_OUTPUT'], pathlib.Path.home())",
        "from ninefold.files import Files",
        "from ninefold.history import append",
        "append(Files(pathlib.Path.cwd()), 'look', {'counted': True})",
    )
    runner.run(Project(root), lambda event: None)
    here = results_of(root)
    assert here["results/6-improvements/1-search/record.json"]["values"] == {"seen": 1}

    events = []
    outcomes = run(root, two.address, events.append, force=True)
    assert {outcome.state for outcome in outcomes.values()} == {"ran"}
    there = results_of(root)
    here.pop(HISTORY)
    there.pop(HISTORY)
    log = read_history(Project(root).files)
    assert (log.count, len(log.of("run")), log.trouble, log.heads) == (2, 8, "", ())
    assert there == here
    assert Notice(f"2 Dask workers at {two.address}") in events
    assert {event.section for event in events if isinstance(event, CellStarted) and event.of} == {
        *outcomes
    }
    assert [o.state for o in runner.run(Project(root), events.append)] == ["kept"] * 4


@pytest.mark.slow
def test_nothing_of_a_run_stays_on_the_workers(root, two):
    write_notebook(root, "2-data-summary", "'fine'")
    write_notebook(root, "4-baseline", "1 / 0")
    outcomes = run(root, two.address)
    assert outcomes["2-data-summary"].state == "ran"
    assert outcomes["4-baseline"].failure.error == "ZeroDivisionError"
    assert outcomes["4-baseline"].failure.cell == 1
    for worker in two.processes[1:]:
        assert below(worker) == []
    assert list(two.folder.rglob("penguins.csv")) == []
    assert [path for path in two.folder.rglob("ninefold-*") if path.is_dir()] == []


def waits_once(marker):
    """Return a cell that, the first time it runs, waits for something to end it; and says in the
    file `marker` that it does, and under which worker."""
    return f"""{FIND_WORKER}
marker = pathlib.Path({str(marker)!r})
if not marker.exists():
    marker.with_suffix(".new").write_text(str(worker.pid))
    marker.with_suffix(".new").rename(marker)
    time.sleep(600)
"""


@pytest.mark.slow
def test_a_section_whose_worker_is_killed_runs_again_on_another(root, tmp_path):
    marker = tmp_path / "marker"
    write_notebook(root, "2-data-summary", RECORD, waits_once(marker), "record(rows=2)")
    events = []
    with dask(workers=2) as cluster:
        with ThreadPoolExecutor() as threads:
            running = threads.submit(run, root, cluster.address, events.append)
            wait_until(marker.exists, "the notebook never ran")
            killed = next(p for p in cluster.processes if p.pid == int(marker.read_text()))
            kernels = below(killed)
            killed.kill()
            outcomes = running.result(timeout=120)
        assert outcomes["2-data-summary"].state == "ran"
        assert len(kernels) > 1
        wait_until(
            lambda: not any(runs(kernel.pid) for kernel in kernels),
            "kernels of the killed worker live on",
        )
    (said,) = (e.text for e in events if isinstance(e, Notice) and "lost" in e.text)
    assert said.endswith("was lost while it ran 2-data-summary")


@contextmanager
def stopped(process):
    """Have a process hang: it is there, takes what is sent to it, and answers nothing."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_worker_that_hangs_costs_neither_its_section_nor_what_others_run(
    root, tmp_path, monkeypatch
):
    monkeypatch.setattr(workers, "_ASK", 1.0)
    monkeypatch.setattr(workers, "_KEEP", 30.0)
    monkeypatch.setattr(calls, "_ANSWER", 2.0)
    marker, again, beside = (tmp_path / name for name in ("marker", "again", "beside"))
    rerun = f"pathlib.Path({str(again)!r}).touch()"
    write_notebook(root, "2-data-summary", RECORD, waits_once(marker), rerun, "record(rows=2)")
    waits = f"""
import pathlib, time
pathlib.Path({str(beside)!r}).open("a").write("ran")
while not pathlib.Path({str(again)!r}).exists():
    time.sleep(0.1)
"""
    write_notebook(root, "4-baseline", waits)
    events = []
    with dask(workers=3) as cluster, ThreadPoolExecutor() as threads:
        running = threads.submit(run, root, cluster.address, events.append, jobs=2)
        wait_until(lambda: marker.exists() and beside.exists(), "the notebooks never ran")
        hung = next(p for p in cluster.processes if p.pid == int(marker.read_text()))
        with stopped(hung):
            outcomes = running.result(timeout=200)
    assert {outcome.state for outcome in outcomes.values()} == {"ran"}
    assert beside.read_text() == "ran"
    (said,) = (e.text for e in events if isinstance(e, Notice) and "lost" in e.text)
    assert said.endswith("was lost while it ran 2-data-summary")


@pytest.mark.slow
def test_a_worker_that_hangs_before_a_run_gets_nothing_and_is_named(root, monkeypatch):
    monkeypatch.setattr(calls, "_ANSWER", 2.0)
    write_notebook(root, "2-data-summary", "'fine'")
    write_notebook(root, "4-baseline", "'fine'")
    events = []
    with dask(workers=2) as cluster, stopped(cluster.processes[1]):
        outcomes = run(root, cluster.address, events.append)
    assert {outcome.state for outcome in outcomes.values()} == {"ran"}
    said = [event.text for event in events if isinstance(event, Notice)]
    assert said[0].startswith("1 Dask worker at ")
    assert "does not answer: nothing runs there" in said[1]


@pytest.mark.slow
def test_when_all_workers_hang_the_run_does_not_begin(root, monkeypatch):
    monkeypatch.setattr(calls, "_ANSWER", 0.5)
    write_notebook(root, "4-baseline", "'never'")
    with (
        dask(workers=1) as cluster,
        stopped(cluster.processes[1]),
        pytest.raises(NinefoldError, match=r"no worker of .* answers; asked tcp://\S+; look at"),
    ):
        run(root, cluster.address)


@pytest.mark.slow
def test_when_the_scheduler_hangs_the_run_ends(root, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_ASK", 1.0)
    monkeypatch.setattr(workers, "_KEEP", 20.0)
    monkeypatch.setattr(calls, "_ANSWER", 2.0)
    marker = tmp_path / "marker"
    write_notebook(root, "2-data-summary", waits_once(marker))
    with dask(workers=1) as cluster, ThreadPoolExecutor() as threads:
        running = threads.submit(run, root, cluster.address)
        wait_until(marker.exists, "the notebook never ran")
        with (
            stopped(cluster.scheduler),
            pytest.raises(NinefoldError, match="does not answer any more; what was finished is"),
        ):
            running.result(timeout=200)
        wait_until(lambda: below(cluster.processes[1]) == [], "the worker keeps its kernels")


@pytest.mark.slow
def test_a_worker_that_joins_during_a_run_is_used(root, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_ASK", 0.5)
    marker = tmp_path / "marker"
    wait = f"""
import pathlib, time
pathlib.Path({str(marker)!r}).touch()
while not pathlib.Path({str(tmp_path / "second")!r}).exists():
    time.sleep(0.1)
"""
    write_notebook(root, "2-data-summary", wait)
    write_notebook(
        root, "4-baseline", f"import pathlib; pathlib.Path({str(tmp_path / 'second')!r}).touch()"
    )
    with dask(workers=1) as cluster, ThreadPoolExecutor() as threads:
        running = threads.submit(run, root, cluster.address)
        wait_until(marker.exists, "the notebook never ran")
        cluster.worker()
        outcomes = running.result(timeout=120)
    assert {outcome.state for outcome in outcomes.values()} == {"ran"}


@pytest.mark.slow
def test_a_worker_that_joins_during_a_run_and_cannot_use_ninefold_is_named(
    root, tmp_path, monkeypatch
):
    monkeypatch.setattr(workers, "_ASK", 0.5)
    marker, goal = tmp_path / "marker", tmp_path / "goal"
    broken = tmp_path / "broken/ninefold/__init__.py"
    broken.parent.mkdir(parents=True)
    broken.write_text("raise ImportError('half installed')")
    wait = f"""
import pathlib, time
pathlib.Path({str(marker)!r}).touch()
while not pathlib.Path({str(goal)!r}).exists():
    time.sleep(0.1)
"""
    write_notebook(root, "2-data-summary", wait)
    said = []

    def listen(event):
        if isinstance(event, Notice):
            said.append(event.text)

    with dask(workers=1) as cluster, ThreadPoolExecutor() as threads:
        running = threads.submit(run, root, cluster.address, listen)
        wait_until(marker.exists, "the notebook never ran")
        cluster.worker(broken.parents[1])
        wait_until(lambda: len(said) > 1, "nothing was said of the worker")
        goal.touch()
        assert running.result(timeout=120)["2-data-summary"].state == "ran"
    assert re.search(r"cannot use ninefold: .*half installed.*; mend its installation", said[1])


@pytest.mark.slow
def test_when_no_worker_has_a_place_for_a_run_the_line_says_why(root, empty):
    write_notebook(root, "4-baseline", "'never'")
    empty.worker()
    for folder in (empty.folder / "1/dask-scratch-space").glob("worker-*"):
        if folder.is_dir():
            shutil.rmtree(folder)
    with pytest.raises(NinefoldError, match=r"has no place for the run: No such file .*; make"):
        run(root, empty.address)


@pytest.mark.slow
def test_a_section_that_kills_its_worker_twice_is_reported_and_the_others_run(root, tmp_path):
    kill = f"{FIND_WORKER}\nos.kill(worker.pid, signal.SIGKILL)\ntime.sleep(600)"
    write_notebook(root, "2-data-summary", kill)
    write_notebook(root, "4-baseline", "'fine'")
    with dask(workers=3) as cluster:
        outcomes = run(root, cluster.address, jobs=1)
        assert sum(process.poll() is None for process in cluster.processes) == 2
    assert outcomes["2-data-summary"].failure.message.startswith("two Dask workers were lost")
    assert outcomes["4-baseline"].state == "ran"


@pytest.mark.slow
def test_when_the_scheduler_is_lost_old_results_stay_and_the_next_run_goes_on(root, tmp_path):
    marker = tmp_path / "marker"
    write_notebook(root, "2-data-summary", RECORD, waits_once(marker), "record(rows=2)")
    write_notebook(root, "4-baseline", RECORD, "record(rows=3)")
    old = root / "results/2-data-summary/record.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    with dask(workers=1) as cluster, ThreadPoolExecutor() as threads:
        running = threads.submit(run, root, cluster.address)
        wait_until(marker.exists, "the notebook never ran")
        kernels = below(cluster.processes[1])
        cluster.scheduler.kill()
        with pytest.raises(NinefoldError, match="does not answer any more; what was finished is"):
            running.result(timeout=120)
        wait_until(
            lambda: not any(runs(kernel.pid) for kernel in kernels),
            "the worker goes on with its kernels",
        )
    assert old.read_text() == "{}"
    assert [path.name for path in old.parent.iterdir()] == ["record.json"]
    assert [outcome.state for outcome in runner.run(Project(root), print)] == ["ran", "ran"]


@pytest.mark.slow
@pytest.mark.parametrize("embedded", [False, True])
def test_an_interrupted_run_ends_its_kernels_on_the_workers(root, two, tmp_path, embedded):
    marker = tmp_path / "marker"
    write_notebook(root, "4-baseline", waits_once(marker))
    address = crew.LOCAL if embedded else two.address
    process = subprocess.Popen(
        [sys.executable, "-m", "ninefold", "run", "--dask", address],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        # a shell's background job, such as a CI runner's, hands down that Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    wait_until(marker.exists, "the notebook never ran")
    started = below(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "ninefold: stopped; what was finished is kept, and so are older results\n"
    wait_until(lambda: not any(runs(each.pid) for each in started), "a process of the run is left")
    for worker in two.processes[1:]:
        wait_until(lambda worker=worker: below(worker) == [], "a kernel is left on a worker")


SOON_FORGOTTEN = """
import sys
from ninefold.cli import main
from ninefold.running.cluster import workers
workers._ASK, workers._KEEP = 1.0, 10.0
main(["run", "--dask", sys.argv[1]])
"""


@pytest.mark.slow
def test_a_run_that_was_killed_is_forgotten_by_the_workers(root, two, tmp_path):
    marker = tmp_path / "marker"
    write_notebook(root, "4-baseline", waits_once(marker))
    process = subprocess.Popen([sys.executable, "-c", SOON_FORGOTTEN, two.address], cwd=root)
    wait_until(marker.exists, "the notebook never ran")
    process.kill()
    process.wait()
    for worker in two.processes[1:]:
        wait_until(lambda worker=worker: below(worker) == [], "a kernel is left on a worker")


def test_a_worker_with_another_version_is_refused_before_anything_runs(root, empty, tmp_path):
    write_notebook(root, "4-baseline", "'never'")
    other = tmp_path / "other/ninefold-0.0.1.dist-info/METADATA"
    other.parent.mkdir(parents=True)
    other.write_text("Metadata-Version: 2.1\nName: ninefold\nVersion: 0.0.1\n")
    empty.worker(other.parents[1])
    with pytest.raises(NinefoldError, match=r"worker tcp://\S+ has ninefold 0\.0\.1; this machine"):
        run(root, empty.address)
    assert not (root / "results/4-baseline").exists()


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ({"ninefold": "1.0", "python": "3.11.2", "numpy": "2.1"}, None),
        ({"python": "3.11.2", "numpy": "2.1"}, "has no ninefold; this machine has ninefold 1.0"),
        ({"ninefold": "1.0", "python": "3.12.2", "numpy": "2.1"}, "has python 3.12; this"),
        ({"ninefold": "1.0", "python": "3.11.2"}, "has no numpy; this machine has numpy 2.1"),
        ({"ninefold": "1.0", "python": "3.11.7", "numpy": "2.1", "keras": "3"}, "has no keras"),
    ],
)
def test_whatever_could_change_a_result_must_be_the_same_on_a_worker(theirs, said):
    ours = {"ninefold": "1.0", "python": "3.11.7", "numpy": "2.1"}
    found = refusal("tcp://there:1", theirs, ours)
    assert found is None if said is None else said in str(found)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:8787", "is no address"),
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at"),
        ("127.0.0.1", "is no address"),
        ("", "is no address"),
    ],
)
def test_an_address_where_no_scheduler_is_gets_one_line(root, monkeypatch, address, said):
    monkeypatch.setattr(crew, "_ANSWER", 0.5)
    write_notebook(root, "4-baseline", "'never'")
    clients = of_clients()
    with pytest.raises(NinefoldError, match=said):
        run(root, address)
    assert of_clients() == clients  # a half-made one may lock the next


def of_clients():
    return [thread for thread in threading.enumerate() if thread.name == "IO loop"]


def test_somebody_else_who_listens_and_says_nothing_gets_one_line(root, monkeypatch):
    monkeypatch.setattr(crew, "_ANSWER", 0.5)
    write_notebook(root, "4-baseline", "'never'")
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(NinefoldError, match="no Dask scheduler answers at"),
    ):
        run(root, f"tcp://127.0.0.1:{silent.getsockname()[1]}")


def test_a_dataset_that_does_not_travel_gets_one_line(root):
    write_notebook(root, "4-baseline", "'never'")
    settings = root / "ninefold.toml"
    settings.write_text(settings.read_text("utf-8").replace('"data/', '"../data/'), "utf-8")
    (root / "data").rename(root.parent / "data")
    with pytest.raises(NinefoldError, match="lies outside of the project"):
        run(root, "tcp://127.0.0.1:8786")


def test_a_scheduler_without_workers_gets_one_line(root, empty, monkeypatch):
    monkeypatch.setattr(workers, "_JOIN", 4.0)
    write_notebook(root, "4-baseline", "'never'")
    with pytest.raises(NinefoldError, match=r"no worker has joined .* start one with 'dask worker"):
        run(root, empty.address)


def test_without_dask_the_line_says_how_to_install_it(root, monkeypatch):
    write_notebook(root, "4-baseline", "'never'")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NinefoldError, match="pip install distributed, here and on the machines"):
        run(root, "tcp://127.0.0.1:8786")


@pytest.mark.slow
def test_the_embedded_cluster_runs_a_project_and_leaves_nothing(root):
    write_notebook(root, "4-baseline", RECORD, "record(cores=os.environ['NINEFOLD_CORES'])")
    command = [sys.executable, "-m", "ninefold", "run", "--dask", "local", "-j", "1"]
    done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ran 4-baseline in " in done.stdout
    record = json.loads((root / "results/4-baseline/record.json").read_text("utf-8"))
    assert record["values"] == {"cores": str(machine.cores())}
