"""Confusion, F1 and calibration of out-of-fold predictions, under repeats."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LinearRegression, LogisticRegression

from ninefold import NinefoldError, evaluate
from ninefold.study.out_of_fold import calibration

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(120, 4))
TWO = np.where(X[:, 0] + RANDOM.normal(size=120) > 0.5, "yes", "no")
THREE = np.array(["a", "b", "c"])[np.digitize(X[:, 1] + RANDOM.normal(size=120), [-0.5, 0.7])]
BOTH = [evaluate(LogisticRegression(), X, y, folds=4, repeats=3) for y in (TWO, THREE)]


def each_repeat(evaluation):
    """The (codes, probabilities) of each repeat's out-of-fold predictions."""
    names = list(evaluation.protocol.classes)
    for _, part in evaluation.predictions.groupby("repeat"):
        yield evaluation.protocol.y[part["row"]], part[names].to_numpy()


@pytest.mark.parametrize("found", BOTH, ids=["two classes", "three classes"])
def test_confusion_is_the_mean_of_the_repeats_and_sums_to_the_rows(found):
    by_hand = np.mean([sk.confusion_matrix(y, p.argmax(axis=1)) for y, p in each_repeat(found)], 0)
    counts = found.confusion()
    np.testing.assert_allclose(counts, by_hand)
    assert counts.to_numpy().sum() == pytest.approx(120)
    assert list(counts.index) == list(counts.columns) == list(found.protocol.classes)


@pytest.mark.parametrize(
    ("found", "average"), zip(BOTH, ["binary", "macro"], strict=True), ids=["two", "three"]
)
def test_f1_is_from_the_counts_of_each_repeat_not_a_mean_over_folds(found, average):
    expected = [sk.f1_score(y, p.argmax(axis=1), average=average) for y, p in each_repeat(found)]
    assert found.pooled_f1().tolist() == pytest.approx(expected)
    assert found.pooled_f1().mean() != pytest.approx(found.values("f1").mean(), abs=1e-6)


def test_roc_auc_is_that_of_each_fold():
    found = BOTH[0]
    expected = [
        sk.roc_auc_score(found.protocol.y[part["row"]], part["yes"])
        for _, part in found.predictions.groupby(["repeat", "fold"])
    ]
    assert found.values("roc_auc").tolist() == pytest.approx(expected)


@pytest.mark.parametrize("bins", [4, 10])
def test_calibration_of_two_classes_is_scikit_learns_curve(bins):
    y, p = (np.concatenate(parts) for parts in zip(*each_repeat(BOTH[0]), strict=True))
    observed, predicted = calibration_curve(y, p[:, 1], n_bins=bins, strategy="quantile")
    found = BOTH[0].calibration(bins).bins
    np.testing.assert_allclose(found["observed"], observed)
    np.testing.assert_allclose(found["predicted"], predicted)
    assert found["count"].sum() == pytest.approx(120)


def test_calibration_of_several_classes_is_that_of_the_likeliest():
    y, p = (np.concatenate(parts) for parts in zip(*each_repeat(BOTH[1]), strict=True))
    right, told = p.argmax(axis=1) == y, p.max(axis=1)
    observed, predicted = calibration_curve(right, told, n_bins=5, strategy="quantile")
    found = BOTH[1].calibration(5).bins
    np.testing.assert_allclose(found["observed"], observed)
    np.testing.assert_allclose(found["predicted"], predicted)


def test_the_calibration_error_is_the_mean_gap_over_the_rows():
    generator = np.random.default_rng(1)
    p = generator.random(100)
    y = (generator.random(100) < p**2).astype(int)
    parts = np.split(np.argsort(p), 10)
    gaps = [abs(y[part].mean() - p[part].mean()) for part in parts]
    assert calibration(y, np.c_[1 - p, p], 1).error == pytest.approx(np.mean(gaps))


def test_probabilities_that_come_true_have_hardly_any_error_and_extreme_ones_have():
    generator = np.random.default_rng(2)
    p = generator.random(20_000)
    y = (generator.random(20_000) < p).astype(int)
    assert calibration(y, np.c_[1 - p, p], 1).error < 0.015
    sure = (p > 0.5).astype(float)
    assert calibration(y, np.c_[1 - sure, sure], 1).error == pytest.approx(0.25, abs=0.015)


def test_probabilities_of_a_row_are_never_averaged_over_the_repeats():
    found, (none, all_) = BOTH[0], (0.1, 0.9)
    told = np.where(found.predictions["repeat"] == 0, none, all_)
    predictions = found.predictions.assign(yes=told, no=1 - told)
    share = np.mean(TWO == "yes")
    # each repeat alone is far off; their mean, the ensemble, would be nearer
    expected = abs(share - none) / 3 + abs(share - all_) * 2 / 3
    assert replace(found, predictions=predictions).calibration().error == pytest.approx(expected)


def test_one_probability_for_all_rows_is_one_bin():
    y = np.repeat([0, 1], [6, 4])
    found = calibration(y, np.full((10, 2), 0.5), 1)
    assert found.bins.to_numpy().tolist() == [[0.5, 0.4, 10]]
    assert found.error == pytest.approx(0.1)


def test_a_record_keeps_the_calibration_error():
    found = BOTH[0]
    assert found.to_record()["calibration_error"] == found.calibration().error


def test_a_regression_has_neither():
    found = evaluate(LinearRegression(), X, X[:, 0] * 2 + 0.1, folds=3, repeats=1)
    assert found.to_record()["calibration_error"] is None
    for ask in (found.confusion, found.pooled_f1, found.calibration):
        with pytest.raises(NinefoldError, match="a regression has no classes"):
            ask()
