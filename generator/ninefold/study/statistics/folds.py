"""What the scores of overlapping folds tell: intervals, comparisons, verdicts.

Everywhere `scores` holds one number for each of J = folds × repeats fits, `n_train` the rows of
an *outer* training fold (inner validation included) and `n_test` those of a test fold. Folds
share training rows, so their scores are correlated; the variance of a mean is therefore taken as
s²·(1/J + n_test/n_train) with J − 1 degrees of freedom (Nadeau & Bengio 2003, *Machine Learning*
52, section 5.2.1). Repeats shrink only the 1/J: they narrow an interval little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special, stats

from ninefold.errors import NinefoldError

Numbers = Sequence[float] | np.ndarray
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
    return _interval(values, _spread(values), n_test / n_train, confidence, bounds)


def predicted_holdout_range(
    scores: Numbers,
    n_train: float,
    n_test: float,
    n_holdout: float,
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float] = EVERYWHERE,
    exchangeable: bool = True,
) -> Interval:
    """Return the range in which the score on the hold-out should lie: mean ± t·s·√(1/J +
    n_test/n_train + n_test/n_holdout), the last term the hold-out's own row sampling.

    `standard_error` is that of the prediction. Raises as `corrected_interval`.
    """
    values = _checked(scores, n_test, exchangeable)
    extra = n_test / n_train + n_test / n_holdout
    return _interval(values, _spread(values), extra, confidence, bounds)


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
    Raises as `corrected_interval`, and where the lengths differ.
    """
    a, b = _checked(a, n_test, exchangeable), _checked(b, n_test, exchangeable)
    if len(a) != len(b):
        raise NinefoldError(
            f"{len(a)} scores are compared with {len(b)}", "expected one of each for every fold"
        )
    # Differences of equal distances differ by rounding: judged on the scale of the scores.
    spread = _spread(a - b, scale=np.abs([a, b]).max())
    found = _interval(a - b, spread, n_test / n_train, confidence, EVERYWHERE)
    if spread == 0:
        same = np.allclose(a, b, rtol=1e-12, atol=0)
        remark = "identical on all folds" if same else "the same difference on all folds"
        return Comparison(found, None, None, remark)
    t = found.mean / found.standard_error
    return Comparison(found, t, float(2 * stats.t.sf(abs(t), found.freedom)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted for their number, in the order given (Holm 1979).

    None, a comparison that came out identical on all folds, stays None and counts in the family.
    """
    p = np.array([1.0 if value is None else value for value in p_values], dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    steps = np.minimum(1, p[order] * np.arange(len(p), 0, -1))
    adjusted[order] = np.maximum.accumulate(steps)
    return [
        None if value is None else float(new) for value, new in zip(p_values, adjusted, strict=True)
    ]


def bayesian_correlated_t(
    differences: Numbers,
    n_train: float,
    n_test: float,
    margin: float,
    *,
    greater_is_better: bool = True,
    exchangeable: bool = True,
) -> Probabilities:
    """Return how probably a is better, practically equal (within ± margin) and worse.

    The posterior of the mean difference a − b is Student's t with J − 1 degrees of freedom,
    located at the mean, of scale s·√(1/J + ρ/(1 − ρ)), where ρ = n_test/n (Benavoli, Corani,
    Demšar & Zaffalon 2017, *JMLR* 18, section 4.1). Without variance it is a point: a mean at the
    margin counts as equal. Raises as `corrected_interval`.
    """
    values = _checked(differences, n_test, exchangeable)
    gains = values if greater_is_better else -values
    mean, correlation = gains.mean(), n_test / (n_test + n_train)
    scale = _spread(gains) * np.sqrt(1 / len(gains) + correlation / (1 - correlation))
    if scale == 0:
        better, worse = float(mean > margin), float(mean < -margin)
    else:
        better = float(stats.t.sf(margin, len(gains) - 1, mean, scale))
        worse = float(stats.t.cdf(-margin, len(gains) - 1, mean, scale))
    return Probabilities(better, max(0.0, 1 - better - worse), worse)


def detectable_difference(
    scores: Numbers,
    n_train: float,
    n_test: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    correlation: float = 0.5,
    exchangeable: bool = True,
) -> float:
    """Return the smallest true difference that a two-sided paired test finds with that power.

    scores       of one model. Two models' differences vary with s·√(2(1 − r)), r the correlation
                 between their scores of the same folds
    correlation  r. It is an assumption: at 0.5 differences vary as scores do, so that measured
                 differences may be given as `scores`; models that err on the same rows have more

    The noncentral t with J − 1 degrees of freedom, whose noncentrality is the difference in
    corrected standard errors. Without variance, 0. Raises as `corrected_interval`.
    """
    values = _checked(scores, n_test, exchangeable)
    freedom = len(values) - 1
    spread = _spread(values) * np.sqrt(2 * (1 - correlation))
    standard_error = spread * np.sqrt(1 / len(values) + n_test / n_train)
    critical = stats.t.ppf(1 - alpha / 2, freedom)
    return float(standard_error * special.nctdtrinc(freedom, 1 - power, critical))


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
            expected_standard_error(_spread(scores[:number].ravel()), folds, number)
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
    two-sided corrected test at 5 %, and still defined where every fold shows the same gain.
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
    if comparison.remark == "identical on all folds":
        return False
    return found.low > 0 if greater_is_better else found.high < 0


def _interval(
    values: np.ndarray,
    spread: float,
    extra: float,
    confidence: float,
    bounds: tuple[float, float],
) -> Interval:
    freedom = len(values) - 1
    mean = values.mean()
    standard_error = spread * np.sqrt(1 / len(values) + extra)
    reach = stats.t.ppf((1 + confidence) / 2, freedom) * standard_error
    mean, low, high = np.clip([mean, mean - reach, mean + reach], *bounds)
    return Interval(float(mean), float(low), float(high), float(standard_error), freedom)


def _spread(values: np.ndarray, scale: float | None = None) -> float:
    """The standard deviation; 0 where the values differ by rounding only."""
    scale = np.abs(values).max() if scale is None else scale
    return 0.0 if np.ptp(values) <= 1e-12 * scale else float(values.std(ddof=1))


def _checked(scores: Numbers, n_test: float, exchangeable: bool) -> np.ndarray:
    values = np.asarray(scores, dtype=float)
    if not exchangeable or n_test < 2:
        raise NinefoldError(
            "these folds give no interval",
            "the correction holds for shuffled folds of several rows, not for splits ordered by "
            "time or for leave-one-out",
            "show the scores without one",
        )
    if len(values) < 2:
        raise NinefoldError(
            "one fold: no interval" if len(values) else "no scores: no interval",
            "expected the scores of two folds at least",
        )
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise NinefoldError(
            f"{len(wrong)} of {len(values)} scores are not numbers, the first in place "
            f"{wrong[0] + 1}",
            "a diverged fold is scored as the naive model, never dropped",
            "use fewer folds where a class is absent from some",
        )
    return values
