"""What each column is taken for, and why; what kind of problem a target poses."""

import numpy as np
import pandas as pd
import pytest

from ninefold.errors import NinefoldError
from ninefold.settings import DataSettings
from ninefold.study.columns import as_levels, as_numbers, describe_columns, infer_problem
from ninefold.study.dates import parse_dates

ROWS = 60
RANDOM = np.random.default_rng(0)
TARGET = ["a", "b"] * (ROWS // 2)


def describe(values, name="x", **settings):
    frame = pd.DataFrame({name: values, "y": TARGET})
    columns = describe_columns(frame, DataSettings(source="-", target="y", **settings))
    return next(column for column in columns if column.name == name)


def shuffled(values):
    return RANDOM.permutation(list(values))


WORDS = [f"w{i}" for i in range(ROWS)]


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("code", WORDS, "an identifier: every value is different"),
        ("n", range(1000, 1000 + ROWS), "an identifier: every value is different"),
        ("n", shuffled(range(ROWS)), "an identifier: every value is different"),
        ("n", [3 * i for i in range(ROWS)], "an identifier: every value is different"),
        ("customerId", shuffled(RANDOM.choice(10**6, ROWS, False)), "an identifier: every"),
        (
            "user id",
            [i * i for i in range(30)] * 2,
            "an identifier by its name; name it as `group`",
        ),
        ("note", [f"It was a fine day, number {w}" for w in WORDS], "free text: every value is"),
        (
            "name",
            WORDS[:45] + WORDS[:15],
            "names: 75 % of the values differ; name it as `group` if",
        ),
        (
            "note",
            [f"It was a fine day, {w}" for w in WORDS[:45] + WORDS[:15]],
            "free text: 75 % of the values differ",
        ),
        ("n", [str(i) for i in range(58)] + ["unknown"] * 2, "97 % numbers, the rest text such as"),
        ("c", [1] * ROWS, "constant"),
        ("c", [None, "x"] * (ROWS // 2), "constant apart from missing values"),
        ("c", [None] * ROWS, "no values"),
        ("c", [np.nan] * ROWS, "no values"),
        ("d", pd.date_range("2020-01-01", periods=ROWS), "a date"),
        ("d", pd.to_timedelta(range(ROWS), unit="D"), "a duration; give it as a number"),
        ("d", [20200101 + i % 28 for i in range(ROWS)], "a date"),
    ],
)
def test_what_teaches_nothing_is_left_out_with_its_reason(name, values, reason):
    column = describe(values, name)
    assert column.role == "left out"
    assert column.reason.startswith(reason)


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "%Y-%m-%d",
            "%d.%m.%Y",
            "%m/%d/%Y",
            "%d/%m/%y",
            "%d %b %Y",
            "%B %d, %Y",
            "%Y-%m-%d %H:%M",
        ),
        *("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f+01:00", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d"),
    ],
)
def test_dates_are_recognised_however_they_are_written(pattern):
    days = pd.Series(pd.date_range("2021-01-05", periods=ROWS, freq="37h"))
    assert describe(days.dt.strftime(pattern)).reason == "a date"


def test_dates_are_parsed_day_first_unless_that_fails():
    assert parse_dates(pd.Series(["01/02/2020", "05/02/2020"]))[0] == pd.Timestamp(2020, 2, 1)
    assert parse_dates(pd.Series(["01/02/2020", "05/22/2020"]))[0] == pd.Timestamp(2020, 1, 2)
    assert parse_dates(pd.Series(["1.2.3", "x"])) is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", RANDOM.normal(size=ROWS)),  # all different, but a measurement
        ("refractive index", 1.5 + RANDOM.random(ROWS)),
        ("population", np.sort(RANDOM.choice(10**7, ROWS, False))),
        ("score", shuffled(RANDOM.choice(10**4, ROWS, False))),
        ("acid", shuffled(list(range(30)) * 2)),
        ("flag", [0, 1] * (ROWS // 2)),
    ],
)
def test_a_measurement_is_a_number_without_remark(name, values):
    column = describe(values, name)
    assert (column.role, column.reason) == ("number", "")


