"""A grid in the table of `ninefold status`."""

import json

import pytest
from click.testing import CliRunner
from tiny_project import SETTINGS

from ninefold.cli import main
from ninefold.cli.grids import folded, left_over_lines, left_over_note
from ninefold.cli.lines import failure_lines
from ninefold.project import Project
from ninefold.running.execution import Outcome
from ninefold.running.failures import Failure


def row(section, state="fresh", why="", seconds=1.0):
    return {"section": section, "state": state, "why": why, "prompts": 0, "seconds": seconds}


def test_few_points_are_told_by_name_below_their_section():
    rows = [row("4-baseline"), row("4-baseline@rate=0.1"), row("5-x"), row("5-x@a=1")]
    assert [r["section"] for r in folded(rows)] == [
        *("4-baseline", "  @rate=0.1", "5-x", "  @a=1"),
    ]


def test_many_points_are_counted_and_those_that_failed_named():
    rows = [row("4-x"), *(row(f"4-x@a={n}") for n in range(20))]
    rows += [row(f"4-x@a={n}", "stale", "never run", None) for n in range(20, 28)]
    rows += [row(f"4-x@a={n}", "failed", "its last run failed: E in cell 1") for n in (28, 29)]
    _, counted, *failed = folded([*rows, row("5-x")])
    assert counted["section"] == "  30 points of its grid"
    assert counted["results"] == "20 fresh; 8 stale: never run; 2 failed"
    assert (counted["state"], counted["seconds"]) == ("failed", 22)
    assert [r["section"] for r in failed] == ["  @a=28", "  @a=29", "5-x"]


def test_only_a_few_causes_and_failures_are_told():
    rows = [row(f"4-x@a={n}", "stale", f"cause {n}") for n in range(10)]
    rows += [row(f"4-x@b={n}", "failed", f"failure {n}") for n in range(10)]
    counted, *failed = folded(rows)
    assert counted["results"].endswith("; 7 stale for other reasons; 10 failed")
    assert len(failed) == 5


def test_results_of_points_in_no_grid_are_named_and_not_deleted_unasked(tmp_path):
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "4-baseline.ipynb").touch()
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    assert left_over_lines(Project(tmp_path)) == left_over_note(Project(tmp_path)) == []
    for number in range(12):
        (tmp_path / "results" / f"4-baseline@a={number}").mkdir(parents=True)
    told, *names, more = left_over_lines(Project(tmp_path))
    assert "'ninefold status --prune' removes them" in told
    assert names[0] == "  results/4-baseline@a=0"
    assert (len(names), more) == (10, "  and 2 more")
    (note,) = left_over_note(Project(tmp_path))
    assert note.startswith("12 folders of results of sections or points of grids that are gone")
    assert len(list((tmp_path / "results").iterdir())) == 12


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("5-nowhere", "ninefold.toml: there is no notebook '5-nowhere'"),
        ("4-baseline", "ninefold.toml, grid: 4-baseline has no parameter 'rate'"),
        ("7-final-model", "7-final-model.grid would look at the hold-out 2 times; section 7 looks"),
    ],
)
def test_status_says_what_run_would_refuse_and_shows_its_table(tmp_path, monkeypatch, table, said):
    (tmp_path / "sections").mkdir()
    for name in ("4-baseline", "7-final-model"):
        notebook = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        (tmp_path / "sections" / f"{name}.ipynb").write_text(notebook)
    grid = f"[sections.{table}.grid]\nrate = [1, 2]\n"
    (tmp_path / "ninefold.toml").write_text(SETTINGS + grid)
    monkeypatch.chdir(tmp_path)
    status = CliRunner().invoke(main, ["status"])
    assert status.exit_code == 1
    assert status.stderr.startswith("ninefold: ")
    assert said in status.stderr
    assert status.stderr.count("\n") == 1
    for name in ("4-baseline", "7-final-model"):
        assert any(line.startswith(f"{name} ") for line in status.stdout.splitlines())
    assert "7-final-model@" not in status.stdout
    as_json = CliRunner().invoke(main, ["status", "--json"])
    assert json.loads(as_json.stdout)["sections"][0]["section"] == "4-baseline"
    assert (as_json.exit_code, as_json.stderr) == (1, status.stderr)
    assert CliRunner().invoke(main, ["run"]).stderr == status.stderr


def test_a_point_that_failed_may_be_mended_or_left_out():
    for section, end in [("4-x", "run 4-x"), ("4-x@a=1", "grid in ninefold.toml")]:
        outcome = Outcome(section, "failed", "never run", 1.0, Failure(section, "E", "no"))
        assert failure_lines(outcome)[-1].endswith(end)
