"""A metric of the user's own works wherever one of ninefold's does, or is refused in one line."""

import json
from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    make_scorer,
    matthews_corrcoef,
    mean_absolute_error,
    zero_one_loss,
)
from sklearn.naive_bayes import GaussianNB

from ninefold import Metric, NinefoldError, average, compare, evaluate
from ninefold.plain_json import write_json
from ninefold.study.baselines import constant_prediction, naive_loss
from ninefold.study.metrics import practical_margin, score
from ninefold.study.scoring import score_folds

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(90, 3))
CODES = (X[:, 0] + RANDOM.normal(size=90) > 0).astype(int)
Y = np.array(["healthy", "ill"])[CODES]
judge = partial(evaluate, X=X, folds=3, repeats=2)


def mean_cost(y_true, y_pred):
    """A missed ill person costs five, a false alarm one."""
    return np.mean(5 * ((y_true == "ill") & (y_pred == "healthy")) + (y_true < y_pred))


COST = Metric("cost", "cost, €", False, "labels", lowest=0, highest=5, function=mean_cost)
HITS = Metric("hits", "hits", True, "labels", 0, 1, function=accuracy_score)
NATS = Metric("nats", "nats", False, "probabilities", 0, function=log_loss)


def labels_of(evaluation):
    return np.array(["healthy", "ill"])[
        evaluation.predictions[["healthy", "ill"]].to_numpy().argmax(axis=1)
    ]


def test_an_own_metric_is_computed_on_the_labels_of_each_fold():
    found = judge(LogisticRegression(), y=Y, metrics=[COST, "accuracy"])
    assert (found.protocol.metric, found.protocol.metrics) == ("cost", ("cost", "accuracy"))
    told = found.predictions.assign(told=labels_of(found))
    by_hand = [
        mean_cost(Y[part["row"]], part["told"].to_numpy())
        for _, part in told.groupby(["repeat", "fold"])
    ]
    assert found.scores["cost"].tolist() == pytest.approx(by_hand)
    assert "cost, €" in repr(found)


@pytest.mark.parametrize(("own", "name"), [(HITS, "accuracy"), (NATS, "log_loss")])
def test_one_that_is_a_metric_of_ninefolds_is_treated_as_that_one(own, name):
    both = [judge(model(), y=Y, metrics=[own, name]) for model in (LogisticRegression, GaussianNB)]
    first = both[0]
    np.testing.assert_allclose(first.values(own.name), first.values(name), rtol=1e-12)
    mine, theirs = first.interval(own.name), first.interval(name)
    assert (mine.mean, mine.low, mine.high) == pytest.approx((theirs.mean, theirs.low, theirs.high))
    tables = [
        compare({"a": first, "b": both[1]}, control="a", metric=metric).drop(
            columns=["verdict", "rows_low", "rows_high"]  # an own metric may be no mean over rows
        )
        for metric in (own.name, name)
    ]
    np.testing.assert_allclose(*(t.drop(columns="variant").to_numpy(float) for t in tables))
    together = average(both)
    np.testing.assert_allclose(together.values(own.name), together.values(name), rtol=1e-12)
    wrong = score_folds(first.predictions, first.protocol, [(0, 1)])  # a fold that diverged
    assert wrong[own.name].tolist() == pytest.approx(wrong[name].tolist())
    assert wrong.loc[1, own.name] != pytest.approx(first.values(own.name)[1])


def test_an_own_metric_is_in_the_record(tmp_path):
    found = judge(LogisticRegression(), y=Y, metrics=[COST])
    write_json(tmp_path / "record.json", found.to_record())
    kept = json.loads((tmp_path / "record.json").read_text())
    assert kept["metric"] == "cost"
    assert kept["scores"]["cost"] == pytest.approx(found.values().tolist(), rel=1e-5)
    assert kept["summary"]["cost"]["mean"] == pytest.approx(found.values().mean(), rel=1e-5)


