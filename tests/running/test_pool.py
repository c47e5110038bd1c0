"""Workers and their kernels, as real processes: reuse, limits, death."""

import json
import os
import signal
import sys
import threading
from pathlib import Path

import nbformat.v4
import psutil
import pytest
from tiny_project import runs, wait_for

from ninefold.running.kernels.warm import ADDRESS, warm_kernels
from ninefold.running.task import Limits, Task
from ninefold.running.workers.conducting import shared_environment
from ninefold.running.workers.pool import Pool, PoolClosedError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@pytest.fixture
def pool(tmp_path):
    with Pool(tmp_path / "logs") as pool:
        yield pool


def task(tmp_path, *sources, limits=None, values=None, name="4-baseline", metadata=None):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook, output = tmp_path / f"{name}.ipynb", tmp_path / f"output of {name}"
    notebook.write_text(json.dumps(nbformat.v4.new_notebook(cells=cells, metadata=metadata or {})))
    output.mkdir(exist_ok=True)
    return Task(tmp_path, name, notebook, output, values or {}, 1, limits or Limits())


def silent(number, of):
    pass


@pytest.fixture
def family():
    """Return what lists the processes that this test has started, not those of other tests."""
    others = psutil.Process().children(recursive=True)
    return lambda: [p for p in psutil.Process().children(recursive=True) if p not in others]


def test_a_worker_executes_one_notebook_after_another_each_in_a_kernel_of_its_own(pool, tmp_path):
    note = "import os, pathlib\npathlib.Path(f'{x}').write_text(f'{os.getpid()} {os.getppid()}')"
    heard = []
    for x in (1, 2):
        cells = (note, "'two'")
        ended = pool.conduct(
            task(tmp_path, *cells, values={"x": x}), lambda *cell: heard.append(cell)
        )
        assert ended.failure is None
        assert ended.under.keys() == {"versions", "machine"}
    first, second = ((tmp_path / x).read_text().split() for x in "12")
    assert first[0] != second[0]
    assert first[1] == second[1]  # the worker
    assert heard == [(1, 2), (2, 2)] * 2


def test_a_failing_cell_is_told_with_what_to_try(pool, tmp_path):
    failure = pool.conduct(task(tmp_path, "1", "import no_such_thing"), silent).failure
    assert (failure.section, failure.cell, failure.error) == (
        *("4-baseline", 2, "ModuleNotFoundError"),
    )
    assert failure.lines == ("→   1  import no_such_thing",)
    assert failure.todo.startswith("pip install no_such_thing, and add it to requirements.txt")


TOLD = [
    (("import sys\nsys.exit()", "1"), 1, "SystemExit: the notebook exits here (0), and"),
    (("1", "import sys\nsys.exit('no data')"), 2, "SystemExit: the notebook exits here (no data)$"),
    (("exit(3)", "1"), 1, "SystemExit: the notebook exits here, and what follows did not run"),
    (("quit()",), 1, "SystemExit: the notebook exits here$"),
    (("import os\nos._exit(3)",), 1, "DeadKernel: the kernel ended itself with status 3 in this"),
    (("%no_such_magic",), 1, "UsageError: Line magic function `%no_such_magic` not found."),
    (("%%bash\necho 1\necho why >&2\nexit 4",), 1, "CalledProcessError: the script returned "
     "non-zero exit status 4: why"),
    (("raise ExceptionGroup('some', [OSError()])",), 1, "ExceptionGroup: some (1 sub-exception)"),
    (("1", "x = 1\nx = 2 3"), 2, "SyntaxError: invalid syntax"),
    (("import os, shutil", "shutil.rmtree(os.environ['NINEFOLD_OUTPUT'])"), 2,
     "OutputRemoved: this cell has removed the folder that $NINEFOLD_OUTPUT names"),
]  # fmt: skip


@pytest.fixture
def warm_pool(tmp_path):
    with (
        warm_kernels(shared_environment(), ["ipykernel.kernelapp"]) as kernels,
        Pool(tmp_path / "logs", {ADDRESS: kernels.address}) as pool,
    ):
        yield pool


def test_a_failing_cell_is_told_in_one_line_that_says_what_happened_there(warm_pool, tmp_path):
    for number, (cells, cell, summary) in enumerate(TOLD):
        failure = warm_pool.conduct(task(tmp_path, *cells, name=f"{number}"), silent).failure
        assert failure is not None, cells
        assert f"{failure.summary}$".startswith(summary)
        assert failure.cell == cell
        assert "\n" not in failure.message
        assert failure.lines


def test_a_cold_kernel_that_a_signal_ends_is_told_by_its_name(pool, tmp_path):
    crash = task(tmp_path, "import os, signal", "os.kill(os.getpid(), signal.SIGSEGV)")
    failure = pool.conduct(crash, silent).failure
    assert failure.summary == "DeadKernel: the kernel was ended by SIGSEGV in this cell"
    assert failure.cell == 2


LEAVE = """
import ipykernel.connect, os, pathlib, signal, subprocess
left = [subprocess.Popen(["sleep", "300"], start_new_session=own) for own in (False, True)]
pathlib.Path("left").write_text(" ".join(str(each.pid) for each in left))
pathlib.Path("folder").write_text(os.path.dirname(ipykernel.connect.get_connection_file()))
"""
NAMED = "os.environ.get('KERAS_BACKEND')\n"  # has a kernel start cold


def left(tmp_path):
    return [pid for pid in map(int, (tmp_path / "left").read_text().split()) if runs(pid)]


