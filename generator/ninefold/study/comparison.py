"""Comparison: variants against their control on the same folds, corrected for overlap."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.study.evaluation import Evaluation
from ninefold.study.metrics import practical_margin
from ninefold.study.statistics.folds import bayesian_correlated_t, holm, paired_comparison
from ninefold.suggestions import did_you_mean


def compare(
    evaluations: Mapping[str, Evaluation], *, control: str, metric: str | None = None
) -> pd.DataFrame:
    """Compare variants with their control, fold by fold.

    Returns one row per variant, in order, the control left out: variant, mean, difference (of the
    metric, variant − control), low, high (corrected 95 % interval; Nadeau & Bengio 2003), p,
    p_holm (adjusted for all the rows; Holm 1979), better, equal, worse (probabilities of the
    Bayesian correlated t-test with the metric's margin of practical equality; Benavoli et al.
    2017), verdict ("better", "worse", "practically equal", "undecided" or "identical on all
    folds"; better and worse only where p_holm is below 0.05, too). Where folds are ordered in time
    or of a single row no test is valid: the verdict says so, and there is a difference only.

    Raises NinefoldError for an unknown control, or evaluations made on different splits.
    """
    if control not in evaluations:
        raise NinefoldError(f"no evaluation '{control}'", did_you_mean(control, evaluations))
    against = evaluations[control]
    protocol = against.protocol
    name = metric or protocol.metric
    strange = [key for key, e in evaluations.items() if e.protocol.splits != protocol.splits]
    if strange:
        raise NinefoldError(
            f"'{strange[0]}' was judged on other splits than '{control}'",
            "expected the same folds, repeats, seed, validation and groups",
        )
    rows = [
        {"variant": key, **_compare_pair(evaluation, against, name)}
        for key, evaluation in evaluations.items()
        if key != control
    ]
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = adjusted
        row["verdict"] = _verdict(row)
    return pd.DataFrame(rows, columns=_COLUMNS)


_SURE = 0.95
_COLUMNS = [
    "variant", "mean", "difference", "low", "high", "p", "p_holm", "better", "equal", "worse",
    "verdict",
]  # fmt: skip


def _compare_pair(evaluation: Evaluation, against: Evaluation, metric: str) -> dict:
    protocol = against.protocol
    a, b = evaluation.values(metric), against.values(metric)
    defined = np.isfinite(a) & np.isfinite(b)
    a, b, sizes = a[defined], b[defined], (protocol.n_train, protocol.n_test)
    if protocol.no_test:
        means = {"mean": a.mean(), "difference": (a - b).mean()} if len(a) else {}
        unknown = dict.fromkeys(_COLUMNS[1:-1], np.nan)
        return unknown | means | {"p": None, "remark": protocol.no_test}
    paired = paired_comparison(a, b, *sizes)
    known = protocol.find(metric)
    shares = bayesian_correlated_t(
        a - b, *sizes, practical_margin(known, naive_score(against, metric)),
        greater_is_better=known.greater_is_better,
    )  # fmt: skip
    return {
        "mean": float(a.mean()),
        "difference": paired.difference.mean,
        "low": paired.difference.low,
        "high": paired.difference.high,
        "p": paired.p,
        "better": shares.better,
        "equal": shares.equal,
        "worse": shares.worse,
        "remark": paired.remark,
    }


def naive_score(evaluation: Evaluation, metric: str) -> float:
    """Return the score of the strongest constant on the rows that the evaluation was made on."""
    from ninefold.study.baselines import naive_loss

    protocol = evaluation.protocol
    return naive_loss(protocol.find(metric), protocol.y, len(protocol.classes))


def _verdict(row: dict) -> str:
    """A probability of 95 % decides, for better or worse only where p, adjusted for the family, is
    below 5 % too, and the interval leaves out 0 therefore; "undecided" is not "equal"."""
    if row["remark"] == "identical on all folds" or row["remark"].startswith("no test"):
        return row["remark"]
    if row["equal"] >= _SURE:
        return "practically equal"
    p = row["p_holm"]  # None where the difference is the same in all folds
    clear = p is None or p < 1 - _SURE
    sides = {"better": row["better"], "worse": row["worse"]}
    return next((side for side, share in sides.items() if clear and share >= _SURE), "undecided")
