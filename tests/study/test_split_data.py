"""The hold-out is set aside before anything is looked at, and what stands in it changes nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ninefold.errors import NinefoldError
from ninefold.settings import DataSettings, HarnessSettings, Settings, StudySettings
from ninefold.study.split_data import load_split, make_task

ROWS = 100


def settings(target="species", seed=1, **data) -> Settings:
    return Settings(
        study=StudySettings(title="Penguins", package="penguins", seed=seed),
        data=DataSettings(source="data/rows.csv", target=target, **data),
        harness=HarnessSettings(holdout=0.25),
    )


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "mass": random.normal(4000, 500, ROWS).round(1),
            "island": random.choice(["Biscoe", "Dream", "Torgersen"], ROWS),
            "year": random.integers(2007, 2010, ROWS),
            "nest": [f"nest {n}" for n in np.arange(ROWS) // 4],
            "species": ["Adelie", "Gentoo", "Gentoo", "Chinstrap"] * (ROWS // 4),
        }
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    write(tmp_path, table())
    return tmp_path


def write(project: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(project / "data" / "rows.csv", index=False)


def test_rows_are_divided_once_stratified_and_the_same_again(project):
    first, again = load_split(project, settings()), load_split(project, settings())
    held = first.holdout.rows
    assert held.tolist() == again.holdout.rows.tolist()
    assert sorted([*first.development.rows, *held]) == list(range(ROWS))
    assert np.bincount(first.holdout.y).tolist() == [6, 6, 12]
    assert held.tolist() != load_split(project, settings(seed=2)).holdout.rows.tolist()


def test_noise_in_the_holdouts_inputs_changes_nothing_that_development_sees(project):
    before = load_split(project, settings())
    held, frame = before.holdout.rows, table()
    frame["year"] = frame["year"].astype(object)
    frame.loc[held, "mass"] = np.arange(len(held)) * 1e6
    frame.loc[held, "island"] = [f"word {n}" for n in range(len(held))]
    frame.loc[held, "year"] = np.linspace(0.1, 0.9, len(held))
    write(project, frame)
    after = load_split(project, settings())
    assert after.holdout.rows.tolist() == held.tolist()
    assert after.holdout.X["mass"].max() > 1e6
    pd.testing.assert_frame_equal(after.development.X, before.development.X)
    assert after.development.columns == before.development.columns == after.holdout.columns
    np.testing.assert_array_equal(after.development.y, before.development.y)


def test_rows_without_a_target_are_counted_and_left_out(project):
    frame = table()
    frame.loc[[3, 50], "species"] = None
    write(project, frame)
    split = load_split(project, settings())
    assert (split.rows, split.without_target) == (ROWS, 2)
    assert not {3, 50} & {*split.development.rows, *split.holdout.rows}


def test_a_group_is_held_out_whole_or_not_at_all(project):
    split = load_split(project, settings(group="nest"))
    nests = [set(part.frame["nest"]) for part in (split.development, split.holdout)]
    assert not nests[0] & nests[1]
    assert len(nests[0] | nests[1]) == 25
    assert len(split.groups) == len(split.development)


def test_identical_rows_are_held_out_together_and_then_share_folds(project):
    assert load_split(project, settings()).groups is None
    half = table()[: ROWS // 2]
    write(project, pd.concat([half, half]))
    split = load_split(project, settings())
    held = set(split.holdout.rows % (ROWS // 2))
    assert not held & set(split.development.rows % (ROWS // 2))
    assert len(set(split.groups)) == len(split.development) / 2


def test_a_regression_is_split_too(project):
    split = load_split(project, settings("mass"))
    assert split.development.problem == "regression"
    assert len(split.development) + len(split.holdout) == 100
    assert len(split.holdout) == pytest.approx(25, abs=5)


def test_a_task_holds_the_development_rows_as_the_harness_takes_them(project):
    frame = table()
    frame.loc[::9, "island"] = None
    write(project, frame)
    data = load_split(project, settings()).development
    task = make_task(data)
    assert (task.problem, task.outputs) == ("multiclass", 3)
    assert task.classes == ("Adelie", "Chinstrap", "Gentoo")
    assert "(missing)" in set(task.X["island"])
    assert task.weight.tolist() == [1] * len(data)


def dated(days=None) -> pd.DataFrame:
    """The table's rows, one a day unless told, in no order."""
    days = np.arange(ROWS) if days is None else days
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    return table().assign(day=day.strftime("%d/%m/%Y")).sample(frac=1, random_state=3)


def days_of(data) -> list[int]:
    return ((data.time - np.datetime64("2024-01-01")) / np.timedelta64(1, "D")).astype(int).tolist()


