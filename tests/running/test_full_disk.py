"""A disk that fills up at any step of a run: old results stay whole, and the next run goes on."""

import errno
import json
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_project import SETTINGS, write_notebook

from ninefold.cli.lines import failure_lines
from ninefold.project import Project
from ninefold.records import Record, write_record
from ninefold.running import execution
from ninefold.running.failures import read_failure
from ninefold.running.results import recover
from ninefold.running.runner import run
from ninefold.running.staleness.trace import READS
from ninefold.running.task import Conducted
from ninefold.running.workers.crew import Crew

SECTION = "4-baseline"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    write(tmp_path, 1)
    return Project(tmp_path)


def write(root, turn):
    write_notebook(root, SECTION, f"{turn}")


def conduct(task, tell):
    turn = json.loads(task.notebook.read_text())["cells"][0]["source"]
    (task.output / "notebook.ipynb").write_text(task.notebook.read_text())
    (task.output / READS).write_text(json.dumps({"watching": task.id}) + "\n")
    write_record(task.output, Record(section=task.id, values={"turn": int(turn)}))
    return Conducted()


@contextmanager
def hire(project):
    yield Crew(conduct, lambda: 1, 1)


def run_once(project):
    (outcome,) = run(Project(project.root), lambda event: None, hire=hire)
    return outcome


def files(folder):
    """Return what the sections left; the log grows with each run."""
    paths = (p for p in folder.rglob("*") if p.is_file() and p.name != "history.jsonl")
    return {path.relative_to(folder): path.read_bytes() for path in paths}


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "the results")


def full_after(calls, real):
    """Let so many calls pass, then fill the disk for good."""
    passed = iter(range(calls))
    return lambda *given, **named: full() if next(passed, None) is None else real(*given, **named)


@pytest.mark.parametrize("step", ["stage", "scrub_file", "completed", "write_record", "install"])
def test_old_results_stay_whole_and_the_next_run_goes_on(project, monkeypatch, step):
    assert run_once(project).state == "ran"
    old = files(project.results)
    write(project.root, 2)
    with monkeypatch.context() as patch:
        patch.setattr(execution, step, full)
        outcome = run_once(project)
    assert outcome.state == "failed"
    assert outcome.failure.summary == "the results cannot be written: No space left on device"
    assert outcome.failure.todo.startswith("free some space on the disk, then run again")
    kept = {path: text for path, text in files(project.results).items() if path in old}
    assert kept == old
    assert run_once(project).state == "ran"
    assert project.record(SECTION).values == {"turn": 2}
    assert read_failure(project, SECTION) is None


@pytest.mark.parametrize("move", [0, 1])
def test_a_rename_that_fails_leaves_old_results_where_they_were(project, monkeypatch, move):
    run_once(project)
    old = files(project.results)
    write(project.root, 2)
    rename, fills = Path.rename, full_after(move, Path.rename)
    with monkeypatch.context() as patch:  # what is not there is a trial's
        patch.setattr(Path, "rename", lambda *to: (fills if to[0].exists() else rename)(*to))
        outcome = run_once(project)
    assert outcome.state == "failed"
    recover(project)  # a run's first step: it mends what could not be put back
    assert {path: text for path, text in files(project.results).items() if path in old} == old
    assert run_once(project).state == "ran"
    assert project.record(SECTION).values == {"turn": 2}


def test_a_failure_that_cannot_be_kept_is_told_all_the_same(project, monkeypatch):
    monkeypatch.setattr(execution, "install", full)
    monkeypatch.setattr(execution, "install_failure", full)
    outcome = run_once(project)
    assert "what it did could not be kept" in outcome.failure.message
    assert outcome.folder == ""
    assert not any("failure/" in line for line in failure_lines(outcome))


def test_the_folder_that_is_named_after_a_failure_is_there(project, monkeypatch):
    monkeypatch.setattr(execution, "install", full)
    outcome = run_once(project)
    assert (project.root / outcome.folder / "failure.json").is_file()
    assert f"what it did is in {outcome.folder}/; " in failure_lines(outcome)[-1]
