import itertools

import numpy as np
import pytest

from ninefold.study.baselines import constant_prediction, naive_loss, score_naive
from ninefold.study.metrics import METRICS, metrics_for, score
from ninefold.study.statistics.chance import expected_average_precision

TWO = np.repeat([0, 1], [26, 14])
THREE = np.repeat([0, 1, 2], [9, 25, 6])
NUMBERS = np.random.default_rng(1).lognormal(size=41)


def every_constant(classes: int, steps: int = 10):
    """All probabilities on a grid of the simplex."""
    for parts in itertools.product(range(steps + 1), repeat=classes - 1):
        if sum(parts) <= steps:
            yield np.array([*parts, steps - sum(parts)]) / steps


@pytest.mark.parametrize("name", metrics_for("binary"))
@pytest.mark.parametrize("y", [TWO, THREE], ids=["two classes", "three classes"])
def test_no_other_constant_scores_better_on_the_training_rows(name, y):
    classes = len(np.unique(y))
    sign = 1 if METRICS[name].greater_is_better else -1
    chosen = score(name, y, constant_prediction(name, y, len(y), classes), n_classes=classes)
    others = [
        score(name, y, np.tile(constant, (len(y), 1)), n_classes=classes)
        for constant in every_constant(classes)
    ]
    assert sign * chosen >= max(sign * np.array(others)) - 1e-12


@pytest.mark.parametrize("name", metrics_for("regression"))
def test_no_other_number_scores_better_on_the_training_rows(name):
    sign = 1 if METRICS[name].greater_is_better else -1
    chosen = score(name, NUMBERS, constant_prediction(name, NUMBERS, len(NUMBERS)))
    others = [
        score(name, NUMBERS, np.full(len(NUMBERS), constant))
        for constant in np.linspace(NUMBERS.min(), NUMBERS.max(), 401)
    ]
    assert sign * chosen >= max(sign * np.array(others)) - 1e-12


def test_each_constant_scores_what_the_text_books_say():
    share = 14 / 40
    expected = {
        "accuracy": 1 - share,
        "balanced_accuracy": 0.5,
        "f1": 2 * share / (1 + share),
        "roc_auc": 0.5,
        "average_precision": expected_average_precision(40, 14),
        "log_loss": -(share * np.log(share) + (1 - share) * np.log(1 - share)),
        "brier": share * (1 - share),
    }
    found = {name: naive_loss(name, TWO, 2) for name in expected}
    assert found == pytest.approx(expected)
    assert naive_loss("rmse", NUMBERS) == pytest.approx(NUMBERS.std())
    assert naive_loss("mae", NUMBERS) == pytest.approx(
        np.abs(NUMBERS - np.sort(NUMBERS)[20]).mean()
    )


def test_the_constant_is_fitted_on_the_training_rows_and_has_the_length_of_the_others():
    told = constant_prediction("log_loss", TWO, 3, 2)
    assert told == pytest.approx(np.array([[0.65, 0.35]] * 3))
    assert constant_prediction("rmse", np.array([1.0, 3.0]), 2).tolist() == [2, 2]
    assert score("r2", np.array([0.0, 2.0]), constant_prediction("r2", np.full(4, 3.0), 2)) == -4


def test_a_class_without_training_rows_costs_the_constant_no_fortune():
    told = constant_prediction("log_loss", np.array([0, 0, 1]), 1, 3)
    assert told == pytest.approx(np.array([[2, 1, 0.5]]) / 3.5)
    assert constant_prediction("accuracy", np.array([0, 0, 1]), 1, 3).tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("name", metrics_for("binary"))
@pytest.mark.parametrize("y", [TWO, THREE], ids=["two classes", "three classes"])
def test_a_guess_in_the_shares_of_the_classes_scores_no_better_than_the_naive_model(name, y):
    """Of pure noise: the mean score over draws may not be above it."""
    classes, generator = len(np.unique(y)), np.random.default_rng(1)
    sign = 1 if METRICS[name].greater_is_better else -1
    found = []
    for _ in range(400):
        guess = np.eye(classes)[generator.permutation(y)]
        if METRICS[name].takes == "ranking":
            guess = generator.random((len(y), classes))
        found.append(sign * score(name, y, guess, n_classes=classes))
    error = np.std(found) / 20
    assert sign * naive_loss(name, y, classes) >= np.mean(found) - 3 * error


def test_balanced_accuracy_of_rows_that_lack_a_class_is_one_in_the_classes_they_hold():
    y = np.array([1, 1, 2])
    assert score_naive("balanced_accuracy", THREE, y, 3) == 0.5
    assert score_naive("f1", THREE, y, 3) == 0.5
