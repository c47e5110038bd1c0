import inspect
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ninefold.study.metrics import METRICS, metrics_for, score
from ninefold.study.statistics.rows import heaviest_rows, holdout_interval
from ninefold.study.statistics.sampled import Sampling
from ninefold.study.statistics.weighted import row_losses


def probabilities(n: int, classes: int, seed: int = 1):
    y = np.arange(n) % classes
    told = np.random.default_rng(seed).dirichlet(np.ones(classes), n) + 0.4 * np.eye(classes)[y]
    return y, told / told.sum(axis=1, keepdims=True)


def numbers(n: int = 60, seed: int = 1):
    generator = np.random.default_rng(seed)
    y = generator.normal(size=n)
    return y, y + 0.3 * generator.normal(size=n) * generator.exponential(size=n)


def sample(name: str, n: int = 60, classes: int = 2):
    return numbers(n) if METRICS[name].takes == "numbers" else probabilities(n, classes)


CASES = [(name, classes) for name in metrics_for("binary") for classes in (2, 3)]
CASES += [(name, 0) for name in metrics_for("regression")]


@pytest.mark.parametrize(("name", "classes"), CASES)
@pytest.mark.parametrize("groups", [None, 8])
def test_each_interval_is_about_its_score_and_within_the_range_of_the_metric(name, classes, groups):
    y, told = sample(name, 60, classes)
    sampling = Sampling(
        None if groups is None else np.random.default_rng(2).integers(groups, size=60)
    )
    found = holdout_interval(name, y, told, n_classes=classes, sampling=sampling, draws=200)
    low, high = METRICS[name].limits(classes)
    assert low <= found.low < found.score < found.high <= high
    assert found.score == pytest.approx(score(name, y, told, n_classes=classes))
    assert (f"{groups} groups" in found.method) == (groups is not None)


@pytest.mark.parametrize(
    "name", ["accuracy", "balanced_accuracy", "f1", "roc_auc", "average_precision"]
)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("groups", [None, 9])
def test_no_score_from_0_to_1_is_ever_a_point(name, classes, groups):
    y = np.arange(60) % classes
    sampling = Sampling(None if groups is None else np.arange(60) % groups)
    if groups and classes == 3:
        sampling = Sampling(np.arange(60) // 7)
    right = holdout_interval(name, y, np.eye(classes)[y], n_classes=classes, sampling=sampling)
    assert (right.score, right.high) == (1, 1)
    assert 0.3 < right.low < 0.99
    wrong = np.eye(classes)[(y + 1) % classes]
    if name != "average_precision":  # which is above 0 for any ranking
        found = holdout_interval(name, y, wrong, n_classes=classes, sampling=sampling)
        assert found.low <= found.score < found.high


def test_69_of_69_right_is_not_100_to_100_percent():
    y = np.arange(69) % 3
    found = holdout_interval("accuracy", y, np.eye(3)[y], n_classes=3)
    assert (found.score, found.high, found.method) == (1, 1, "Wilson")
    assert found.low == pytest.approx(69 / (69 + 1.959964**2))


@pytest.mark.parametrize(("name", "classes"), CASES)
@pytest.mark.parametrize("wrong", [0, 1])
@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(6), 5)])
def test_losses_that_are_all_alike_have_no_interval_which_would_be_a_point(
    name, classes, wrong, groups
):
    y = np.tile(np.arange(max(classes, 2)), 30)[:30]
    told = np.eye(classes)[(y + wrong) % classes] if classes else y + 3.0 * wrong
    found = holdout_interval(name, y, told, n_classes=classes, sampling=Sampling(groups))
    if METRICS[name].takes in ("labels", "ranking"):
        assert found.low < found.high
    elif name != "r2" or not wrong:
        assert found.low is None
        assert found.reason == f"every {'row' if groups is None else 'group'} has the same loss"


