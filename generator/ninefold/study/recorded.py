"""Comparisons of evaluations that only their records are left of."""

import numpy as np
from scipy import stats

from ninefold.errors import NinefoldError
from ninefold.record_entries import EvaluationEntry
from ninefold.study.estimates import OF_ROWS, tested
from ninefold.study.statistics.folds import Comparison, Interval, paired_comparison
from ninefold.study.statistics.seeds import defined_in_both


def against_naive(record: EvaluationEntry, metric: str, section: str) -> Comparison:
    """Return the comparison with the naive model that an evaluation's record keeps.

    Raises NinefoldError for a record by another metric, or from before that was kept.
    """
    kept = record.get("skill")
    if not kept or record["metric"] != metric:
        raise NinefoldError(
            f"{section} does not say whether its models have skill by {metric}",
            "expected each evaluation's difference from the naive model",
            f"ninefold run {section}, which keeps it",
        )
    mean, low, high, error = (
        np.nan if number is None else number
        for number in (kept["mean"], kept["low"], kept["high"], kept["standard_error"])
    )
    difference = Interval(mean, low, high, error, kept["freedom"])
    return Comparison(difference, kept["t"], kept["p"], kept["remark"])


def scores_by_seed(record: EvaluationEntry, metric: str) -> np.ndarray:
    """Return the recorded scores (seeds, folds × repeats); one row of a model fitted once in each
    fold, NaN where the metric is not defined."""
    kept = record.get("scores_by_seed", {}).get(metric) or [record["scores"][metric]]
    return np.array(kept, dtype=float)


def against(record: EvaluationEntry, other: EvaluationEntry, metric: str) -> Comparison:
    """Compare two recorded evaluations of the same folds by the corrected resampled t-test.

    One trained from several seeds in each fold is paired by seed, or with each seed of one that was
    not. Where scores are pooled within repeats, the difference is that of the pooled scores. The
    rows, which would tell its standard error, are not in the record: it is taken as that of the
    folds, and as far as the two differences are apart is counted as error, too. Raises as
    `paired_comparison`, and for other folds.
    """
    _must_share_folds(record, other, metric)
    a, b = defined_in_both(scores_by_seed(record, metric), scores_by_seed(other, metric))
    found = paired_comparison(a, b, record["n_train"], record["n_test"])
    mine, theirs = record["summary"][metric], other["summary"][metric]
    if mine.get("method") != OF_ROWS or mine["mean"] is None or theirs["mean"] is None:
        return found
    difference = found.difference
    mean = mine["mean"] - theirs["mean"]
    error = float(np.hypot(difference.standard_error, mean - difference.mean))
    reach = stats.t.ppf(0.975, difference.freedom) * error
    return tested(Interval(mean, mean - reach, mean + reach, error, difference.freedom))


def _must_share_folds(record: EvaluationEntry, other: EvaluationEntry, metric: str) -> None:
    """Of records older than the digest of the splits their number alone is known."""
    sizes = {len(one["scores"][metric]) for one in (record, other)}
    splits = {one["splits"] for one in (record, other) if "splits" in one}
    if len(sizes) > 1 or len(splits) > 1:
        raise NinefoldError(
            "they were not judged on the same folds",
            todo="run the sections of the older ones again",
        )