@pytest.mark.skipif(sys.platform != "linux", reason="what left its session is lost elsewhere")
@pytest.mark.parametrize("end", ["1", "os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_a_cold_kernel_started_ends_with_it_however_that_ends(pool, tmp_path, end, family):
    pool.conduct(task(tmp_path, LEAVE, end), silent)
    assert left(tmp_path) == []
    assert len(family()) == 1  # the worker: not even a zombie is left


@pytest.mark.skipif(sys.platform != "linux", reason="kernels start cold here")
def test_a_notebook_that_may_set_what_imports_read_gets_a_kernel_that_has_made_none(
    warm_pool, tmp_path
):
    who = (
        "import os, psutil\nassert 'kernels.server' in str(psutil.Process(os.getppid()).cmdline())"
    )
    setting = "os.environ['KERAS_BACKEND'] = 'jax'"
    assert warm_pool.conduct(task(tmp_path, who), silent).failure is None
    assert warm_pool.remarks == []
    assert warm_pool.conduct(task(tmp_path, who, setting), silent).failure.cell == 1
    assert warm_pool.remarks == [
        "the kernel of 4-baseline starts cold: the notebook names KERAS_BACKEND, "
        "which the imports of a warm one have read"
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="kernels start cold here")
def test_of_a_worker_killed_with_its_cold_kernel_no_file_outlives_the_run(tmp_path):
    kill = NAMED + "os.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(600)"
    with warm_kernels(shared_environment(), ["ipykernel.kernelapp"]) as kernels:
        with Pool(tmp_path / "logs", {ADDRESS: kernels.address}) as pool:
            failure = pool.conduct(task(tmp_path, LEAVE, kill), silent).failure
        assert failure.error == "WorkerDied"
        for pid in left(tmp_path):
            os.kill(pid, signal.SIGKILL)  # the one case in which it is nobody's
    assert not Path((tmp_path / "folder").read_text()).exists()


def test_a_notebook_of_another_language_does_not_run(pool, tmp_path):
    kernelspec = {"name": "ir", "display_name": "R", "language": "R"}
    for metadata in ({"kernelspec": kernelspec}, {"language_info": {"name": "R"}}):
        failure = pool.conduct(task(tmp_path, "cat(1)", metadata=metadata), silent).failure
        assert failure.summary.startswith("the notebook is written in R; ninefold runs Python")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "cells", "error", "message"),
    [
        (
            Limits(cell=3),
            ("import time\ntime.sleep(1.6)", "time.sleep(1.6)", "time.sleep(600)"),
            *("CellTimeout", "the cell took longer than its limit of 3 seconds"),
        ),
        (
            Limits(section=10),
            ("import time", "time.sleep(0.1)", "while True: pass"),
            *("SectionTimeout", "the section took longer than its limit of 10 seconds"),
        ),
        (
            Limits(memory=0.4),
            ("import subprocess, sys", "eat = 'import time; x = bytearray(5 * 10**8); '",
             "subprocess.run([sys.executable, '-c', eat + 'time.sleep(600)'])"),
            *("MemoryLimit", "GiB of memory, over the limit (0.4 GiB)"),
        ),
    ],
)  # fmt: skip
def test_a_limit_that_is_passed_ends_the_notebook(
    pool, tmp_path, limits, cells, error, message, family
):
    failure = pool.conduct(task(tmp_path, *cells, limits=limits), silent).failure
    assert (failure.error, failure.cell) == (error, 3)
    assert message in failure.message
    assert "under [run] in ninefold.toml" in failure.todo
    assert failure.lines[0].endswith(cells[2].splitlines()[0])
    (worker,) = family()  # and no kernel
    assert pool.conduct(task(tmp_path, "1", limits=limits), silent).failure is None
    assert family() == [worker]


def test_a_worker_that_dies_fails_its_notebook_and_is_replaced(pool, tmp_path, family):
    kill = f"import os\nos.kill(os.getppid(), {signal.SIGKILL})\nimport time\ntime.sleep(600)"
    failure = pool.conduct(task(tmp_path, "1", kill), silent).failure
    assert (failure.error, failure.cell) == ("WorkerDied", 2)
    assert failure.message.startswith("the process that ran the notebook was ended by SIGKILL")
    assert psutil.wait_procs(family(), timeout=20)[1] == []  # its kernel saw it go
    assert pool.conduct(task(tmp_path, "1"), silent).failure is None


def test_a_worker_that_died_while_it_was_idle_costs_no_section(pool, tmp_path):
    assert pool.conduct(task(tmp_path, "1"), silent).failure is None
    (worker,) = (p for p in psutil.Process().children() if "ninefold.running" in str(p.cmdline()))
    worker.kill()
    worker.wait()
    assert pool.conduct(task(tmp_path, "2"), silent).failure is None


def test_a_closed_pool_leaves_no_process_and_no_file_and_stops_who_waits_for_it(tmp_path, family):
    pool, stopped = Pool(tmp_path / "logs"), []

    def conduct():
        try:
            pool.conduct(task(tmp_path, LEAVE + "import time", hang), silent)
        except PoolClosedError as error:
            stopped.append(error)

    hang = "pathlib.Path('asleep').touch()\ntime.sleep(600)"
    thread = threading.Thread(target=conduct)
    thread.start()
    wait_for(tmp_path / "asleep")
    processes = family()
    assert len(processes) == 4
    folder = Path((tmp_path / "folder").read_text())
    assert (folder / "connection.json").exists()
    pool.close()
    assert not folder.exists()
    thread.join(20)
    assert len(stopped) == 1
    assert psutil.wait_procs(processes, timeout=20)[1] == []
    with pytest.raises(PoolClosedError):
        pool.conduct(task(tmp_path, "1"), silent)