@pytest.mark.parametrize(
    "labels", [np.array(["b", "a", "c"]), np.array([3, 1, 2]), np.array([30.0, 10.0, 20.0])]
)
def test_labels_are_handed_over_as_y_has_them(labels):
    seen = []

    def kept_score(y_true, y_pred):
        seen.append((y_true, y_pred))
        return accuracy_score(y_true, y_pred)

    y = np.tile(labels, 30)
    judge(LogisticRegression(), y=y, metrics=[kept_score])
    for y_true, y_pred in seen:
        assert set(y_true) == set(labels)
        assert y_true.dtype == y_pred.dtype == y.dtype


def test_truth_values_are_handed_over_as_such():
    def kind_score(y_true, y_pred):
        assert y_true.dtype == y_pred.dtype == bool
        return np.mean(y_true == y_pred)

    found = judge(LogisticRegression(), y=CODES == 1, metrics=[kind_score, "accuracy"])
    assert found.values("kind_score").tolist() == found.values("accuracy").tolist()


def test_probabilities_are_one_column_for_two_labels_and_one_each_for_more():
    shapes = []

    def width(y_true, y_pred):
        shapes.append((set(y_true), y_pred.shape[1:]))
        return 0.0

    metric = Metric("width", "width", True, "probabilities", function=width)
    judge(LogisticRegression(), y=Y, metrics=[metric])
    assert shapes == [({"healthy", "ill"}, ())] * 6
    shapes.clear()
    judge(LogisticRegression(), y=np.arange(90) % 3, metrics=[metric])
    assert shapes == [({0, 1, 2}, (3,))] * 6


def test_a_function_alone_says_by_its_name_whether_greater_is_better():
    found = judge(LogisticRegression(), y=Y, metrics=[zero_one_loss, accuracy_score])
    loss, gain = (found.protocol.find(name) for name in found.protocol.metrics)
    assert (loss.greater_is_better, gain.greater_is_better) == (False, True)
    assert loss.label == "zero one loss"
    np.testing.assert_allclose(found.values("zero_one_loss"), 1 - found.values("accuracy_score"))


def test_an_own_metric_of_a_regression_is_told_the_numbers():
    found = judge(LinearRegression(), y=X[:, 0] * 3, metrics=[mean_absolute_error, "mae"])
    np.testing.assert_allclose(found.values("mean_absolute_error"), found.values("mae"), atol=1e-12)


def test_one_metric_needs_no_list():
    assert judge(LogisticRegression(), y=Y, metrics=zero_one_loss).protocol.metrics == (
        "zero_one_loss",
    )
    assert judge(LogisticRegression(), y=Y, metrics="accuracy").protocol.metrics == ("accuracy",)


def test_the_strongest_constant_is_the_best_class_not_the_commonest():
    codes = np.repeat([0, 1], [70, 30])

    def cost(y_true, y_pred):
        return np.mean(5 * (y_true > y_pred) + (y_true < y_pred))

    metric = Metric("cost", "cost", False, "labels", function=cost)
    assert constant_prediction(metric, codes, 2, 2).tolist() == [[0, 1]] * 2
    assert naive_loss(metric, codes, 2) == pytest.approx(0.7)


def test_the_strongest_constant_takes_shares_or_halves_mean_or_median():
    y = np.repeat([0, 1], [70, 30])
    assert constant_prediction(NATS, y, 1, 2) == pytest.approx(np.array([[0.7, 0.3]]))
    fair = Metric("fair", "fair", True, "probabilities", function=lambda _, p: -abs(p[0] - 0.5))
    assert constant_prediction(fair, y, 1, 2).tolist() == [[0.5, 0.5]]
    skewed = np.array([0.0, 0.0, 9.0])
    away = Metric("away", "away", False, "numbers", function=mean_absolute_error)
    square = Metric("s", "s", False, "numbers", function=lambda y, p: np.mean((y - p) ** 2))
    assert constant_prediction(away, skewed, 2).tolist() == [0, 0]
    assert constant_prediction(square, skewed, 2).tolist() == [3, 3]


