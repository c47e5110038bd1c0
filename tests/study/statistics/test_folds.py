import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC

from ninefold.errors import NinefoldError
from ninefold.study.splits import make_folds
from ninefold.study.statistics.folds import (
    corrected_interval,
    expected_standard_error,
    paired_comparison,
    probabilities,
    standard_error_by_plan,
    verdict,
)

SCORES = [0.91, 0.88, 0.94, 0.90, 0.93, 0.86]
OTHERS = [0.89, 0.88, 0.90, 0.91, 0.90, 0.85]
finite = st.floats(-1e6, 1e6)
many = st.lists(finite, min_size=2, max_size=30)


def correlated_folds(generator, number: int, rho: float, mean: float = 0.0) -> np.ndarray:
    """Scores of unit variance, each pair correlated by `rho`: what the correction assumes."""
    shared = generator.normal() * math.sqrt(rho)
    return mean + shared + generator.normal(size=number) * math.sqrt(1 - rho)


def nearest_mean(X: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """The accuracy of the simplest classifier: two classes, the nearer of their means."""
    means = [X[train][y[train] == code].mean(axis=0) for code in (0, 1)]
    distances = [((X[test] - mean) ** 2).sum(axis=1) for mean in means]
    return float(np.mean((distances[1] < distances[0]) == y[test]))


def cross_validated(X: np.ndarray, y: np.ndarray, seed: int) -> list[float]:
    """Scores of 10 × 3 folds."""
    folds = make_folds(y, folds=10, repeats=3, validation=0, seed=seed, stratify=True)
    return [nearest_mean(X, y, fold.train, fold.test) for fold in folds]


# Intervals


def test_the_interval_follows_the_paper():
    mean = sum(SCORES) / 6
    variance = sum((score - mean) ** 2 for score in SCORES) / 5
    error = math.sqrt(variance * (1 / 6 + 20 / 100))
    found = corrected_interval(SCORES, n_train=100, n_test=20)
    assert (found.mean, found.standard_error) == pytest.approx((mean, error))
    # 2.5706: the 97.5 % point of Student's t with 5 degrees of freedom, from a printed table
    assert (found.low, found.high) == pytest.approx(
        (mean - 2.5706 * error, mean + 2.5706 * error), abs=1e-5
    )
    assert found.freedom == 5


def test_the_interval_holds_the_truth_95_times_in_100_where_folds_are_correlated():
    generator = np.random.default_rng(1)
    rho, held, naively_held = 0.1, 0, 0
    for _ in range(1000):
        scores = correlated_folds(generator, 30, rho)
        found = corrected_interval(scores, n_train=90, n_test=10)
        held += found.low <= 0 <= found.high
        naively_held += abs(scores.mean()) < 2.045 * scores.std(ddof=1) / math.sqrt(30)
    assert 930 <= held <= 970
    assert naively_held < 750


def test_repeats_narrow_the_interval_little():
    one = corrected_interval(SCORES, 100, 20)
    ten = corrected_interval(SCORES * 10, 100, 20)
    assert one.standard_error > ten.standard_error > 0.7 * one.standard_error


def test_the_interval_is_cut_to_the_range_of_the_metric():
    found = corrected_interval([1.0, 1.0, 0.8], 20, 10, bounds=(0, 1))
    assert (found.high, found.low > 0) == (1, True)


def test_perfect_scores_have_a_point_for_an_interval():
    found = corrected_interval([1.0] * 5, 80, 20, bounds=(0, 1))
    assert (found.low, found.mean, found.high, found.standard_error) == (1, 1, 1, 0)


@given(many, st.integers(2, 500), st.integers(2, 500))
def test_the_interval_holds_its_mean(scores, n_train, n_test):
    bounds = (min(scores), max(scores))
    found = corrected_interval(scores, n_train, n_test, bounds=bounds)
    assert bounds[0] <= found.low <= found.mean <= found.high <= bounds[1]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_interval_moves_and_stretches_with_the_scores(scores, factor, shift):
    found = corrected_interval(scores, 90, 10)
    moved = corrected_interval(np.array(scores) * factor + shift, 90, 10)
    assert moved.low == pytest.approx(found.low * factor + shift, abs=1e-6)
    assert moved.high == pytest.approx(found.high * factor + shift, abs=1e-6)


# Refusals


@pytest.mark.parametrize(
    ("scores", "keywords", "line"),
    [
        ([0.9], {}, "one fold: no interval"),
        ([], {}, "no scores: no interval"),
        ([0.9, math.nan, 0.8, math.nan], {}, "2 of 4 scores are not numbers, the first in place 2"),
        ([0.9, math.inf], {}, "1 of 2 scores are not numbers"),
        ([0.9, 0.8], {"exchangeable": False}, "splits ordered by time or for leave-one-out"),
        ([0.9, 0.8], {"n_test": 1}, "leave-one-out"),
    ],
)
def test_scores_that_have_no_interval_are_refused_by_every_figure(scores, keywords, line):
    sizes = {"n_train": 90, "n_test": 10} | keywords
    for figure in (
        lambda: corrected_interval(scores, **sizes),
        lambda: paired_comparison(scores, scores, **sizes),
    ):
        with pytest.raises(NinefoldError, match=line):
            figure()


def test_scores_that_are_not_of_the_same_folds_are_refused():
    with pytest.raises(NinefoldError, match="6 scores are compared with 5"):
        paired_comparison(SCORES, OTHERS[:5], 100, 20)


# Comparisons


def test_the_paired_comparison_follows_the_paper():
    differences = np.array(SCORES) - OTHERS
    t = differences.mean() / math.sqrt(differences.var(ddof=1) * (1 / 6 + 20 / 100))
    density = stats.t(5).pdf
    found = paired_comparison(SCORES, OTHERS, 100, 20)
    assert found.t == pytest.approx(t)
    assert found.p == pytest.approx(2 * integrate.quad(density, abs(t), np.inf)[0])
    assert found.difference.mean == pytest.approx(np.mean(SCORES) - np.mean(OTHERS))


def test_without_overlap_the_comparison_is_the_ordinary_paired_t_test():
    expected = stats.ttest_rel(SCORES, OTHERS)
    found = paired_comparison(SCORES, OTHERS, n_train=1e12, n_test=2)
    assert (found.t, found.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_a_published_example_is_reproduced():
    # scikit-learn 1.7, "Statistical comparison of models using grid search", radial against linear
    # kernels: t 0.750, one-sided p 0.227, practically equal 0.432, interval −0.016445 … 0.036445
    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    radial, linear = (
        cross_val_score(SVC(kernel=kernel), X, y, cv=folds, scoring="roc_auc")
        for kernel in ("rbf", "linear")
    )
    found = paired_comparison(radial, linear, 90, 10)
    assert (round(found.t, 3), round(found.p / 2, 3)) == (0.750, 0.227)
    limits = (found.difference.low, found.difference.high)
    assert limits == pytest.approx((-0.016445, 0.036445), abs=1e-6)
    shares = probabilities(corrected_interval(radial - linear, 90, 10), margin=0.01)
    assert round(shares.equal, 3) == 0.432
    assert (
        round(probabilities(corrected_interval(radial - linear, 90, 10), margin=0).better, 3)
        == 0.773
    )


@pytest.mark.slow
def test_equal_models_are_told_apart_at_most_5_times_in_100():
    generator, trials, corrected, uncorrected = np.random.default_rng(7), 400, 0, 0
    for trial in range(trials):
        y = generator.permutation(np.arange(100) % 2)
        X = generator.normal(size=(100, 4)) + 0.5 * y[:, None]
        # either model sees two of the four inputs, which all tell the same
        a, b = (cross_validated(part, y, trial) for part in (X[:, :2], X[:, 2:]))
        found = paired_comparison(a, b, 90, 10)
        corrected += found.p is not None and found.p < 0.05
        uncorrected += stats.ttest_rel(a, b).pvalue < 0.05
    assert 0.01 * trials <= corrected <= 0.07 * trials  # 12 seen; 20 are 5 %
    assert uncorrected > 0.2 * trials  # 113 seen


def test_identical_scores_have_no_p():
    found = paired_comparison(SCORES, SCORES, 100, 20)
    assert (found.t, found.p, found.remark) == (None, None, "identical on all folds")
    assert found.difference.mean == found.difference.low == found.difference.high == 0


def test_the_same_difference_on_all_folds_has_no_p_though_rounding_makes_it_vary():
    a, b = np.array([0.3, 0.8, 0.9]), np.array([0.2, 0.7, 0.8])
    assert np.ptp(a - b) > 0
    found = paired_comparison(a, b, 100, 50)
    assert (found.t, found.p, found.remark) == (None, None, "the same difference on all folds")
    assert found.difference.mean == pytest.approx(0.1)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=20))
