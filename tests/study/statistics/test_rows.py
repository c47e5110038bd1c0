import inspect
import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS, metrics_for, score
from ninefold.study.statistics.rows import bootstrap_interval, holdout_interval, wilson


def root_mean_square(y, prediction):
    return math.sqrt(np.mean((y - prediction) ** 2))


def sample(n: int = 60, seed: int = 1):
    generator = np.random.default_rng(seed)
    return generator.normal(size=n), generator.normal(size=n) * generator.exponential(size=n)


def probabilities(n: int, classes: int, seed: int = 1):
    y = np.arange(n) % classes
    told = np.random.default_rng(seed).dirichlet(np.ones(classes), n) + 0.4 * np.eye(classes)[y]
    return y, told / told.sum(axis=1, keepdims=True)


@given(st.integers(1, 500), st.data())
def test_wilson_follows_its_formula(n, data):
    successes = data.draw(st.integers(0, n))
    z, share = NormalDist().inv_cdf(0.975), successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    found = wilson(successes, n)
    assert (found.low, found.high) == pytest.approx((centre - reach, centre + reach), abs=1e-9)
    assert 0 <= found.low <= found.score <= found.high <= 1


def test_69_of_69_right_is_not_100_to_100_percent():
    found = holdout_interval(
        "accuracy", np.arange(69) % 3, np.eye(3)[np.arange(69) % 3], n_classes=3
    )
    assert (found.score, found.high, found.method) == (1, 1, "Wilson")
    assert found.low == pytest.approx(69 / (69 + 1.959964**2))


def test_bca_follows_its_formula():
    y, told = sample()
    found = bootstrap_interval(root_mean_square, y, told, draws=4000)

    generator, normal = np.random.default_rng(99), NormalDist()
    squares = (y - told) ** 2
    draws = np.sqrt(squares[generator.integers(60, size=(20_000, 60))].mean(axis=1))
    left_out = np.sqrt((squares.sum() - squares) / 59)
    away = left_out.mean() - left_out
    acceleration = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    bias = normal.inv_cdf(np.mean(draws < found.score))
    levels = [
        normal.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))
        for z in (normal.inv_cdf(0.025), normal.inv_cdf(0.975))
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, levels)), rel=0.02)
    assert found.method == "BCa bootstrap"
    assert levels[0] > 0.03  # the correction matters here: percentiles would fail


def test_rows_are_drawn_within_their_strata():
    y = np.repeat([0, 1], [30, 10])
    seen = set()

    def count(truth, told):
        seen.add(int(truth.sum()))
        return told.mean()

    bootstrap_interval(count, y, np.random.default_rng(1).random(40), y, draws=50)
    assert seen == {10, 9}  # all of them, and one left out for the acceleration


def test_the_only_row_of_a_class_is_in_every_draw():
    y, told = probabilities(30, 2)
    y[:] = 0
    y[7] = 1
    found = holdout_interval("roc_auc", y, told, n_classes=2, draws=200)
    assert 0 <= found.low < found.high <= 1


def test_the_same_seed_gives_the_same_interval():
    y, told = sample()
    first, again, other = (
        bootstrap_interval(root_mean_square, y, told, seed=seed, draws=300) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_many_rows_are_given_percentiles_and_this_is_said():
    y, told = sample(2001)
    found = bootstrap_interval(root_mean_square, y, told, draws=200)
    assert found.method == "percentile bootstrap"
    assert found.low < found.score < found.high


def test_where_bca_is_not_defined_percentiles_take_its_place_and_this_is_said():
    # leaving one row out never moves this median, so there is no acceleration
    y = np.repeat([0.0, 1, 2], [10, 9, 10])
    found = bootstrap_interval(lambda truth, _: float(np.median(truth)), y, y, draws=500)
    assert (found.low, found.score, found.high) == (0, 1, 2)
    assert found.method == "percentile bootstrap"


def test_draws_that_all_agree_are_a_point():
    y = np.arange(20.0)
    found = holdout_interval("rmse", y, y + 3, draws=50)
    assert (found.low, found.score, found.high) == (3, 3, 3)
    assert found.method == "point: all draws alike"


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1", "roc_auc", "average_precision"])
def test_perfect_scores_are_as_sure_as_the_rarest_class_has_rows(name):
    y = np.repeat([0, 1], [60, 9])
    found = holdout_interval(name, y, np.eye(2)[y], n_classes=2, draws=50)
    assert (found.score, found.high, found.method) == (1, 1, "Wilson on the rarest class")
    assert found.low == pytest.approx(9 / (9 + 1.959964**2))


def test_a_score_that_is_not_defined_is_refused():
    told = np.full((4, 2), 0.5)
    with pytest.raises(NinefoldError, match="a row of each class"):
        holdout_interval("roc_auc", np.zeros(4, int), told, n_classes=2)
    with pytest.raises(NinefoldError, match="finite predictions"):
        holdout_interval("accuracy", np.array([0, 1]), np.full((2, 2), np.nan), n_classes=2)
    with pytest.raises(NinefoldError, match="two rows"):
        holdout_interval("log_loss", np.array([0, 1]), np.full((2, 2), 0.5), n_classes=2)


@pytest.mark.parametrize("name", metrics_for("binary"))
@pytest.mark.parametrize("classes", [2, 3])
def test_each_interval_is_about_its_score_and_within_the_range_of_the_metric(name, classes):
    y, told = probabilities(36, classes)
    found = holdout_interval(name, y, told, n_classes=classes, draws=100)
    low, high = METRICS[name].limits(classes)
    assert low <= found.low < found.score < found.high <= high
    assert found.score == score(name, y, told, n_classes=classes)


@pytest.mark.parametrize("name", metrics_for("regression"))
def test_each_interval_of_a_regression_is_about_its_score_and_within_its_range(name):
    y, told = sample()
    found = holdout_interval(name, y, y + 0.3 * told, draws=200)
    low, high = METRICS[name].limits()
    assert low <= found.low < found.score < found.high <= high


def test_an_interval_is_of_2000_draws_at_least():
    for function in (bootstrap_interval, holdout_interval):
        assert inspect.signature(function).parameters["draws"].default >= 2_000


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=8))
def test_no_interval_is_ever_nan(pairs):
    y, told = np.array(pairs).T
    found = bootstrap_interval(root_mean_square, y, told, draws=50)
    assert math.isfinite(found.low)
    assert 0 <= found.low <= found.high


def test_the_interval_of_a_hold_out_covers_the_truth():
    generator, held = np.random.default_rng(5), 0
    for trial in range(60):
        errors = generator.laplace(size=80)  # of variance 2
        found = bootstrap_interval(root_mean_square, errors, np.zeros(80), seed=trial, draws=300)
        held += found.low <= math.sqrt(2) <= found.high
    assert held >= 50  # about 55 expected: BCa falls a little short of 95 % for 80 rows
