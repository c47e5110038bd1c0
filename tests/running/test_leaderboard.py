"""results/leaderboard.csv."""

import csv

import pytest

from ninefold.project import Project
from ninefold.records import Record, write_record
from ninefold.running.leaderboard import write_leaderboard


def evaluation(mean):
    summary = {"log_loss": {"mean": mean, "low": None, "high": None}}
    return {
        "metric": "log_loss", "summary": summary, "folds": 2, "repeats": 1, "parameters": 3,
        "fit_seconds": 0.1,
    }  # fmt: skip


@pytest.fixture
def project(tmp_path):
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "4-baseline.ipynb").touch()
    (tmp_path / "ninefold.toml").write_text(
        '[study]\ntitle = "T"\npackage = "p"\n[data]\nsource = "builtin:iris"\ntarget = "t"\n'
        "[sections.4-baseline.grid]\nrate = [0.1]\n"
    )
    return Project(tmp_path)


def rows(project):
    write_leaderboard(project)
    with (project.results / "leaderboard.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_best_is_on_top_and_one_without_a_score_comes_last(project):
    found = {"unscored": evaluation(None), "worse": evaluation(0.5), "better": evaluation(0.2)}
    write_record(project.results / "4-baseline", Record(section="4-baseline", evaluations=found))
    assert [row["name"] for row in rows(project)] == ["better", "worse", "unscored"]


def test_a_point_s_evaluations_are_under_its_section_with_its_name(project):
    for name, mean in {"4-baseline": 0.5, "4-baseline@rate=0.1": 0.2}.items():
        record = Record(section=name, evaluations={"linear": evaluation(mean)})
        write_record(project.results / name, record)
    assert [(row["section"], row["point"], row["mean"]) for row in rows(project)] == [
        ("4-baseline", "rate=0.1", "0.2"),
        ("4-baseline", "", "0.5"),
    ]