def test_the_comparison_the_other_way_round_has_the_other_sign(pairs):
    a, b = np.array(pairs).T
    one, other = paired_comparison(a, b, 90, 10), paired_comparison(b, a, 90, 10)
    assert (one.p, one.remark) == (other.p, other.remark)
    assert one.difference.low == pytest.approx(-other.difference.high)


def test_the_p_and_the_interval_agree():
    generator = np.random.default_rng(2)
    for _ in range(100):
        a, b = generator.normal(0.5, size=10), generator.normal(size=10)
        found = paired_comparison(a, b, 90, 10)
        covers_zero = found.difference.low <= 0 <= found.difference.high
        assert covers_zero == (found.p > 0.05)


# The Bayesian comparison


def test_the_bayesian_comparison_is_the_integral_of_its_posterior():
    differences = np.array(SCORES) - OTHERS
    rho = 20 / 120
    scale = math.sqrt((1 / 6 + rho / (1 - rho)) * differences.var(ddof=1))
    posterior = stats.t(5, differences.mean(), scale).pdf
    found = probabilities(corrected_interval(differences, 100, 20), margin=0.01)
    expected = [
        integrate.quad(posterior, *limits)[0]
        for limits in ((0.01, np.inf), (-0.01, 0.01), (-np.inf, -0.01))
    ]
    assert (found.better, found.equal, found.worse) == pytest.approx(expected, abs=1e-7)


