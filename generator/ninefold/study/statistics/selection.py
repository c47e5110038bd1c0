"""A comparison of the best of several candidates, adjusted for having been selected."""

from dataclasses import replace

from scipy import stats

from ninefold.study.statistics.folds import Comparison


def of_the_best(comparison: Comparison, candidates: int, confidence: float = 0.95) -> Comparison:
    """Return the comparison of a model that was the best of so many, adjusted for their number.

    Interval and p are simultaneous for all candidates (Šidák 1967, *JASA* 62), so that they agree:
    the interval leaves out 0 exactly where p is below 1 − `confidence`. A comparison without
    variance stays as it is.
    """
    if comparison.p is None or candidates < 2:
        return comparison
    found = comparison.difference
    each = confidence ** (1 / candidates)
    reach = float(stats.t.ppf((1 + each) / 2, found.freedom)) * found.standard_error
    interval = replace(found, low=found.mean - reach, high=found.mean + reach)
    return replace(comparison, difference=interval, p=1 - (1 - comparison.p) ** candidates)
