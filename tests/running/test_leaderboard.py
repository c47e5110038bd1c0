"""results/leaderboard.csv."""

import csv

from ninefold.project import Project
from ninefold.records import Record, write_record
from ninefold.running.leaderboard import write_leaderboard


def evaluation(mean):
    summary = {"log_loss": {"mean": mean, "low": None, "high": None}}
    return {
        "metric": "log_loss", "summary": summary, "folds": 2, "repeats": 1, "parameters": 3,
        "fit_seconds": 0.1,
    }  # fmt: skip


def test_the_best_is_on_top_and_one_without_a_score_comes_last(tmp_path):
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "4-baseline.ipynb").touch()
    found = {"unscored": evaluation(None), "worse": evaluation(0.5), "better": evaluation(0.2)}
    write_record(
        tmp_path / "results" / "4-baseline", Record(section="4-baseline", evaluations=found)
    )
    write_leaderboard(Project(tmp_path))
    with (tmp_path / "results" / "leaderboard.csv").open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["better", "worse", "unscored"]
