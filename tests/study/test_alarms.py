"""Alarms: raised where they should be, silent elsewhere."""

import numpy as np
import pytest

from ninefold.formats import fill
from ninefold.study.alarms import against_constant, against_folds, against_heavy_rows
from ninefold.study.metrics import METRICS

LOSS, ACCURACY = METRICS["log_loss"], METRICS["accuracy"]


@pytest.mark.parametrize(
    ("metric", "score", "alarmed"),
    [(LOSS, 0.5, False), (LOSS, 0.7, True), (LOSS, 0.69, True), (ACCURACY, 0.5, True)],
)
def test_a_hold_out_no_better_than_a_constant_is_alarming(metric, score, alarmed):
    assert bool(against_constant(metric, score, 0.69)) is alarmed


@pytest.mark.parametrize(("score", "constant"), [(np.nan, np.nan), (np.nan, 0.0), (0.5, np.nan)])
def test_a_score_that_is_not_defined_is_not_called_no_better_than_guessing(score, constant):
    assert against_constant(METRICS["r2"], score, constant) == []


def test_a_hold_out_worse_than_every_fold_is_alarming_and_says_both_numbers():
    (alarm,) = against_folds(LOSS, 0.9, [0.1, 0.4, np.nan], inside=False)
    said = fill(alarm.text, alarm.values)
    assert said.startswith(
        "On the hold-out the model does worse than in the worst of 2 folds of cross-validation: "
        "log loss 0.900 against 0.400."
    )


@pytest.mark.parametrize(
    ("metric", "score", "folds"),
    [(LOSS, 0.4, [0.1, 0.4]), (LOSS, 0.0, [0.1]), (ACCURACY, 0.9, [0.8, 0.95]), (LOSS, 1, [])],
)
def test_a_hold_out_within_the_folds_is_not(metric, score, folds):
    assert against_folds(metric, score, folds, inside=False) == []


@pytest.mark.parametrize(
    ("folds", "inside", "alarmed"), [(30, True, False), (19, None, False), (20, None, True)]
)
def test_a_hold_out_worse_than_every_fold_by_chance_is_not(folds, inside, alarmed):
    assert bool(against_folds(LOSS, 0.9, [0.4] * folds, inside)) is alarmed


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "1 of 113 hold-out rows carries 57.0 % of the log loss."),
        (2, "2 of 113 hold-out rows carry 57.0 % of the log loss."),
    ],
)
def test_few_rows_that_carry_half_of_the_loss_are_alarming(number, said):
    (alarm,) = against_heavy_rows(number, 113, 0.57, "log loss")
    assert fill(alarm.text, alarm.values) == said
    assert against_heavy_rows(number, 113, 0.49, "log loss") == []
