"""results/leaderboard.csv."""

import csv

import pytest
from tiny_project import SETTINGS, judged

from ninefold.project import Project
from ninefold.records import Record, write_record
from ninefold.running.leaderboard import lists_others, write_leaderboard


@pytest.fixture
def project(tmp_path):
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "4-baseline.ipynb").touch()
    (tmp_path / "ninefold.toml").write_text(SETTINGS + "[sections.4-baseline.grid]\nrate = [0.1]\n")
    return Project(tmp_path)


def rows(project):
    write_leaderboard(project)
    with (project.results / "leaderboard.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_best_is_on_top_and_one_without_a_score_comes_last(project):
    found = {"unscored": judged(None), "worse": judged(0.5), "better": judged(0.2)}
    write_record(project.results / "4-baseline", Record(section="4-baseline", evaluations=found))
    assert [row["name"] for row in rows(project)] == ["better", "worse", "unscored"]


def test_a_point_s_evaluations_are_under_its_section_with_its_values(project):
    for name, mean in {"4-baseline": 0.5, "4-baseline@rate=0.1": 0.2}.items():
        record = Record(section=name, evaluations={"linear": judged(mean)})
        write_record(project.results / name, record)
    assert [(row["section"], row["point"], row["mean"]) for row in rows(project)] == [
        ("4-baseline", '{"rate": 0.1}', "0.2"),
        ("4-baseline", "", "0.5"),
    ]


@pytest.mark.parametrize(
    ("settings", "key", "first"),
    [
        ('metric = "accuracy"', {}, "accuracy"),
        ('metric = "log_loss"', {}, "log_loss"),
        ("", {"settings": {"study.metric": '"auto"'}}, "log_loss"),  # as the data declare
        ("", {}, "accuracy"),  # of most evaluations
    ],
)
def test_each_metric_s_evaluations_stand_together_the_one_that_decides_now_first(
    project, settings, key, first
):
    path = project.root / "ninefold.toml"
    path.write_text(path.read_text().replace("[data]", f"{settings}\n[data]"))
    project = Project(project.root)
    old = {"low": judged(0.3), "high": judged(0.6)}
    new = {str(mean): judged(mean, "accuracy") for mean in (0.5, 0.7, 0.9)}
    write_record(project.results / "4-baseline", Record(section="4-baseline", evaluations=new))
    point = Record(section="4-baseline@rate=0.1", evaluations=old, key=key)
    write_record(project.results / "4-baseline@rate=0.1", point)
    found = {"accuracy": ["0.9", "0.7", "0.5"], "log_loss": ["low", "high"]}
    (other,) = found.keys() - {first}
    assert [row["name"] for row in rows(project)] == found[first] + found[other]


def test_a_table_with_a_point_that_left_the_grid_lists_others(project):
    for name in ("4-baseline", "4-baseline@rate=0.1"):
        record = Record(section=name, evaluations={"linear": judged(0.5)})
        write_record(project.results / name, record)
    write_leaderboard(project)
    assert not lists_others(project)
    path = project.root / "ninefold.toml"
    path.write_text(path.read_text().replace("[0.1]", "[0.2]"))
    project = Project(project.root)
    assert lists_others(project)
    assert [row["point"] for row in rows(project)] == [""]
    assert not lists_others(project)


def test_the_same_table_is_not_written_again(project):
    record = Record(section="4-baseline", evaluations={"linear": judged(0.5)})
    write_record(project.results / "4-baseline", record)
    write_leaderboard(project)
    before = (project.results / "leaderboard.csv").stat()
    write_leaderboard(project)
    after = (project.results / "leaderboard.csv").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
