"""Intervals for these training sets come from the rows, and only where the score is their mean."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import ShuffleSplit
from sklearn.naive_bayes import GaussianNB

from ninefold.study.comparison import compare
from ninefold.study.evaluate import evaluate
from ninefold.study.evaluation import naive_evaluation
from ninefold.study.row_differences import row_influences

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(90, 3))
LABELS = (X[:, 0] + RANDOM.normal(size=90) > 0).astype(int)
NUMBERS = X[:, 0] + RANDOM.normal(size=90)
PLAN = {"folds": 5, "repeats": 2}
CLASSIFIED = evaluate({"c": LogisticRegression(), "v": GaussianNB()}, X, LABELS, **PLAN)
REGRESSED = evaluate({"c": LinearRegression(), "v": LinearRegression(positive=True)}, X, NUMBERS,
                     **PLAN)  # fmt: skip


def row_of(pair, metric):
    return compare(pair, control="c", metric=metric).iloc[0]


@pytest.mark.parametrize("metric", ["log_loss", "brier", "accuracy"])
def test_the_interval_is_that_of_the_mean_difference_of_the_rows(metric):
    row = row_of(CLASSIFIED, metric)
    losses = []
    for one in (CLASSIFIED["v"], CLASSIFIED["c"]):
        p = one.predictions.groupby("row")[["0", "1"]]
        repeats = [p.nth(repeat).to_numpy() for repeat in range(2)]
        rows = [one.predictions.query(f"repeat == {n}")["row"].to_numpy() for n in range(2)]
        by_row = np.zeros((2, 90))
        for repeat in range(2):
            table = one.predictions.query(f"repeat == {repeat}")
            told = table[["0", "1"]].to_numpy()
            y = LABELS[rows[repeat]]
            by_row[repeat, rows[repeat]] = {
                "log_loss": -np.log(told[np.arange(90), y]),
                "brier": (told[:, 1] - y) ** 2,
                "accuracy": told.argmax(axis=1) == y,
            }[metric]
        assert len(repeats) == 2
        losses.append(by_row.mean(axis=0))
    apart = losses[0] - losses[1]
    reach = 1.25 * stats.t.ppf(0.975, 89) * apart.std(ddof=1) / np.sqrt(90)
    assert row["rows_high"] - row["difference"] == pytest.approx(reach)
    assert row["difference"] - row["rows_low"] == pytest.approx(reach)


def test_of_rmse_it_follows_the_delta_method():
    row, parts = row_of(REGRESSED, "rmse"), []
    for one in (REGRESSED["v"], REGRESSED["c"]):
        by_row = np.zeros((2, 90))
        for repeat in range(2):
            table = one.predictions.query(f"repeat == {repeat}")
            squares = (table["prediction"].to_numpy() - NUMBERS[table["row"]]) ** 2
            by_row[repeat, table["row"]] = (squares - squares.mean()) / 2 / np.sqrt(squares.mean())
        parts.append(by_row.mean(axis=0))
    expected = 1.25 * stats.t.ppf(0.975, 89) * (parts[0] - parts[1]).std(ddof=1) / np.sqrt(90)
    assert row["rows_high"] - row["difference"] == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("pair", "metric"), [(CLASSIFIED, "roc_auc"), (REGRESSED, "r2")])
def test_a_score_that_is_no_mean_over_rows_has_none(pair, metric):
    assert np.isnan(row_of(pair, metric)[["rows_low", "rows_high"]].astype(float)).all()


def test_the_constant_of_another_metric_is_not_looked_at():
    naive = naive_evaluation(REGRESSED["v"].predictions, REGRESSED["v"].protocol)
    pair = {"c": naive, "v": REGRESSED["v"]}
    assert np.isfinite(row_of(pair, "rmse")["rows_low"])
    assert np.isnan(row_of(pair, "mae")["rows_low"])


def test_rows_of_one_group_count_once_and_few_groups_give_none():
    for groups, given in ((np.arange(90) // 3, True), (np.arange(90) // 23, False)):
        both = evaluate({"c": LogisticRegression(), "v": GaussianNB()}, X, LABELS, folds=3,
                        repeats=1, groups=groups, metrics=["log_loss"])  # fmt: skip
        row = row_of(both, "log_loss")
        assert np.isfinite(row["rows_low"]) == given
        if given:
            its = [row_influences(one, "log_loss") for one in both.values()]
            sums = np.bincount(groups, its[1] - its[0])
            reach = 1.25 * stats.t.ppf(0.975, 29) * np.sqrt(30 * sums.var(ddof=1)) / 90
            assert row["rows_high"] - row["difference"] == pytest.approx(reach)


def test_rows_that_are_not_tested_once_each_give_none():
    both = evaluate({"c": LogisticRegression(), "v": GaussianNB()}, X, LABELS,
                    splitter=ShuffleSplit(4, random_state=1), metrics=["log_loss"])  # fmt: skip
    assert np.isnan(row_of(both, "log_loss")["rows_low"])


def test_it_is_narrower_than_the_interval_that_counts_the_training_sets():
    row = row_of(CLASSIFIED, "log_loss")
    assert row["rows_high"] - row["rows_low"] < row["high"] - row["low"]
