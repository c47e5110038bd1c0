"""What the scores of overlapping folds tell: intervals, comparisons, verdicts.

Everywhere `scores` holds one number for each of J = folds × repeats fits, or (m, J) of a network
trained from m seeds in each fold; `n_train` is the rows of an *outer* training fold (inner
validation included) and `n_test` those of a test fold. Folds share training rows, so their scores
are correlated; the variance of a mean is therefore taken as s²·(1/J + n_test/n_train) with J − 1
degrees of freedom (Nadeau & Bengio 2003, *Machine Learning* 52, section 5.2.1). Repeats shrink only
the 1/J: they narrow an interval little. What a seed does is not shared between folds: where several
seeds tell how much that is, the second term leaves it out (see `corrected_standard_error`).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from ninefold.errors import NinefoldError
from ninefold.study.statistics.seeds import (
    Numbers,
    corrected_standard_error,
    pair_seeds,
    spread_of,
)

Verdict = Literal["no evidence of skill", "skill", "beats the best simple model"]
EVERYWHERE = (-np.inf, np.inf)


@dataclass(frozen=True)
class Interval:
    """A mean over folds and its interval; without variance between folds, a point."""

    mean: float
    low: float
    high: float
    standard_error: float
    freedom: int


@dataclass(frozen=True)
class Comparison:
    """The difference a − b over the same folds; `t` and two-sided `p` are None, and `remark`
    says why, where it does not vary between folds."""

    difference: Interval
    t: float | None
    p: float | None
    remark: str = ""


@dataclass(frozen=True)
class Probabilities:
    """How probably a is better than, practically equal to, worse than b; they sum to 1."""

    better: float
    equal: float
    worse: float


def corrected_interval(
    scores: Numbers,
    n_train: float,
    n_test: float,
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float] = EVERYWHERE,
    exchangeable: bool = True,
) -> Interval:
    """Return the mean score with its corrected interval, cut to `bounds`, the metric's range.

    exchangeable  False for splits ordered by time and for leave-one-out

    Raises NinefoldError where no interval can be had: fewer than two scores, one that is not a
    number (named), splits that are not exchangeable, a single test row in each fold.
    """
    values = _checked(scores, n_test, exchangeable)
    error = corrected_standard_error(values, n_train, n_test)
    return _interval(values, error, confidence, bounds)


def paired_comparison(
    a: Numbers,
    b: Numbers,
    n_train: float,
    n_test: float,
    *,
    confidence: float = 0.95,
    exchangeable: bool = True,
) -> Comparison:
    """Compare two models' scores of the same folds by the corrected resampled t-test.

    The difference is a − b in the metric's own units: of a loss, negative where a is better.
    Scores of several seeds are paired seed by seed (see `pair_seeds`). Raises as
    `corrected_interval`, and where the lengths differ.
    """
    a, b = _checked(a, n_test, exchangeable), _checked(b, n_test, exchangeable)
    if a.shape[1] != b.shape[1]:
        raise NinefoldError(
            f"{a.shape[1]} scores are compared with {b.shape[1]}",
            "expected one of each for every fold",
        )
    # Differences of equal distances differ by rounding: judged on the scale of the scores.
    scale = float(max(np.abs(a).max(), np.abs(b).max()))
    differences = pair_seeds(a, b)
    error = corrected_standard_error(differences, n_train, n_test, scale)
    found = _interval(differences, error, confidence, EVERYWHERE)
    if error == 0:
        same = np.allclose(a.mean(axis=0), b.mean(axis=0), rtol=1e-12, atol=0)
        remark = "identical on all folds" if same else "the same difference on all folds"
        return Comparison(found, None, None, remark)
    t = found.mean / found.standard_error
    return Comparison(found, t, float(2 * stats.t.sf(abs(t), found.freedom)))


def probabilities(
    difference: Interval, margin: float, *, greater_is_better: bool = True
) -> Probabilities:
    """Return how probably a is better, practically equal (within ± margin) and worse, of the
    difference a − b.

    The Bayesian correlated t-test: the posterior is Student's t at the mean difference, its scale
    s·√(1/J + ρ/(1 − ρ)), where ρ = n_test/n (Benavoli, Corani, Demšar & Zaffalon 2017, *JMLR* 18,
    section 4.1): the corrected standard error. Without variance it is a point: a mean at the margin
    counts as equal.
    """
    mean = difference.mean if greater_is_better else -difference.mean
    if difference.standard_error == 0:
        better, worse = float(mean > margin), float(mean < -margin)
    else:
        posterior = stats.t(difference.freedom, mean, difference.standard_error)
        better, worse = float(posterior.sf(margin)), float(posterior.cdf(-margin))
    return Probabilities(better, max(0.0, 1 - better - worse), worse)


def standard_error_by_plan(scores: np.ndarray, *, exchangeable: bool = True) -> np.ndarray:
    """Return the corrected standard error of the mean after 1, 2, … repeats, (repeats,), each
    from the scores known by then.

    scores  (repeats, folds). Raises as `corrected_interval`.
    """
    scores = np.atleast_2d(np.asarray(scores, dtype=float))
    repeats, folds = scores.shape
    _checked(scores.ravel(), 2, exchangeable)
    return np.array(
        [
            expected_standard_error(spread_of(scores[:number].reshape(1, -1)), folds, number)
            for number in range(1, repeats + 1)
        ]
    )


def expected_standard_error(
    spread: float, folds: int, repeats: int, *, measured_folds: int | None = None
) -> float:
    """Return the corrected standard error that a plan of folds × repeats should have.

    spread          standard deviation of the scores of single folds
    measured_folds  under how many folds it was measured, if not under `folds`: a score's variance
                    is taken as inverse to the rows of a test fold, a score being a mean over them
    """
    scaled = spread * np.sqrt(folds / (measured_folds or folds))
    return float(scaled * np.sqrt(1 / (folds * repeats) + 1 / (folds - 1)))


def verdict(
    model_vs_constant: Comparison,
    model_vs_simple: Comparison | None = None,
    *,
    greater_is_better: bool,
) -> Verdict:
    """Return one of the three verdicts on a model.

    A comparison is won where its whole interval lies on the better side of 0: at 95 % the
    two-sided corrected test at 5 %, and still defined where every fold shows the same gain, if
    there are six folds at least: the signs of fewer may agree by chance (2¹⁻ᴶ > 0.05).
    "skill": won against the strongest constant for the metric; "beats the best simple model":
    won against that and against the best simple model. That model was the best of several on the
    same folds, which makes it harder to beat, never easier. None: there is no simple model.
    """
    if not _is_won(model_vs_constant, greater_is_better):
        return "no evidence of skill"
    if model_vs_simple is not None and _is_won(model_vs_simple, greater_is_better):
        return "beats the best simple model"
    return "skill"


def _is_won(comparison: Comparison, greater_is_better: bool) -> bool:
    found = comparison.difference
    if comparison.remark == "identical on all folds" or not varies_or_is_sure(comparison):
        return False
    return found.low > 0 if greater_is_better else found.high < 0


def varies_or_is_sure(comparison: Comparison) -> bool:
    """Tell whether a difference varies between folds, or is the same on six of them or more."""
    return comparison.p is not None or comparison.difference.freedom >= 5


def _interval(
    values: np.ndarray,
    standard_error: float,
    confidence: float,
    bounds: tuple[float, float],
) -> Interval:
    freedom = values.shape[1] - 1
    mean = values.mean()
    reach = stats.t.ppf((1 + confidence) / 2, freedom) * standard_error
    mean, low, high = np.clip([mean, mean - reach, mean + reach], *bounds)
    return Interval(float(mean), float(low), float(high), float(standard_error), freedom)


def _checked(scores: Numbers, n_test: float, exchangeable: bool) -> np.ndarray:
    """Return scores as (m, J)."""
    values = np.atleast_2d(np.asarray(scores, dtype=float))
    if not exchangeable or n_test < 2:
        raise NinefoldError(
            "these folds give no interval",
            "the correction holds for shuffled folds of several rows, not for splits ordered by "
            "time or for leave-one-out",
            "show the scores without one",
        )
    if values.shape[1] < 2:
        raise NinefoldError(
            "one fold: no interval" if values.size else "no scores: no interval",
            "expected the scores of two folds at least",
        )
    wrong = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if len(wrong):
        raise NinefoldError(
            f"{len(wrong)} of {values.shape[1]} scores are not numbers, the first in place "
            f"{wrong[0] + 1}",
            "a diverged fold is scored as the naive model, never dropped",
            "use fewer folds where a class is absent from some",
        )
    return values
