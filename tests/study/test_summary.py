"""What section 2 says of the data: counted by hand on small tables, and on real ones for leaks."""

import json

import numpy as np
import pandas as pd
import pytest

from ninefold import formats
from ninefold.settings import DataSettings
from ninefold.study import summary
from ninefold.study.builtin import BUILTINS, load_builtin
from ninefold.study.dataset import make_dataset
from ninefold.study.ideas import suggestions
from ninefold.study.relations import (
    correlation,
    ranked_inputs,
    relation_panels,
    relations,
    suspected_leaks,
)


def dataset(frame, target="y", problem="auto", **others):
    return make_dataset(frame, DataSettings(source="-", target=target, **others), problem)


def builtin(name):
    return dataset(load_builtin(name), BUILTINS[name].target)


@pytest.fixture(scope="module")
def small():
    return dataset(
        pd.DataFrame(
            {
                "size": [1.0, 2.0, 2.0, 4.0, np.nan, 6.0],
                "place": ["u", "v", "v", "u", "u", None],
                "same": [1] * 6,
                "y": ["no", "yes", "yes", "no", "no", "yes"],
            }
        )
    )


def shown(table):
    """Format every cell, so that a wrong format fails."""
    return [
        [formats.show(cell, c["format"]) for cell, c in zip(row, table["columns"], strict=True)]
        for row in table["rows"]
    ]


def test_the_overview_counts(small):
    assert summary.overview(small) == {
        "rows": 6, "inputs": 2, "numbers": 1, "categories": 1, "left_out": 1,
        "target": "y", "problem": "binary", "missing_share": 2 / 12, "rows_with_missing": 2,
        "classes": 2, "smallest_class": "no", "smallest_share": 0.5,
    }  # fmt: skip


def test_the_column_table_tells_range_or_most_frequent_value(small):
    assert shown(summary.column_table(small)) == [
        ["size", "number", "1", "4", "1", "2", "6", "–", "a number with 4 distinct values; "
         "list it under categorical if it is a code"],
        ["place", "category", "1", "2", "–", "–", "–", "u", ""],
        ["same", "left out", "0", "1", "–", "–", "–", "–", "constant"],
        ["y", "target", "0", "2", "–", "–", "–", "no", "binary"],
    ]  # fmt: skip


def test_the_first_rows_are_as_they_were_read(small):
    table = summary.first_rows(small, 2)
    assert [column["label"] for column in table["columns"]] == ["y", "size", "place"]
    assert shown(table) == [["no", "1", "u"], ["yes", "2", "v"]]
    assert "10 of 31 columns" in summary.first_rows(builtin("breast_cancer"))["caption"]


def test_missing_values_are_shared_out_by_class(small):
    assert shown(summary.missing_by_class(small)) == [
        ["size", "1", "16.7 %", "33.3 %", "0.0 %"],
        ["place", "1", "16.7 %", "0.0 %", "33.3 %"],
    ]


def test_missing_values_are_shared_out_by_the_median_in_a_regression():
    frame = pd.DataFrame({"a": [np.nan, 1.5, 2.5, 3.5], "y": [0.1, 0.2, 0.3, 0.4]})
    assert shown(summary.missing_by_class(dataset(frame))) == [
        ["a", "1", "25.0 %", "50.0 %", "0.0 %"]
    ]


def test_duplicates_and_contradictions_are_told_apart():
    frame = pd.DataFrame({"a": [1, 1, 2, 2, 2, 3], "y": ["p", "q", "p", "p", "p", "q"]})
    assert summary.duplicates(dataset(frame)) == {"repeats": 3, "sets": 2, "conflicting": 2}


def test_the_target_is_counted_or_measured(small):
    assert shown(summary.class_balance(small)) == [["no", "3", "50.0 %"], ["yes", "3", "50.0 %"]]
    measures = dict(summary.class_balance(builtin("diabetes"))["rows"])
    assert (measures["min"], measures["median"], measures["max"]) == (25, 140.5, 346)
    assert summary.target_panel(small)["series"] == [{"name": "rows", "counts": [3, 3]}]


def test_every_row_with_a_value_is_in_a_bin_of_its_class(small):
    size, place = summary.distributions(small)
    assert size["edges"] == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    assert size["series"] == [
        {"name": "no", "counts": [1, 0, 0, 1, 0, 0]},
        {"name": "yes", "counts": [0, 2, 0, 0, 0, 1]},
    ]
    assert place["labels"] == ["u", "v", "(missing)"]
    assert [series["counts"] for series in place["series"]] == [[3, 0, 0], [0, 2, 1]]
    wide = summary.distributions(builtin("breast_cancer"), most=5)
    assert [sum(map(sum, (s["counts"] for s in p["series"]))) for p in wide] == [569] * 5


def test_relations_rank_what_tells_most_first():
    random = np.random.default_rng(0)
    y = random.normal(size=200)
    frame = pd.DataFrame({"noise": random.normal(size=200), "a": -y + random.normal(0, 0.3, 200)})
    frame["half"] = np.where(y > 0, "high", "low")
    data = dataset(frame.assign(y=y))
    table = relations(data)
    assert [row[0] for row in table["rows"]] == ["a", "half", "noise"]
    assert table["rows"][0][3] == pytest.approx(frame["a"].corr(pd.Series(y)))
    assert table["rows"][1][3:] == [None, None]
    assert shown(table)[0][3].startswith("−0.9")