@given(many)
def test_without_a_margin_the_posterior_is_the_one_sided_test(differences):
    # Benavoli et al. 2017, section 4.1: the two agree in number, not in meaning
    found = paired_comparison(differences, np.zeros(len(differences)), 90, 10)
    shares = probabilities(corrected_interval(differences, 90, 10), margin=0)
    if found.p is not None:
        one_sided = found.p / 2 if found.t < 0 else 1 - found.p / 2
        assert shares.better == pytest.approx(one_sided, abs=1e-9)


def test_of_a_loss_less_is_better():
    gain = probabilities(corrected_interval([0.1, 0.2, 0.15], 90, 10), margin=0.01)
    loss = probabilities(
        corrected_interval([0.1, 0.2, 0.15], 90, 10), margin=0.01, greater_is_better=False
    )
    assert (loss.better, loss.worse) == pytest.approx((gain.worse, gain.better))


@pytest.mark.parametrize(
    ("difference", "expected"),
    [(0.02, (1, 0, 0)), (0.01, (0, 1, 0)), (0.0, (0, 1, 0)), (-0.02, (0, 0, 1))],
)
def test_without_variance_the_posterior_is_a_point(difference, expected):
    found = probabilities(corrected_interval([difference] * 4, 90, 10), margin=0.01)
    assert (found.better, found.equal, found.worse) == expected


@given(many, st.floats(0, 10))
def test_the_three_probabilities_sum_to_one(differences, margin):
    found = probabilities(corrected_interval(differences, 90, 10), margin)
    assert min(found.better, found.equal, found.worse) >= 0
    assert found.better + found.equal + found.worse == pytest.approx(1)


# What the harness could show


def test_the_standard_error_after_each_repeat_is_that_of_the_scores_known_by_then():
    scores = np.array(SCORES + OTHERS).reshape(4, 3)
    found = standard_error_by_plan(scores)
    expected = [
        corrected_interval(scores[:repeats].ravel(), 200, 100).standard_error
        for repeats in (1, 2, 3, 4)
    ]
    assert found == pytest.approx(expected)
    with pytest.raises(NinefoldError, match="one fold"):
        standard_error_by_plan(np.array([[0.9]]))


def test_another_plan_is_judged_by_the_rows_its_folds_would_hold():
    assert expected_standard_error(0.1, 5, 2) == pytest.approx(0.1 * math.sqrt(1 / 10 + 1 / 4))
    # ten folds of half the rows each vary by √2 as much as five
    assert expected_standard_error(0.1, 10, 1, measured_folds=5) == pytest.approx(
        0.1 * math.sqrt(2) * math.sqrt(1 / 10 + 1 / 9)
    )


# Verdicts


def compared(gain: float, noise: float = 0.01):
    scores = 0.5 + noise * np.array([-1, 1, -1, 1, -1, 1])
    return paired_comparison(scores + gain, np.full(6, 0.5), 100, 20)


def test_the_three_verdicts():
    won, lost, open_ = compared(0.1), compared(-0.1), compared(0.001)
    judge = {"greater_is_better": True}
    assert verdict(won, won, **judge) == "beats the best simple model"
    assert verdict(won, open_, **judge) == verdict(won, lost, **judge) == "skill"
    assert verdict(won, None, **judge) == "skill"
    assert verdict(open_, won, **judge) == verdict(lost, won, **judge) == "no evidence of skill"
    assert verdict(lost, lost, greater_is_better=False) == "beats the best simple model"


def test_the_same_gain_on_every_fold_is_skill_and_no_gain_is_none():
    same, none = compared(0.5, noise=0), compared(0, noise=0)
    assert verdict(same, none, greater_is_better=True) == "skill"
    assert verdict(none, same, greater_is_better=True) == "no evidence of skill"


@pytest.mark.parametrize(("folds", "found"), [(5, "no evidence of skill"), (6, "skill")])
def test_the_same_gain_on_a_few_folds_may_be_chance(folds, found):
    gain = paired_comparison(np.full(folds, 0.8), np.full(folds, 0.7), 100, 20)
    assert verdict(gain, greater_is_better=True) == found
