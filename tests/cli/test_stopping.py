"""SIGINT, SIGTERM and SIGHUP end every command the same way, and leave nothing of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tiny_project import RECORD, make_project, runs, wait_until, write_notebook

from ninefold.stopping import Stopped, stoppable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

WINDS_DOWN = """
import signal, sys, time
from ninefold.stopping import Stopped, stoppable
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with stoppable():
        try:
            print("runs", flush=True)
            time.sleep(60)
        finally:
            print("winds down", flush=True)
            time.sleep(float(sys.argv[1]))
except Stopped as stopped:
    sys.exit(f"in order, {stopped.status}")
"""


def heed_signals():
    """Have a process heed what it is sent, whatever this one ignores, as under nohup."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def stop_twice(first, second, seconds):
    process = subprocess.Popen(
        [sys.executable, "-c", WINDS_DOWN, seconds], preexec_fn=heed_signals,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    assert process.stdout
    for number in (first, second):
        process.stdout.readline()
        if number:
            process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    return process.returncode, stderr.strip()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_an_exception_that_says_the_status_of_shells(number):
    assert stop_twice(number, None, "0") == (1, f"in order, {128 + number}")


@pytest.mark.parametrize("first", SIGNALS)
def test_a_ctrl_c_after_the_first_signal_ends_at_once(first):
    assert stop_twice(first, signal.SIGINT, "60") == (130, "")


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP])
def test_another_signal_does_not_disturb_who_winds_down(second):
    assert stop_twice(signal.SIGHUP, second, "0.5") == (1, "in order, 129")


@pytest.mark.parametrize("number", SIGNALS)
def test_who_ignores_a_signal_goes_on_ignoring_it(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), number)
            assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_what_was_there_before_is_there_again():
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(Stopped), stoppable():
        signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(number) for number in SIGNALS] == before


def start(folder: Path, temporary: Path, *arguments: object) -> "subprocess.Popen[str]":
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "ninefold", *map(str, arguments)],
        cwd=folder, env={**os.environ, "TMPDIR": str(temporary)}, preexec_fn=heed_signals,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


def family(process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def left_of(root: Path) -> set[str]:
    """Return what the scratch folder holds beside the lock, and the mark that results are new."""
    return {path.name for path in (root / ".ninefold").iterdir()} - {"lock", "unranked"}


@pytest.fixture
def root(tmp_path):
    root = make_project(tmp_path)
    marker = "pathlib.Path('begun').write_text(os.environ['TMPDIR'])"
    write_notebook(root, "2-data-summary", RECORD, marker, "import time; time.sleep(60)")
    write_notebook(root, "4-baseline", RECORD, "record(a=1)", "import time; time.sleep(60)")
    return root


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("moment", [0.8, 3, "the notebook runs"])
def test_a_run_that_is_stopped_leaves_nothing(root, tmp_path, number, moment):
    process = start(root, tmp_path / "temporary", "run")
    if moment == "the notebook runs":
        wait_until((root / "begun").exists, "no notebook ran")
        folder = Path((root / "begun").read_text())
        assert folder.parent == tmp_path / "temporary"
    else:
        time.sleep(moment)
    began = family(process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert stderr.count("\n") <= 1
    assert not any(runs(each.pid) for each in began)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not (root / ".ninefold").exists() or left_of(root) == set()
    assert not (root / "results").exists() or list((root / "results").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, 0.7), (signal.SIGTERM, 1.2), (signal.SIGHUP, 1.6), (signal.SIGTERM, 2.2)],
)
def test_a_project_that_is_stopped_being_made_leaves_nothing(tmp_path, number, moment):
    folder = tmp_path / "here"
    folder.mkdir()
    options = ("--data", "builtin:iris", "--no-input")
    process = start(folder, tmp_path / "temporary", "new", "deep/made", *options)
    time.sleep(moment)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode in (0, 128 + number)
    made = [path.name for path in folder.iterdir()]
    assert made == ([] if process.returncode else ["deep"])
    if not process.returncode:
        assert [path.name for path in (folder / "deep").iterdir()] == ["made"]
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "number"), zip(["status", "check", "report"], SIGNALS, strict=True)
)
def test_a_command_that_only_reads_ends_in_one_line(tmp_path, number, command):
    root = make_project(tmp_path)
    (root / "README.md").write_text("<!-- ninefold:begin -->\n<!-- ninefold:end -->\n")
    for section in range(1, 1500):
        write_notebook(root, f"5-experiments/{section}-a", "1", prose=f"# {section}")
    process = start(root, tmp_path / "temporary", command)
    time.sleep(0.9)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (128 + number, "", "ninefold: stopped\n")
    assert not (root / "report").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a kill of the runner is slower seen")
@pytest.mark.parametrize("moment", [0.6, 1.5, 3, 5])
def test_after_a_kill_of_the_runner_no_process_stays_and_the_next_run_clears_up(
    root, tmp_path, moment
):
    process = start(root, tmp_path / "temporary", "run")
    time.sleep(moment)
    began = family(process)
    process.kill()
    process.communicate(timeout=30)
    wait_until(lambda: not any(runs(each.pid) for each in began), "a process went on")
    for name in ("2-data-summary", "4-baseline"):
        write_notebook(root, name, RECORD, "record(a=1)")
    again = start(root, tmp_path / "temporary", "run")
    _, stderr = again.communicate(timeout=120)
    assert (again.returncode, stderr) == (0, "")
    assert list((tmp_path / "temporary").iterdir()) == []
    assert left_of(root) == set()