def test_many_levels_alone_do_not_look_like_information():
    random = np.random.default_rng(0)
    levels = [f"l{i}" for i in random.integers(0, 40, 200)]
    data = dataset(pd.DataFrame({"x": levels, "y": random.choice(["a", "b"], 200)}))
    assert dict(ranked_inputs(data))["x"] < 0.05


def test_relation_panels_are_points_boxes_and_shares(small):
    size, place = sorted(relation_panels(small), key=lambda panel: panel["title"] != "size")
    assert size["boxes"] == [[1, 1.75, 2.5, 3.25, 4], [2, 2, 2, 4, 6]]
    assert place["labels"] == ["u", "v", "(missing)"]
    assert [series["values"] for series in place["series"]] == [[1, 0, 0], [0, 1, 1]]
    points = relation_panels(builtin("diabetes"), most=1)[0]
    assert (points["kind"], len(points["x"]), len(points["y"])) == ("points", 442, 442)


def test_correlations_are_symmetric_and_limited_to_what_can_be_read():
    found = correlation(builtin("breast_cancer"), most=8)
    matrix = np.array(found["matrix"])
    assert matrix.shape == (8, 8)
    assert len(found["labels"]) == 8
    assert np.allclose(matrix, matrix.T)
    assert np.allclose(np.diag(matrix), 1)


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris", "diabetes"])
def test_honest_data_raise_no_suspicion_of_a_leak(name):
    assert suspected_leaks(builtin(name), seed=1) == []


def leaky(name, column, values):
    data = load_builtin(name).assign(**{column: values})
    return [leak["column"] for leak in suspected_leaks(dataset(data, BUILTINS[name].target), 1)]


def test_a_target_under_another_name_is_suspected():
    species = load_builtin("iris")["species"]
    progression = load_builtin("diabetes")["progression"]
    noise = np.random.default_rng(0).normal(size=442) * progression.std()
    assert leaky("iris", "kind", species.str.upper()) == ["kind"]
    assert leaky("iris", "code", species.map({"setosa": 7, "versicolor": 1, "virginica": 5})) == [
        "code"
    ]
    assert leaky("diabetes", "after", progression + 0.1 * noise) == ["after"]
    assert leaky("diabetes", "log", np.log(progression)) == ["log"]
    assert leaky("diabetes", "far", progression + noise) == []


def test_a_value_that_is_missing_only_in_one_class_is_suspected():
    target = load_builtin("breast_cancer")["diagnosis"]
    stage = np.where(target == "malignant", np.random.default_rng(0).random(569), np.nan)
    assert leaky("breast_cancer", "stage", stage) == ["stage"]


def test_a_column_that_names_the_group_is_no_leak_when_groups_stay_together():
    random = np.random.default_rng(0)
    patient = np.repeat(np.arange(40), 5)
    ill = random.permutation(np.repeat(["yes", "no"], 20))
    frame = pd.DataFrame({"age": random.normal(50, 9, 40)[patient], "y": ill[patient]})
    frame["visit"] = random.normal(size=200)
    leaks = suspected_leaks(dataset(frame), 1)  # each age is among training and test rows
    assert [leak["column"] for leak in leaks] == ["age"]
    assert suspected_leaks(dataset(frame.assign(p=patient), group="p"), 1) == []


def ideas(frame, **others):
    return [
        formats.fill(idea["text"], idea["values"]) for idea in suggestions(dataset(frame, **others))
    ]


def test_nothing_unusual_suggests_nothing():
    random = np.random.default_rng(0)
    assert ideas(pd.DataFrame({"a": random.normal(size=99), "y": random.normal(size=99)})) == []


def test_ideas_name_what_was_seen():
    random = np.random.default_rng(0)
    normal = random.normal(size=300)
    frame = pd.DataFrame(
        {
            "{long}": np.exp(normal),
            "a": normal,
            "b": normal + random.normal(0, 0.1, 300),
            "gaps": np.where(random.random(300) < 0.2, np.nan, random.normal(size=300)),
            "city": [f"c{i}" for i in random.integers(0, 30, 300)],
            "y": np.where(np.arange(300) < 30, "rare", "common"),
        }
    )
    found = ideas(frame)
    assert [idea[:28] for idea in found] == [
        "Only 10.0 % of the rows are ",
        "gaps is missing in 18.7 % of",
        "{long} is skewed (4.54): try",
        "a and b say nearly the same ",
        "city has 30 different values",
    ]
    assert ideas(frame.head(35))[0].startswith("35 rows for 5 inputs are few")
    assert ideas(frame[["a", "b"]].assign(y=np.exp(normal)))[0].startswith("y has a long tail")


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_everything_is_json_and_does_not_change_between_calls(name):
    def everything():
        data = builtin(name)
        found = [
            *(summary.overview(data), summary.column_table(data), summary.first_rows(data)),
            *(
                summary.missing_by_class(data),
                summary.duplicates(data),
                summary.class_balance(data),
            ),
            *(summary.target_panel(data), summary.distributions(data, 4), relations(data)),
            *(relation_panels(data), correlation(data), suggestions(data)),
        ]
        return json.dumps(found, allow_nan=False)

    assert everything() == everything()
