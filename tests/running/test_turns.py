"""A run with a crew that only pretends to execute: order, outcomes, errors, what is judged when."""

import json
import threading
from functools import partial

import pytest
from pretence import Pretence
from tiny_project import SETTINGS, write_notebook

from ninefold.plain_json import write_json
from ninefold.project import Project
from ninefold.running import runner
from ninefold.running.events import CellStarted, Planned
from ninefold.running.execution import Outcome
from ninefold.running.failures import Failure
from ninefold.running.plan import make_plan

run = partial(runner.run, everything=True)

SECTIONS = (
    *("2-data-summary", "4-baseline", "5-experiments/1-spot-check", "5-experiments/2-size"),
    *("6-improvements/1-search", "7-final-model"),
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    for name in SECTIONS:
        write_notebook(tmp_path, name, "1")
    return Project(tmp_path)


def states(outcomes):
    return {outcome.section: outcome.state for outcome in outcomes}


def test_all_run_in_order_of_need_and_a_second_run_hires_nobody(project):
    crew, events = Pretence(), []
    outcomes = run(project, events.append, hire=crew.hire)
    assert set(states(outcomes).values()) == {"ran"}
    assert [outcome.section for outcome in outcomes] == list(SECTIONS)
    assert crew.ran.index("6-improvements/1-search") > crew.ran.index("5-experiments/2-size")
    assert crew.ran[-1] == "7-final-model"
    assert isinstance(events[0], Planned)
    assert events[0].expected == dict.fromkeys(SECTIONS)
    assert sum(isinstance(event, CellStarted) for event in events) == 2 * len(SECTIONS)
    idle = Pretence()
    outcomes = run(Project(project.root), lambda event: None, hire=idle.hire)
    assert set(states(outcomes).values()) == {"kept"}
    assert (idle.tasks, idle.left) == ([], False)


def test_sections_run_at_once_and_share_the_cores(project):
    both = threading.Barrier(2, timeout=20)

    def meet(task):
        if task.id in SECTIONS[:2]:
            both.wait()

    crew = Pretence(act=meet)
    run(project, lambda event: None, hire=crew.hire)
    cores = {task.id: task.cores for task in crew.tasks}
    assert (cores["2-data-summary"], cores["4-baseline"]) == (1, 1)
    assert cores["7-final-model"] == 2


def test_a_failed_section_stops_what_reads_it_and_nothing_else(project):
    def fail(task):
        return Failure(task.id, "ValueError", "no") if "2-size" in task.id else None

    found = states(run(project, lambda event: None, hire=Pretence(act=fail).hire))
    assert found == {
        **dict.fromkeys(SECTIONS[:3], "ran"),
        "5-experiments/2-size": "failed",
        **dict.fromkeys(SECTIONS[4:], "skipped"),
    }


def test_who_reads_a_section_that_came_out_as_before_is_kept(project):
    run(project, lambda event: None, hire=Pretence().hire)
    failing = Pretence(act=lambda task: Failure(task.id, "OSError", "the network was down"))
    run(Project(project.root), lambda event: None, ["2-size"], force=True, hire=failing.hire)
    planned = {
        step.section.id: step.reason for step in make_plan(Project(project.root), everything=True)
    }
    assert planned["7-final-model"] == "reads 5-experiments/2-size, which is stale"
    crew = Pretence()
    found = states(run(Project(project.root), lambda event: None, hire=crew.hire))
    assert crew.ran == ["5-experiments/2-size"]
    assert found["7-final-model"] == "kept"


def test_who_reads_a_section_that_came_out_otherwise_runs_again(project):
    run(project, lambda event: None, hire=Pretence().hire)
    write_notebook(project.root, "5-experiments/2-size", "2")
    crew = Pretence()
    outcomes = run(Project(project.root), lambda event: None, hire=crew.hire)
    assert crew.ran == [*SECTIONS[3:]]
    assert {o.section: o.why for o in outcomes}["5-experiments/2-size"] == (
        "the notebook's code changed"
    )


def test_the_order_in_which_sections_end_changes_nothing(project):
    ended = threading.Event()

    def second_first(task):
        if task.id == "2-data-summary":
            assert ended.wait(20)
        if task.id == "4-baseline":
            ended.set()

    outcomes = run(project, lambda event: None, hire=Pretence(act=second_first).hire)
    assert [outcome.section for outcome in outcomes] == list(SECTIONS)


def test_an_error_in_a_thread_is_raised_by_the_run_and_the_crew_is_dismissed(project):
    def break_down(task):
        raise RuntimeError("a mistake of ninefold's own")

    crew = Pretence(act=break_down)
    with pytest.raises(RuntimeError, match="a mistake of ninefold's own"):
        run(project, lambda event: None, hire=crew.hire)
    assert crew.left


def test_an_interrupted_run_keeps_what_was_finished(project):
    def stop(event):
        if isinstance(event, Outcome):
            raise KeyboardInterrupt

    crew = Pretence(slots=1)
    with pytest.raises(KeyboardInterrupt):
        run(project, stop, hire=crew.hire)
    assert crew.left
    assert not (project.scratch / "staging").exists()
    assert project.record(SECTIONS[0]).values == {"turn": 1}
    after = Pretence()
    found = states(run(Project(project.root), lambda event: None, hire=after.hire))
    assert found[SECTIONS[0]] == "kept"
    assert found[SECTIONS[-1]] == "ran"


def test_the_leaderboard_is_written_after_a_run_that_was_killed_before_it_could(
    project, monkeypatch
):
    def killed(project):
        raise KeyboardInterrupt

    written = []
    monkeypatch.setattr(runner, "write_leaderboard", killed)
    with pytest.raises(KeyboardInterrupt):
        run(project, lambda event: None, hire=Pretence().hire)
    monkeypatch.setattr(runner, "write_leaderboard", written.append)
    for _ in range(2):
        again = Project(project.root)
        outcomes = run(again, lambda event: None, hire=Pretence().hire)
        assert set(states(outcomes).values()) == {"kept"}
    assert len(written) == 1


def test_a_run_says_how_long_each_section_took_the_last_time(project):
    run(project, lambda event: None, hire=Pretence().hire)
    path = project.results_of("2-data-summary") / "record.json"
    content = json.loads(path.read_text())
    content["run"]["seconds"] = 12.5
    write_json(path, content)
    events = []
    run(Project(project.root), events.append, ["data"], force=True, hire=Pretence().hire)
    assert events[0].expected == {"2-data-summary": 12.5}


def test_limits_of_the_settings_reach_each_task(project):
    (project.root / "ninefold.toml").write_text(f"{SETTINGS}[run]\ncell_timeout = 9\nmemory = 2\n")
    crew = Pretence()
    run(Project(project.root), lambda event: None, ["data"], hire=crew.hire)
    (task,) = crew.tasks
    assert (task.limits.cell, task.limits.section, task.limits.memory) == (9, None, 2)