@pytest.mark.parametrize(
    ("name", "y", "told", "sampling", "reason"),
    [
        ("roc_auc", np.zeros(9, int), np.full((9, 2), 0.5), Sampling(), "not defined"),
        ("balanced_accuracy", np.zeros(9, int), np.full((9, 2), 0.5), Sampling(), "one class only"),
        ("accuracy", np.array([0, 1]), np.full((2, 2), np.nan), Sampling(), "not defined"),
        ("rmse", np.zeros(1), np.ones(1), Sampling(), "a single row"),
        ("r2", np.zeros(1), np.ones(1), Sampling(), "not defined"),
        ("rmse", np.zeros(9), np.ones(9), Sampling(ordered=True), "follow one another in time"),
        ("rmse", np.zeros(9), np.arange(9.0), Sampling(np.arange(9) % 2), "2 groups, 5 are needed"),
        ("rmse", np.zeros(9), np.arange(9.0), Sampling(np.zeros(9)), "1 group, 5 are needed"),
        ("roc_auc", np.arange(10) // 5, np.full((10, 2), 0.5),
         Sampling(np.r_[0, 1, 2, 3, 3, np.full(5, 4)]), "all rows of a class are in one group"),
    ],
)  # fmt: skip
def test_where_no_interval_holds_there_is_none_and_the_reason_is_said(
    name, y, told, sampling, reason
):
    found = holdout_interval(name, y, told, n_classes=2, sampling=sampling)
    assert (found.low, found.high) == (None, None)
    assert reason in found.remark
    assert found.remark.startswith("no interval: ")


def test_groups_make_an_interval_as_wide_as_they_are_few():
    generator = np.random.default_rng(3)
    groups = np.repeat(np.arange(10), 30)
    errors = generator.normal(size=10)[groups] + 0.3 * generator.normal(size=300)
    by_row = holdout_interval("mae", errors, np.zeros(300))
    by_group = holdout_interval("mae", errors, np.zeros(300), sampling=Sampling(groups))
    assert by_group.high - by_group.low > 3 * (by_row.high - by_row.low)
    assert by_group.method == "jackknife of 10 groups"


def test_the_same_seed_gives_the_same_interval():
    y, told = numbers()
    first, again, other = (holdout_interval("rmse", y, told, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_an_interval_is_of_2000_draws_at_least():
    assert inspect.signature(holdout_interval).parameters["draws"].default >= 2_000


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=8))
@example([(0.0, 0.0), (0.0, 3.5e-118)])
@example([(0.0, 0.0), (3.5e-118, 0.0)])
@example([(0.0, 1.0), (1e-200, 0.5)])
@example([(0.0, 0.67), (1.0, 0.125)])
def test_no_interval_is_ever_nan(pairs):
    y, told = np.array(pairs).T
    for name in metrics_for("regression"):
        found = holdout_interval(name, y, told, draws=50)
        if found.low is not None:
            assert found.low <= found.score <= found.high
            assert math.isfinite(found.low)


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_the_mean_of_what_rows_add_is_the_loss(name, classes):
    if name in ("log_loss", "brier", "mae", "rmse"):
        y, told = sample(name, 60, classes)
        mean = row_losses(name, y, told).mean()
        found = score(name, y, told, n_classes=classes)
        assert (math.sqrt(mean) if name == "rmse" else mean) == pytest.approx(found)


@pytest.mark.parametrize(
    ("losses", "found"),
    [
        (np.ones(300), (3, 0.01)),  # 1 % of the rows do not carry half
        (np.r_[np.ones(298), 200, 100], (2, 300 / 598)),
        (np.r_[np.ones(299), 500], (1, 500 / 799)),
        (np.r_[np.ones(29), 41], (1, 41 / 70)),  # of few rows one counts
        (np.r_[np.ones(28), 99], (0, 0)),  # of fewer than 30, two often carry half
        (np.zeros(30), (0, 0)),
    ],
)
def test_the_rows_that_carry_half_of_the_loss_are_counted(losses, found):
    assert heaviest_rows(losses) == pytest.approx(found)
