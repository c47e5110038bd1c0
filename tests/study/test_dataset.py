"""A table becomes inputs and a target; what cannot be used is left out, and said."""

import numpy as np
import pandas as pd
import pytest

from ninefold.errors import NinefoldError
from ninefold.settings import DataSettings
from ninefold.study.dataset import make_dataset, make_inputs, split_dataset

ROWS = 40


def table(**columns):
    random = np.random.default_rng(0)
    frame = {
        "mass": random.normal(4000, 500, ROWS),
        "island": ["Biscoe", "Dream", None, "Dream"] * (ROWS // 4),
        "year": [2007, 2008, 2009, 2009] * (ROWS // 4),
        "species": ["Gentoo", "Adelie"] * (ROWS // 2),
    }
    return pd.DataFrame(frame | columns)


def settings(target="species", **others):
    return DataSettings(source="-", target=target, **others)


def test_inputs_are_numbers_and_text_and_the_target_codes_of_sorted_labels():
    data = make_dataset(table(), settings(categorical=["year"]))
    assert list(data.X) == ["mass", "island", "year"]
    assert (data.numbers, data.categories) == (["mass"], ["island", "year"])
    assert data.X["mass"].dtype == "float64"
    assert data.X["island"].tolist()[:3] == ["Biscoe", "Dream", None]
    assert data.X["year"].tolist()[:2] == ["2007", "2008"]
    assert (data.problem, data.classes) == ("binary", ("Adelie", "Gentoo"))
    assert data.y.dtype == "int64"
    assert data.y.tolist()[:2] == [1, 0]
    assert data.groups is None
    assert data.time is None


def test_classes_that_are_numbers_are_sorted_as_numbers():
    data = make_dataset(table(species=[2, 10, 9, 10] * (ROWS // 4)), settings(), "multiclass")
    assert data.classes == ("2", "9", "10")
    assert data.y.tolist()[:4] == [0, 2, 1, 2]


def test_rows_without_a_target_are_left_out_and_said():
    mass = table()["mass"]
    mass[[1, 5]] = np.nan
    data = make_dataset(table(mass=mass), settings("mass"))
    assert (data.problem, data.classes, data.y.dtype) == ("regression", (), np.dtype("float64"))
    assert len(data) == len(data.X) == ROWS - 2
    assert data.rows.tolist()[:5] == [0, 2, 3, 4, 6]
    assert data.notes[0] == "2 of 40 rows have no target ('mass'): left out."


def test_columns_left_out_are_said_by_reason():
    frame = table(a=1, b=2, note=[f"w{i}" for i in range(ROWS)])
    data = make_dataset(frame, settings())
    assert "a" not in data.X
    assert data.notes == (
        "Left out: 'a', 'b' (constant).",
        "Left out: 'note' (an identifier: every value is different).",
    )


def test_identical_rows_share_a_number_and_are_said():
    frame = table().assign(mass=[1.0, 2.0, np.nan, 4.0] * (ROWS // 4))
    data = make_dataset(frame, settings())
    assert len(set(data.identical)) == 4
    assert data.identical[2] == data.identical[6]  # a gap is like a gap
    assert data.notes == ("36 rows repeat the inputs of an earlier one.",)


def test_rows_alike_in_inputs_are_identical_whatever_their_target():
    frame = pd.DataFrame({"a": [1, 1, 2, 2], "y": ["p", "q", "p", "q"]})
    assert make_dataset(frame, settings("y")).identical.tolist() == [0, 0, 1, 1]


def test_groups_and_time_are_set_apart_from_the_inputs():
    days = pd.date_range("2020-01-01", periods=ROWS).strftime("%d.%m.%Y")
    patient = ["p", "q", None, "q"] * (ROWS // 4)
    frame = table(patient=patient, day=days)
    data = make_dataset(frame, settings(group="patient", time="day"))
    assert list(data.X) == ["mass", "island", "year"]
    assert data.groups.tolist()[:3] == [0, 1, 1]
    assert (np.diff(data.time) > np.timedelta64(0)).all()
    assert data.notes == ("10 of 40 rows have no group ('patient'): left out.",)


@pytest.mark.parametrize(
    ("columns", "others", "problem", "said"),
    [
        ({}, {"target": "specis"}, "auto", "target 'specis' .*; did you mean 'species'"),
        ({}, {"drop": ["iland"]}, "auto", "did you mean 'island'"),
        ({"species": None}, {}, "auto", "no row has a value in 'species', the target"),
        ({"species": "Gentoo"}, {}, "auto", "one value only, 'Gentoo'"),
        ({"species": [*"ab" * 19, "b", "c"]}, {}, "auto", "a single row of 'c'"),
        ({}, {}, "regression", "holds text such as 'Gentoo'"),
        ({}, {"drop": ["mass", "island", "year"]}, "auto", "no column can serve as an input"),
        ({"day": ["x", "y"] * 20}, {"time": "day"}, "auto", "neither a date nor a number"),
    ],
)
def test_what_cannot_be_learnt_from_gets_one_clear_line(columns, others, problem, said):
    with pytest.raises(NinefoldError, match=said):
        make_dataset(table(**columns), settings(**others), problem)


def test_hold_out_rows_change_nothing_in_the_development_rows():
    frame = table(text=["u", "v"] * (ROWS // 2))
    noise = frame.copy()
    noise.loc[30:, "mass"] = np.arange(10) * 1e6
    noise.loc[30:, "island"] = [f"nowhere {i}" for i in range(10)]
    noise.loc[30:, "text"] = [f"words {i}" for i in range(10)]
    kept, held = np.arange(30), np.arange(30, ROWS)
    one, _ = split_dataset(make_dataset(frame, settings()), kept, held)
    other, holdout = split_dataset(make_dataset(noise, settings()), kept, held)
    assert one.X.equals(other.X)
    assert (one.columns, one.notes) == (other.columns, other.notes)
    assert holdout.rows.tolist() == held.tolist()
    assert list(holdout.X) == list(one.X)


def test_a_class_absent_from_one_part_keeps_its_code():
    frame = table(species=["b", "a", "c", "c"] * (ROWS // 4))
    data = make_dataset(frame, settings())
    some = np.flatnonzero(data.y > 0)
    first, second = split_dataset(data, some, np.flatnonzero(data.y == 0))
    assert first.classes == second.classes == ("a", "b", "c")
    assert set(first.y) == {1, 2}
    assert set(second.y) == {0}


def test_new_rows_become_inputs_as_the_old_ones_did():
    data = make_dataset(table(flag=["true", "false"] * (ROWS // 2)), settings(categorical=["year"]))
    new = pd.DataFrame({"flag": [True], "year": [2008.0], "island": ["Dream"], "mass": [1], "q": 0})
    X = make_inputs(new, data.columns)
    assert list(X) == list(data.X)
    assert X.iloc[0].tolist() == [1.0, "Dream", "2008", 1.0]
    with pytest.raises(NinefoldError, match="no column 'mass', 'flag'"):
        make_inputs(new[["year", "island"]], data.columns)
    with pytest.raises(NinefoldError, match="column 'mass' holds 'heavy'"):
        make_inputs(new.assign(mass="heavy"), data.columns)


@pytest.mark.parametrize("name", ["a b", "{a}", 'say "a"', "🐧", "a|b"])
def test_a_column_may_have_any_name(name):
    data = make_dataset(
        table().rename(columns={"mass": name, "species": f"{name}!"}), settings(f"{name}!")
    )
    assert name in data.numbers
