"""What runs add to the log: before results are in place, in whatever way a run ends."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pretence import Pretence
from tiny_project import SETTINGS, judged, write_notebook

from ninefold.errors import NinefoldError
from ninefold.history import HISTORY, START, digest_of_file, read_history
from ninefold.project import Project
from ninefold.publishing.context import read_records
from ninefold.publishing.integrity import find_doubts
from ninefold.publishing.tries import count_gone
from ninefold.records import Record, write_record
from ninefold.running.failures import Failure
from ninefold.running.plan import make_plan, waiting
from ninefold.running.runner import run
from ninefold.study.forecasts import first_result

SPOT, FINAL = "5-experiments/1-spot-check", "7-final-model"


@pytest.fixture
def project(tmp_path):
    grid = f'[sections."{SPOT}".grid]\nrate = [0.1, 0.2]\n'
    (tmp_path / "ninefold.toml").write_text(SETTINGS + grid)
    for name in ("2-data-summary", SPOT, FINAL):
        write_notebook(tmp_path, name, "1", parameters="rate = 0.3")
    return Project(tmp_path)


def go(project, *names, act=lambda task: None, **options):
    project = Project(project.root)
    return run(project, lambda event: None, names, hire=Pretence(act=act).hire, **options)


def doubts(project):
    project = Project(project.root)
    return [d.code for d in find_doubts(project, read_records(project), log(project))]


def log(project):
    return read_history(project.files)


def runs(project):
    return [entry["section"] for entry in log(project).of("run")]


def test_each_section_and_point_is_logged_with_the_digest_of_what_is_in_place(project):
    go(project)
    found = log(project)
    assert sorted(runs(project)) == [
        "2-data-summary", SPOT, f"{SPOT}@rate=0.1", f"{SPOT}@rate=0.2"
    ]  # fmt: skip
    for entry in found.of("run"):
        name = f"results/{entry['section']}/record.json"
        assert entry["files"] == {"record.json": digest_of_file(project.files, name)}
        assert found.knows(project.record(entry["section"]).run["log"])
    assert found.links[0].entry["previous"] == START
    before = (project.root / HISTORY).read_bytes()
    go(project)
    assert (project.root / HISTORY).read_bytes() == before  # nothing ran
    go(project, force=True)
    assert len(runs(project)) == 8
    assert doubts(project) == []


def test_the_rule_that_chooses_is_logged_with_the_candidates(project):
    go(project)
    rule = {"choose": "any", "rule": "simplest"}
    kept = {entry["section"]: entry.get("final") for entry in log(project).of("run")}
    assert kept["2-data-summary"] is None
    assert kept[SPOT] == kept[f"{SPOT}@rate=0.1"] == rule


def test_section_7_runs_only_where_it_is_named_or_all_are(project):
    assert [task.id for task, _ in waiting(project)] == [FINAL]
    assert FINAL not in {o.section for o in go(project)}
    assert FINAL not in {o.section for o in go(project, force=True)}
    assert [o.section for o in go(project, "7") if o.state == "ran"] == [FINAL]
    assert waiting(project) == ()
    assert [o.state for o in go(project, everything=True)] == ["kept"] * 5
    go(project, SPOT, act=evaluates(None), force=True)
    ((task, why),) = waiting(Project(project.root))
    assert task.id == FINAL
    assert SPOT in why
    assert doubts(project) == []


def test_a_section_that_reads_section_7_does_not_take_it_along(project):
    write_notebook(project.root, "8-extensions", "1")
    go(project, everything=True)
    record = project.record("8-extensions")
    record.key["sections"] = {FINAL: "x"}
    write_record(project.results_of("8-extensions"), record)
    steps = make_plan(Project(project.root), ["8-extensions"])
    assert [step.section.id for step in steps] == ["8-extensions"]


def evaluates(stated):
    def act(task):
        record = Record(section=task.id, evaluations={"a": judged()}, forecast=stated)
        write_record(task.output, record)

    return act


STATED = {"stated": "before", "winner": "a", "difference": 0.1, "confidence": 0.7}


def test_a_forecast_is_logged_before_the_result_once_and_again_when_it_changes(project):
    for _ in range(2):
        go(project, SPOT, act=evaluates(STATED), force=True)
    (entry,) = log(project).of("forecast")
    assert entry.items() >= {**STATED, "section": SPOT}.items()
    kinds = [entry["kind"] for entry in log(project).of("run", "forecast")]
    assert kinds.index("forecast") < kinds.index("run")
    later = {"winner": "b", "difference": 0.2, "confidence": 0.9}
    go(project, SPOT, act=evaluates({**STATED, "later": later}), force=True)
    assert log(project).of("forecast")[-1].items() >= {**later, "stated": "after"}.items()
    assert doubts(project) == []


def test_a_failed_section_is_logged_if_it_had_evaluated_something(project):
    def act(task):
        if task.id == SPOT:
            evaluates(None)(task)
        return Failure(task.id, "ValueError", "no")

    go(project, act=act)
    (entry,) = log(project).of("failed")
    assert (entry["section"], entry["evaluations"], len(entry["tried"])) == (SPOT, 1, 1)
    assert count_gone({}, log(project)) == 1
    assert runs(project) == []
    assert doubts(project) == []
    go(project, SPOT, act=evaluates(None))
    assert count_gone(read_records(Project(project.root)), log(project)) == 0


def test_a_forecast_that_preceded_a_failed_result_is_logged_before_it(project):
    def act(task):
        evaluates(STATED)(task)
        return Failure(task.id, "ValueError", "a later cell, such as a figure")

    go(project, SPOT, act=act)
    kept = first_result(project, SPOT).forecast
    go(project, SPOT, act=evaluates(kept))  # as the notebook records it, by what failed
    kinds = [entry["kind"] for entry in log(project).of("run", "failed", "forecast")]
    assert kinds.index("forecast") < kinds.index("failed")
    assert doubts(project) == []
    shutil.rmtree(project.results_of(SPOT))
    assert first_result(project, SPOT).forecast == STATED  # by the log alone


def test_results_that_could_not_be_put_in_place_are_taken_back_in_the_log(project, monkeypatch):
    go(project, "2-data-summary")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ninefold.running.execution.install", fail)
    assert go(project, "2-data-summary", force=True)[0].state == "failed"
    assert [e["kind"] for e in log(project).of("run", "undone")] == ["run", "run", "undone"]
    assert doubts(project) == []


KILLED = """
import os, sys
sys.path[:0] = sys.argv[1:]
from pathlib import Path
from ninefold.project import Project
from ninefold.running import execution
from ninefold.running.runner import run
from pretence import Pretence
execution.install = lambda *_: os.kill(os.getpid(), 9)
run(Project(Path.cwd()), print, ["2-data-summary"], force=True, hire=Pretence().hire)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("first", [True, False])
def test_a_kill_between_entry_and_results_is_told_by_the_next_run(project, first):
    if not first:
        go(project, "2-data-summary")
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent)]
    done = subprocess.run(command, cwd=project.root, capture_output=True)
    assert done.returncode == -9, done.stderr
    assert doubts(project) == ["NF218" if first else "NF217"]
    go(project, SPOT)  # any run
    assert len(log(project).of("undone")) == 1
    assert doubts(project) == []
    assert Project(project.root).record("2-data-summary") is None or not first


def test_results_of_an_older_version_are_taken_over(project):
    write_record(project.results_of("2-data-summary"), Record(section="2-data-summary"))
    assert doubts(project) == ["NF218"]
    go(project, SPOT)
    assert "2-data-summary" in log(project).of("taken")[0]["records"]
    assert doubts(project) == ["NF218"]
    go(project, "2-data-summary", force=True)
    assert doubts(project) == []


def test_a_log_that_cannot_grow_is_one_line_before_anything_runs(project):
    elsewhere = project.root / "log.jsonl"
    elsewhere.touch()
    (project.root / "results").mkdir()
    (project.root / HISTORY).symlink_to(elsewhere)
    with pytest.raises(NinefoldError, match=r"history.jsonl is no file"):
        go(project)
    assert not (project.root / "results/2-data-summary").exists()


def test_a_log_of_a_newer_version_is_one_line_before_anything_runs(project):
    project.files.write(HISTORY, '{"schema": 9}\n')
    with pytest.raises(NinefoldError, match="entries of version 9; this ninefold reads 1"):
        go(project)
    assert not (project.root / "results/2-data-summary").exists()