def test_a_constant_that_the_metric_does_not_define_is_never_the_strongest():
    y = np.repeat([0, 1], [70, 30])
    metric = Metric("m", "m", True, "labels", function=lambda _, p: [np.nan, 0.1][p[0]])
    assert constant_prediction(metric, y, 1, 2).tolist() == [[0, 1]]


def test_its_margin_is_its_own():
    assert practical_margin(HITS, 0.6) == 0.01
    assert practical_margin(Metric("p", "p", True, "labels", margin=5, function=max), 0) == 5
    assert practical_margin(COST, 2.0) == pytest.approx(0.02)
    negative = Metric("loss", "loss", False, "numbers", function=max)
    assert practical_margin(negative, -2.0) == pytest.approx(0.02)


def test_nan_says_that_it_is_not_defined_in_a_fold():
    calls = iter([np.nan, 0.1, 0.3, 0.1, 0.3, 0.2])
    metric = Metric("some", "some", True, "labels", function=lambda *_: next(calls))
    found = judge(LogisticRegression(), y=Y, metrics=[metric])
    assert np.isnan(found.values()[0])
    assert found.interval().mean == pytest.approx(0.2)


def test_a_metric_that_raises_is_named_with_its_fold():
    calls = []

    def fragile_loss(y_true, y_pred):
        calls.append(1)
        return 1 / (len(calls) - 5)  # the fifth: the second fold of the second repeat

    line = r"repeat 2, fold 2: the metric 'fragile_loss' failed: ZeroDivisionError: division"
    with pytest.raises(NinefoldError, match=line):
        judge(LogisticRegression(), y=Y, metrics=[fragile_loss])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "returned NoneType; expected a finite number"),
        ("0.5", "returned str"),
        (np.array([0.5]), "returned ndarray"),
        (-np.inf, "returned -inf"),
        (1.5, "returned 1.5; its range is 0 to 1"),
    ],
)
def test_a_metric_that_returns_no_number_of_its_range_is_named_with_its_fold(value, shown):
    metric = Metric("odd", "odd", True, "labels", 0, 1, function=lambda *_: value)
    with pytest.raises(NinefoldError, match=f"repeat 1, fold 1: the metric 'odd' {shown}"):
        judge(LogisticRegression(), y=Y, metrics=[metric])


@pytest.mark.parametrize(
    ("metric", "line"),
    [
        (matthews_corrcoef, "matthews_corrcoef does not say whether greater is better"),
        (make_scorer(zero_one_loss), "is no metric with a name; .* of scikit-learn's make_scorer"),
        (3, "3 is no metric with a name; expected a metric's name, a function"),
        ("acuracy", "did you mean 'accuracy'"),
        (Metric("m", "m", True, "labels"), "'m' has no function"),
        (Metric("accuracy", "m", True, "labels", function=max), "is named 'accuracy'"),
        (Metric("fold", "m", True, "labels", function=max), "is named 'fold'"),
        (Metric("m", "m", True, "numbers", function=max), "takes numbers; this does not fit a bin"),
    ],
)
def test_what_is_no_metric_is_refused_before_anything_runs(metric, line):
    with pytest.raises(NinefoldError, match=line):
        judge(LogisticRegression(), y=Y, metrics=[metric])


def test_a_metric_given_twice_and_an_empty_list_are_refused():
    with pytest.raises(NinefoldError, match="'hits' is given twice"):
        judge(LogisticRegression(), y=Y, metrics=[HITS, HITS])
    with pytest.raises(NinefoldError, match="metrics is empty"):
        judge(LogisticRegression(), y=Y, metrics=[])


def test_a_score_alone_is_told_codes():
    told = np.array([[0.9, 0.1], [0.2, 0.8]])
    seen = Metric("s", "s", True, "labels", function=lambda y, p: float((y == p).all()))
    assert score(seen, np.array([0, 1]), told, n_classes=2) == 1


@pytest.mark.parametrize("name", ["row", "fold", "repeat"])
def test_a_class_named_as_a_column_of_the_predictions_is_refused(name):
    with pytest.raises(NinefoldError, match=f"a class is named '{name}'.*give the class another"):
        judge(LogisticRegression(), y=np.array(["other", name])[CODES])
