"""`ninefold run` and `ninefold status` on real tiny projects, with real kernels."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

import psutil
import pytest
import tiny_project
from click.testing import CliRunner
from tiny_project import RECORD, make_project, wait_for

from ninefold.cli import main
from ninefold.history import append
from ninefold.project import Project

# Nobody has a kernel of this name: the notebook's author had, on another machine.
KERNEL = {"kernelspec": {"name": "tf-gpu", "display_name": "TF", "language": "python"}}
PROSE = "# Title\n\n> **DRAFT** What surprised you?"
write_notebook = partial(tiny_project.write_notebook, prose=PROSE, metadata=KERNEL)


@pytest.fixture
def root(tmp_path):
    return make_project(tmp_path)


def start(root, *arguments, command="run"):
    return subprocess.Popen(
        [sys.executable, "-m", "ninefold", command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=root,
        encoding="utf-8",
        # a shell's background job, such as a CI runner's, hands down that Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def finish(process):
    stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout, stderr


def ninefold(root, *arguments, command="run"):
    return finish(start(root, *arguments, command=command))


def record_of(root, section):
    return json.loads((root / "results" / section / "record.json").read_text("utf-8"))


def test_a_mistake_about_the_data_is_one_line_before_anything_runs(root):
    write_notebook(root, "4-baseline", "print(1)")
    settings = root / "ninefold.toml"
    settings.write_text(settings.read_text("utf-8").replace('"species"', '"speceis"'), "utf-8")
    code, stdout, stderr = ninefold(root)
    assert (code, stdout) == (1, "")
    assert stderr.startswith("ninefold: ")
    assert stderr.count("\n") == 1
    assert "did you mean 'species'?" in stderr
    assert not (root / "results" / "4-baseline").exists()


def test_a_run_executes_what_is_stale_once_and_leaves_a_record_of_it(root):
    write_notebook(
        *(root, "4-baseline", RECORD),
        "from penguins.models import NAME\nrecord(rate=rate, name=NAME, python=sys.executable)",
        "print(os.getcwd(), os.environ['NINEFOLD_OUTPUT'])",
        parameters="rate = 0.1",
    )
    code, stdout, stderr = ninefold(root, "-p", "rate=0.5", "-j", "2")
    assert (code, stderr) == (0, "")
    assert stdout.startswith("ran 4-baseline in ")
    record = record_of(root, "4-baseline")
    assert record["values"] == {"rate": 0.5, "name": "a network", "python": sys.executable}
    assert record["key"]["parameters"] == {"rate": "0.5"}
    assert {"started", "seconds", "versions", "machine"} <= record["run"].keys()
    executed = (root / "results/4-baseline/notebook.ipynb").read_text("utf-8")
    assert str(root) not in executed
    assert ". results/4-baseline" in executed

    assert ninefold(root, "-p", "rate=0.5") == (0, "kept 4-baseline: nothing changed\n", "")
    assert record_of(root, "4-baseline") == record
    status = CliRunner().invoke(main, ["status", "--json"])
    assert status.exit_code == 1  # outside of a project
    code, stdout, _ = ninefold(root, "--json", command="status")
    (row,) = json.loads(stdout)["sections"]
    assert (row["state"], row["prompts"]) == ("stale", 1)
    assert row["why"] == "parameter rate changed from 0.5 to its default"


@pytest.mark.slow
def test_a_failing_cell_is_named_and_stops_only_what_reads_it(root):
    write_notebook(root, "2-data-summary", "'runs'")
    write_notebook(root, "4-baseline", "a = 1", "b = 2\nb / 0\nb = 3")
    write_notebook(root, "7-final-model", "'never'")
    old = root / "results/4-baseline/record.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")

    code, stdout, stderr = ninefold(root, "--all")
    assert code == 1
    assert "ran 2-data-summary in " in stdout
    assert "not run: 7-final-model needs 4-baseline, which failed\n" in stdout
    assert "failed 4-baseline in cell 2 after " in stderr
    assert "→   2  b / 0\n" in stderr
    assert "ZeroDivisionError: division by zero\n" in stderr
    assert stderr.splitlines()[-1].startswith("ninefold: 1 of 3 sections failed: 4-baseline; ")
    assert old.read_text() == "{}"
    failure = json.loads((root / "results/4-baseline/failure/failure.json").read_text("utf-8"))
    assert failure == {
        **{"section": "4-baseline", "cell": 2, "error": "ZeroDivisionError"},
        "message": "division by zero",
        "lines": ["    1  b = 2", "→   2  b / 0", "    3  b = 3"],
        "todo": "",
    }
    executed = json.loads((root / "results/4-baseline/failure/notebook.ipynb").read_text("utf-8"))
    assert [cell["cell_type"] for cell in executed["cells"]] == ["markdown", "code", "code"]
    code, stdout, _ = ninefold(root, command="status")
    assert "its last run failed: ZeroDivisionError in cell 2" in stdout


def test_what_cannot_run_is_said_before_anything_runs(root):
    write_notebook(root, "4-baseline", "raise SystemExit(3)", parameters="rate = 0.1")
    (root / "sections/1-problem.md").write_text("# Problem\n")
    for arguments, message in [
        (["-p", "raet=1"], "declares a parameter 'raet'; did you mean 'rate'?"),
        (["problem"], "1-problem is a page of prose"),
        (["basline"], "no section 'basline'; did you mean '4-baseline'?"),
    ]:
        result = run_in(root, "run", *arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert message in result.stderr
    assert run_in(root, "run", "-p", "rate").exit_code == 2
    assert not (root / "results").exists()


def test_a_dry_run_says_what_would_run_and_why_and_writes_nothing(root):
    write_notebook(root, "2-data-summary", "raise SystemExit(3)")
    write_notebook(root, "7-final-model", "raise SystemExit(3)", parameters="rate = 0.1")
    before = sorted(root.rglob("*"))
    result = run_in(root, "run", "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "would run 2-data-summary: never run",
        "7-final-model waits, because it looks at the hold-out (not looked at yet): "
        "'ninefold run 7' when your choice is made",
    ]
    result = run_in(root, "run", "--dry-run", "--all")
    assert result.stdout.splitlines()[1:] == ["would run 7-final-model: never run"]
    result = run_in(root, "run", "--dry-run", "7")
    assert result.stdout.splitlines() == ["would run 7-final-model: never run"]
    assert run_in(root, "run", "--all", "7").exit_code == 2
    result = run_in(root, "run", "--dry-run", "--json")
    assert json.loads(result.stdout)["waiting"] == ["7-final-model"]
    result = run_in(root, "run", "--dry-run", "--json", "data")
    assert json.loads(result.stdout) == {
        "sections": [{"section": "2-data-summary", "state": "would run", "why": "never run"}],
        "waiting": [],
    }
    assert run_in(root, "run", "--dry-run", "-p", "raet=1").exit_code == 1
    assert sorted(root.rglob("*")) == before


def run_in(root, *arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        return CliRunner().invoke(main, arguments)


def test_results_that_cannot_be_written_stop_the_run_in_one_line(root):
    write_notebook(root, "4-baseline", "1")
    (root / "results").symlink_to(root / "a disk that is gone")
    result = run_in(root, "run")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "results cannot be written to" in result.stderr


def test_status_says_what_is_written_and_what_is_stale(root):
    write_notebook(root, "4-baseline", "1")
    (root / "sections/1-problem.md").write_text("# Problem\n\nAnswered.\n")
    (root / "sections/2-data-summary.ipynb").write_text("<html>")
    rows = json.loads(run_in(root, "status", "--json").stdout)["sections"]
    assert [(row["section"], row["prompts"], row["state"], row["why"]) for row in rows] == [
        ("1-problem", 0, "prose", ""),
        ("2-data-summary", None, "stale", "its notebook cannot be read"),
        ("4-baseline", 1, "stale", "never run"),
    ]
    lines = run_in(root, "status").stdout.splitlines()
    assert lines[3].split() == [*("4-baseline", "1", "prompt", "left", "stale:", "never", "run")]


def test_section_7_waits_until_it_is_named(root):
    write_notebook(root, "7-final-model", "1")
    write_notebook(root, "5-experiments/7-x", "1")  # whose name holds a 7, too
    waits = "7-final-model waits, because it looks at the hold-out (not looked at yet): "
    assert run_in(root, "run", "--quiet").stdout == ""
    assert waits in run_in(root, "run").stdout
    told = json.loads(run_in(root, "run", "--json").stdout)
    assert told["waiting"] == ["7-final-model"]
    assert [row["section"] for row in told["sections"]] == ["5-experiments/7-x"]
    row = json.loads(run_in(root, "status", "--json").stdout)["sections"][-1]
    assert (row["state"], row["why"]) == ("waiting", "not looked at yet: ninefold run 7")
    assert "not looked at yet: ninefold run 7" in run_in(root, "status").stdout
    assert "ran 7-final-model" in run_in(root, "run", "7").stdout
    assert "waits" not in run_in(root, "run").stdout
    write_notebook(root, "7-final-model", "2")
    again = "the notebook's code changed; to look again: ninefold run 7"
    assert f"stale: {again}" in run_in(root, "status").stdout


def test_a_look_that_left_no_result_is_said_to_have_been_one(root):
    write_notebook(root, "7-final-model", "1")
    append(Project(root).files, "look", {"counted": True})
    looked = "looked at once, but there is no result of it here"
    assert f"{looked}: ninefold run 7" in run_in(root, "status").stdout
    assert f"({looked})" in run_in(root, "run", "--dry-run").stdout


def test_status_names_no_cell_where_none_is_to_blame(root):
    write_notebook(root, "4-baseline", "1")
    for error, message, said in [
        ("NinefoldError", "no column 'x'", "no column 'x'"),
        ("DeadKernelError", "", "DeadKernelError"),
    ]:
        failure = {"section": "4-baseline", "error": error, "message": message, "cell": None}
        path = root / "results/4-baseline/failure/failure.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(failure))
        (row,) = json.loads(run_in(root, "status", "--json").stdout)["sections"]
        assert row["why"] == f"its last run failed: {said}"


@pytest.mark.parametrize("name", ["01-x", "baseline", "experiments/1-x"])
def test_a_notebook_whose_name_is_no_section_s_is_said_to_be_left_out(root, name):
    write_notebook(root, name, "1")
    for command in ("status", "run"):
        result = run_in(root, command)
        assert f"sections/{name}.ipynb: no section, and never run" in result.stdout


@pytest.mark.parametrize("command", ["run", "status"])
def test_help_shows_an_example(root, command):
    assert f"ninefold {command}" in run_in(root, command, "--help").stdout.split("Example")[1]


@pytest.mark.slow
def test_a_kernel_that_dies_is_a_failure_of_its_cell(root):
    write_notebook(root, "4-baseline", "import os", "os._exit(9)")
    code, _, stderr = ninefold(root)
    assert code == 1
    assert "failed 4-baseline in cell 2 after " in stderr
    assert "the kernel ended itself with status 9 in this cell" in stderr


@pytest.mark.slow
def test_a_broken_notebook_stops_only_what_reads_it(root):
    (root / "sections").mkdir()
    (root / "sections/2-data-summary.ipynb").write_text("{")
    write_notebook(root, "4-baseline", "1")
    code, stdout, stderr = ninefold(root, "--json")
    assert code == 1
    states = {row["section"]: row["state"] for row in json.loads(stdout)["sections"]}
    assert states == {"2-data-summary": "failed", "4-baseline": "ran"}
    assert "2-data-summary.ipynb is not valid JSON" in stderr


def sleeping_project(root):
    """A project with results, whose next run hangs in its second cell until `go` is there."""
    write_notebook(root, "4-baseline", RECORD, "record(turn=1)")
    assert ninefold(root)[0] == 0
    wait = "pathlib.Path('asleep').touch()\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"
    write_notebook(root, "4-baseline", RECORD, f"import time\n{wait}", "record(turn=2)")
    return {path: path.read_bytes() for path in (root / "results").rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_old_results_no_child_and_the_next_run_completes(root, how):
    old = sleeping_project(root)
    run = start(root)
    wait_for(root / "asleep")
    family = psutil.Process(run.pid).children(recursive=True)
    assert len(family) >= 3  # a worker, the server of kernels, a kernel
    code, _, stderr = ninefold(root)
    assert code == 1
    assert f"another run is under way in {root.name} (process {run.pid})" in stderr
    run.send_signal(how)
    code, stdout, stderr = finish(run)
    assert (code, stdout) == (-how if how == signal.SIGKILL else 128 + how, "")
    assert "Traceback" not in stderr
    assert psutil.wait_procs(family, timeout=10)[1] == []
    staging = root / ".ninefold/staging"
    assert staging.exists() == (how == signal.SIGKILL)
    files = (path for path in (root / "results").rglob("*") if path.is_file())
    assert {path: path.read_bytes() for path in files} == old

    (root / "go").touch()
    assert ninefold(root, "--quiet") == (0, "", "")
    assert record_of(root, "4-baseline")["values"] == {"turn": 2}
    assert not staging.exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_worker_that_is_killed_is_a_failure_that_names_its_cell(root):
    sleeping_project(root)
    run = start(root)
    wait_for(root / "asleep")
    family = psutil.Process(run.pid).children(recursive=True)
    (worker,) = (p for p in family if "ninefold.running.workers.worker" in p.cmdline())
    worker.kill()
    code, _, stderr = finish(run)
    assert code == 1
    assert "failed 4-baseline in cell 2 after " in stderr
    assert "WorkerDied: the process that ran the notebook was ended by SIGKILL" in stderr
    assert psutil.wait_procs(family, timeout=10)[1] == []
    assert record_of(root, "4-baseline")["values"] == {"turn": 1}
