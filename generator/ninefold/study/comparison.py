"""Comparison: variants against their control on the same folds, as one family."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.study.estimates import POOLED, paired, rows_of
from ninefold.study.evaluation import Evaluation
from ninefold.study.metrics import practical_margin
from ninefold.study.row_differences import row_intervals
from ninefold.study.statistics.families import (
    Family,
    compare_at_once,
    correlation_of,
    detectable_difference,
)
from ninefold.study.statistics.folds import Comparison, probabilities, varies_or_is_sure
from ninefold.suggestions import did_you_mean


def compare(
    evaluations: Mapping[str, Evaluation], *, control: str, metric: str | None = None
) -> pd.DataFrame:
    """Compare variants with their control, fold by fold.

    Returns one row per variant, in order, the control left out:

    variant, mean, difference  of the metric, variant − control
    low, high, p               95 % interval and p, corrected for the overlap of the folds (Nadeau &
                               Bengio 2003) and simultaneous for all rows (max-T; Hothorn, Bretz &
                               Westfall 2008): the interval leaves out 0 exactly where p < 0.05
    better, equal, worse       probabilities of the Bayesian correlated t-test with the metric's
                               margin of practical equality (Benavoli et al. 2017)
    detectable                 the true difference that this comparison would find four times in
                               five, from its own standard error and critical value
    rows_low, rows_high        interval for these training sets (see `row_differences`)
    verdict                    "practically equal" if that has a probability of 95 %; else "better"
                               or "worse" if p < 0.05; else "undecided". Or "identical on all folds"

    Of a difference that is the same on all folds there is no p, and the interval is a point; six
    folds make it "better" or "worse", fewer leave it "undecided": their signs may agree by chance.
    Where folds are ordered in time or of a single row no test is valid: the verdict says so, and
    there is a difference only.

    Raises NinefoldError for an unknown control, or evaluations made on different splits.
    """
    if control not in evaluations:
        raise NinefoldError(f"no evaluation '{control}'", did_you_mean(control, evaluations))
    against = evaluations[control]
    name = metric or against.protocol.metric
    strange = [k for k, e in evaluations.items() if e.protocol.splits != against.protocol.splits]
    if strange:
        raise NinefoldError(
            f"'{strange[0]}' was judged on other splits than '{control}'",
            "expected the same folds, repeats, seed, validation and groups",
        )
    variants = {key: e for key, e in evaluations.items() if key != control}
    found = _describe_only if against.protocol.no_test else _compare_family
    rows = found(list(variants.values()), against, name) if variants else []
    named = [{"variant": key, **row} for key, row in zip(variants, rows, strict=True)]
    return pd.DataFrame(named, columns=_COLUMNS)


_SURE = 0.95
_SAME = ("identical on all folds", "the same difference on all folds")
_COLUMNS = [
    "variant", "mean", "difference", "low", "high", "p", "better", "equal", "worse", "detectable",
    "rows_low", "rows_high", "verdict",
]  # fmt: skip


def _describe_only(
    variants: Sequence[Evaluation], against: Evaluation, metric: str
) -> list[dict[str, Any]]:
    """Return means and differences alone: the folds allow no test."""
    rows = []
    for variant in variants:
        a, b = _in_both(variant, against, metric)
        means = {"mean": a.mean(), "difference": (a - b).mean()} if len(a) else {}
        rows.append(means | {"verdict": against.protocol.no_test})
    return rows


def _compare_family(
    variants: Sequence[Evaluation], against: Evaluation, metric: str
) -> list[dict[str, Any]]:
    compared = [paired(variant, against, metric) for variant in variants]
    family = compare_family(compared, [v.values(metric) - against.values(metric) for v in variants])
    known = against.protocol.find(metric)
    margin = practical_margin(known, naive_score(against, metric))
    rows_low, rows_high = row_intervals(
        variants, against, metric, np.array([one.difference.mean for one in compared])
    )
    rows = []
    for number, (variant, one) in enumerate(zip(variants, compared, strict=True)):
        found = one.difference
        shares = probabilities(found, margin, greater_is_better=known.greater_is_better)
        critical, p = (float(part[number]) for part in (family.critical, family.p))
        row = {
            "mean": _mean(variant, against, metric),
            "difference": found.mean,
            "low": family.low[number],
            "high": family.high[number],
            "p": p,
            "better": shares.better,
            "equal": shares.equal,
            "worse": shares.worse,
            "detectable": detectable_difference(found.standard_error, found.freedom, critical),
            "rows_low": rows_low[number],
            "rows_high": rows_high[number],
        }
        rows.append(row | {"verdict": _verdict(row, one, known.greater_is_better)})
    return rows


def compare_family(compared: Sequence[Comparison], differences: Sequence[np.ndarray]) -> Family:
    """Return intervals and p of comparisons with one control that hold for all of them at once.

    differences  of each the fold differences (folds × repeats,), NaN where not defined: how much
                 they vary together decides how strict the family has to be
    """
    found = [one.difference for one in compared]
    return compare_at_once(
        np.array([one.mean for one in found]),
        np.array(
            [0.0 if one.remark in _SAME else one.difference.standard_error for one in compared]
        ),
        np.array([one.freedom for one in found]),
        correlation_of(np.array(differences)),
    )


def _verdict(row: dict[str, Any], compared: Comparison, greater_is_better: bool) -> str:
    """An interval that leaves out 0 has p < 0.05, and no other has; "undecided" is not "equal"."""
    if compared.remark == _SAME[0] or compared.remark.startswith("no test"):
        return compared.remark
    if not varies_or_is_sure(compared):
        return "undecided"
    if row["equal"] >= _SURE:
        return "practically equal"
    if row["low"] > 0 or row["high"] < 0:
        return "better" if (row["low"] > 0) == greater_is_better else "worse"
    return "undecided"


def _mean(variant: Evaluation, against: Evaluation, metric: str) -> float:
    """Return what `difference` is of: the mean over the folds, or what is pooled in repeats."""
    if metric in POOLED and rows_of(variant, metric) is not None:
        return variant.interval(metric).mean
    return float(_in_both(variant, against, metric)[0].mean())


def _in_both(
    variant: Evaluation, against: Evaluation, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of the folds where both are defined."""
    a, b = variant.values(metric), against.values(metric)
    defined = np.isfinite(a) & np.isfinite(b)
    return a[defined], b[defined]


def naive_score(evaluation: Evaluation, metric: str) -> float:
    """Return the score of the strongest constant on the rows that the evaluation was made on."""
    from ninefold.study.baselines import naive_loss

    protocol = evaluation.protocol
    return naive_loss(protocol.find(metric), protocol.y, len(protocol.classes))