@pytest.mark.parametrize("target", ["mass", "species"])
def test_the_last_rows_in_time_are_held_out_and_the_others_are_in_its_order(project, target):
    write(project, dated())
    split = load_split(project, settings(target, time="day"))
    assert days_of(split.development) == list(range(75))
    assert days_of(split.holdout) == list(range(75, 100))
    assert "day" not in split.development.X
    # the file's own row numbers are kept
    days = dated()["day"].to_numpy()
    assert days[split.development.rows].tolist() == split.development.frame["day"].tolist()


def test_rows_of_one_moment_stay_on_one_side_of_every_split(project):
    write(project, dated(np.arange(ROWS) // 7))
    split = load_split(project, settings("mass", time="day"))
    assert len(split.holdout) == 23  # 25 rows would part a moment; 23 is nearer than 30
    assert max(days_of(split.development)) < min(days_of(split.holdout))
    days = np.array(days_of(split.development))
    for fold in split.make_folds(4, 1, 0.2, 1):
        assert days[fold.train].max() < days[fold.validation].min()
        assert days[fold.validation].max() < days[fold.test].min()


def test_dates_are_read_alike_in_all_rows_and_in_some(project):
    """The month comes first; of the development rows alone, no day after the 12th tells."""
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.r_[0:12, 31:43, 60:72, 200:212], unit="D")
    frame = table()[: len(day)].assign(day=day.strftime("%m/%d/%Y"))
    write(project, frame)
    split = load_split(project, settings("mass", time="day"))
    assert split.development.time.tolist() == sorted(split.development.time.tolist())
    assert split.development.rows.tolist() == list(range(36))


def test_the_final_models_inner_validation_is_the_last_of_the_development_rows(project):
    write(project, dated())
    split = load_split(project, settings("mass", time="day"))
    assert split.take_validation(0.2, 1).tolist() == list(range(60, 75))


def test_groups_that_follow_one_another_in_time_are_kept_whole(project):
    frame = dated().sort_values("nest", key=lambda nest: nest.str[5:].astype(int))
    write(project, frame.assign(week=np.arange(ROWS)))
    split = load_split(project, settings("mass", time="week", group="nest"))
    parts = [split.development.frame, split.holdout.frame]
    assert not set(parts[0]["nest"]) & set(parts[1]["nest"])
    nest = split.development.frame["nest"].to_numpy()
    for fold in split.make_folds(4, 1, 0.2, 1):
        sets = [set(nest[rows]) for rows in (fold.train, fold.validation, fold.test)]
        assert sum(map(len, sets)) == len(set.union(*sets))


@pytest.mark.parametrize(
    ("frame", "data", "line"),
    [
        (lambda: dated().assign(day="01/01/2024"), {}, "'day', the time, has no moment to part"),
        (
            lambda: dated().assign(nest=np.arange(ROWS) % 5),
            {"group": "nest"},
            "'day', the time, has no moment that parts no group of 'nest' to part the rows at",
        ),
        (
            lambda: dated().assign(day=["soon", *dated()["day"][1:]]),
            {},
            "neither a date nor a number; mend the column",
        ),
        (lambda: dated(), {"time": "dya"}, "the column of `time` 'dya' is not among the columns"),
        (
            lambda: dated().assign(
                species=np.where(dated()["day"].str[-7:] == "01/2024", "a", "b")
            ),
            {"target": "species"},
            "the rows of the class 'a' are all before or all after the hold-out begins",
        ),
    ],
)
def test_a_time_that_cannot_part_the_rows_is_one_clear_line(project, frame, data, line):
    write(project, frame())
    with pytest.raises(NinefoldError, match=line):
        load_split(project, settings(**{"target": "mass", "time": "day", **data}))


def test_a_study_has_no_more_shuffled_folds_than_its_rows_can_fill(project):
    assert load_split(project, settings()).most_folds == 19  # rows of the rarest class
    assert load_split(project, settings("mass", group="nest")).most_folds == 19  # groups
    assert load_split(project, settings("mass")).most_folds == 37  # pairs of rows


def test_a_class_within_one_group_is_refused_where_it_is_held_out(project):
    frame = table()
    frame["species"] = np.where(frame["nest"] == "nest 0", "Rare", "Common")
    write(project, frame)
    line = "the rows of the class 'Rare' are in too few groups; rows of each class in the hold-out"
    with pytest.raises(NinefoldError, match=line):
        load_split(project, settings(seed=1, group="nest"))


def test_an_absent_file_is_one_clear_line(tmp_path):
    with pytest.raises(NinefoldError, match=r"no such file: .*rows\.csv"):
        load_split(tmp_path, settings())


def test_where_most_rows_repeat_others_they_are_not_kept_together(project):
    codes = np.arange(100) % 6
    frame = pd.DataFrame({"a": codes % 2, "b": codes // 2, "y": np.arange(100) % 7 % 2})
    frame["y"] = np.where(frame["y"] == 1, "yes", "no")
    write(project, frame)
    assert load_split(project, settings("y")).groups is None
