"""What a shell does to a command: streams closed or read no more."""

import json
import os
import subprocess
import sys

import pytest
from tiny_project import RECORD, SETTINGS, write_notebook

from ninefold.cli import shell

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX pipes and signals")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    write_notebook(tmp_path, "4-baseline", RECORD, "record(turn=1)")
    write_notebook(tmp_path, "5-experiments/1-a", "1 / 0")
    return tmp_path


@pytest.fixture
def unread():
    """The end of a pipe into which one writes, and from which nobody reads."""
    reads, writes = os.pipe()
    os.close(reads)
    yield writes
    os.close(writes)


@pytest.fixture(autouse=True, params=["", "1"], ids=["buffered", "unbuffered"])
def _buffering(request, monkeypatch):
    """Try both ways in which Python holds what is printed: a shell's, and a container's."""
    monkeypatch.setenv("PYTHONUNBUFFERED", request.param)


def ninefold(root, *arguments, **streams):
    command = [sys.executable, "-m", "ninefold", *arguments]
    return subprocess.run(command, cwd=root, timeout=120, **streams)


def test_lines_that_nobody_reads_go_nowhere(unread, monkeypatch):
    with os.fdopen(os.dup(unread), "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        shell.say("one")
        shell.say("another")


SAYS = """
import sys
from ninefold.cli.shell import console, say
say("one")
say("two", err=True)
console(lasting=True).print("three")
print("four")
"""


def full_disk():
    return os.open("/dev/full", os.O_WRONLY)


def closed_terminal():
    terminal, stream = os.openpty()
    os.close(terminal)
    return stream


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full and Linux's terminals")
@pytest.mark.parametrize("opened", [full_disk, closed_terminal])
@pytest.mark.parametrize("both", [False, True])
def test_lines_that_cannot_be_written_change_nothing_else(opened, both):
    stream = opened()
    with pytest.raises(OSError, match=r"No space|Input/output"):
        os.write(stream, b"x")
    command = [sys.executable, "-c", SAYS]
    stderr = stream if both else subprocess.PIPE
    done = subprocess.run(command, stdout=stream, stderr=stderr, timeout=60)
    os.close(stream)
    assert (done.returncode, done.stderr) == (0, None if both else b"two\n")


PRINTS = ("status", "status --json", "check", "run -h", "explain", "-h", "--version")


@pytest.mark.parametrize("command", map(str.split, PRINTS), ids=PRINTS)
def test_a_command_that_nobody_reads_ends_without_a_word(root, unread, command):
    done = ninefold(root, *command, stdout=unread, stderr=subprocess.PIPE)
    assert done.stderr == b""
    assert done.returncode == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize("command", map(str.split, (*PRINTS, "run --json")))
def test_what_a_command_is_asked_for_and_cannot_write_is_an_error(tmp_path, command):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    stream = full_disk()
    done = ninefold(tmp_path, *command, stdout=stream, stderr=subprocess.PIPE)
    os.close(stream)
    assert (done.returncode, done.stderr) == (1, b"ninefold: No space left on device\n")


@pytest.mark.parametrize("command", [["status"], ["run", "--dry-run"], ["explain"]])
def test_a_command_whose_stdout_is_closed_does_its_work(root, command):
    done = ninefold(root, *command, preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
@pytest.mark.parametrize("closed", [True, False])
def test_a_run_that_nobody_reads_ends_with_all_its_results(root, unread, closed):
    if closed:
        done = ninefold(root, "run", preexec_fn=lambda: [os.close(1), os.close(2)])
    else:
        done = ninefold(root, "run", stdout=unread, stderr=unread)
    assert done.returncode == 1
    record = json.loads((root / "results/4-baseline/record.json").read_text())
    assert record["values"] == {"turn": 1}
    assert (root / "results/5-experiments/1-a/failure/failure.json").exists()


@pytest.mark.parametrize(
    "call",
    [
        "status --json --bogus",
        "predict --json",
        "run --json -p bad",
        "check --json x",
        "explain --json --x",
    ],
)
def test_a_call_that_is_wrong_is_json_too(root, call):
    done = ninefold(root, *call.split(), capture_output=True, encoding="utf-8")
    assert done.returncode == 2
    assert [*json.loads(done.stdout)] == ["error"]
    assert done.stderr.startswith("Usage: ")


def test_the_name_of_a_file_is_one_line(root):
    (root / "data").mkdir()
    (root / "data/a\nREADME.md: error NF999: forged").symlink_to("/nowhere")
    write_notebook(root, "forged\nok", "1")
    write_notebook(root, "1-a\nforged", "1")
    for command in ("check", "status", "report", "run"):
        done = ninefold(root, command, capture_output=True, encoding="utf-8")
        assert "forged" in done.stdout + done.stderr or command in ("report", "run")
        lines = (done.stdout + done.stderr).splitlines()
        assert not any(
            line.startswith(("README.md: error NF999", "forged", "ok")) for line in lines
        )


def test_python_m_runs_nothing_of_the_folder_it_is_called_in(root):
    for name in ("click", "pydantic", "pandas"):  # what `-m` itself imports is out of our hands
        (root / f"{name}.py").write_text("open('executed', 'w').close()")
    done = ninefold(root, "status", capture_output=True, encoding="utf-8")
    assert "4-baseline" in done.stdout
    assert not (root / "executed").exists()