def test_a_number_with_few_values_may_be_a_code_and_that_is_said():
    column = describe([1, 2, 3] * (ROWS // 3))
    assert column.role == "number"
    assert column.reason.startswith("a number with 3 distinct values; list it under categorical")
    assert "categorical" in describe([12345, 12350, 20001, 31007] * 15, "zip code").reason


@pytest.mark.parametrize("values", [[True, False], ["true", "False"], [True, None]])
def test_truths_are_numbers(values):
    column = describe(values * (ROWS // 2))
    if None in values:
        assert column.reason == "constant apart from missing values"
    else:
        assert (column.role, column.reason) == ("number", "true and false, taken as 1 and 0")


def test_text_with_few_values_is_a_category_with_its_counts():
    column = describe([None, "m", "f", "m"] * (ROWS // 4))
    assert (column.role, column.missing, column.distinct) == ("category", ROWS // 4, 2)


def test_the_settings_have_the_last_word():
    assert describe(range(ROWS), drop=["x"]).reason == "set aside by `drop`"
    assert describe(WORDS, categorical=["x"]).role == "category"
    assert describe([1, 2] * (ROWS // 2), group="x").role == "group"
    assert describe(range(ROWS), time="x").role == "time"
    assert describe([1] * ROWS, categorical=["x"]).reason == "constant"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target": "Spezies"}, "the target 'Spezies' is not among the columns; did you mean 'spe"),
        ({"target": "species", "drop": ["iland"]}, "`drop` 'iland' .*; did you mean 'island'"),
        ({"target": "species", "categorical": ["yaer"]}, "`categorical` 'yaer'"),
        ({"target": "species", "group": "Island"}, "`group` 'Island' .*; did you mean 'island'"),
        ({"target": "species", "time": "q"}, "`time` 'q' .*; there is: species, island, year"),
        ({"target": "species", "drop": ["species"]}, "named as `target` and `drop`"),
    ],
)
def test_a_column_that_the_settings_mistake_is_an_error(settings, said):
    frame = pd.DataFrame({"species": ["a", "b"], "island": ["x", "y"], "year": [1, 2]})
    with pytest.raises(NinefoldError, match=said):
        describe_columns(frame, DataSettings(source="-", **settings))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (["a", "b"] * 20, "binary"),
        ([True, False] * 20, "binary"),
        ([0, 1] * 20, "binary"),
        (["a", "b", "c"] * 20, "multiclass"),
        (list(range(10)) * 10, "multiclass"),
        (list(range(10)), "regression"),
        ([*([0, 1, 2] * 20), 9], "regression"),  # a class of one row: rather a count
        (RANDOM.normal(size=50), "regression"),
        ([0.5, 1.5, 2.5] * 20, "regression"),
    ],
)
def test_the_problem_follows_from_the_target(values, problem):
    assert infer_problem(pd.Series(values, name="y"))[0] == problem


@pytest.mark.parametrize(
    ("values", "setting", "said"),
    [
        (["x"] * 5, "auto", "one value only, 'x'"),
        ([None] * 5, "auto", "no value"),
        (["x", "y"], "regression", "holds text such as 'x'; expected numbers; set `problem`"),
        (["x", "y", "z"], "binary", "has 3 different values; expected two"),
        (["x", "y"], "multiclass", "has two different values; expected more"),
        (pd.date_range("2020-01-01", periods=3), "auto", "is a date"),
    ],
)
def test_a_target_that_does_not_fit_is_an_error(values, setting, said):
    with pytest.raises(NinefoldError, match=said):
        infer_problem(pd.Series(values, name="y"), setting)


def test_levels_and_numbers_do_not_depend_on_how_a_column_was_stored():
    assert as_levels(pd.Series([2, None, 3.5])).tolist() == ["2", None, "3.5"]
    assert as_levels(pd.Series([2])).tolist() == ["2"]
    assert as_numbers(pd.Series(["true", "FALSE", "1.5", None])).tolist()[:3] == [1.0, 0.0, 1.5]
    with pytest.raises(NinefoldError, match="column 'age' holds 'old'; expected numbers"):
        as_numbers(pd.Series([1, "old"], name="age"))
