"""Two models on the same rows, which neither was trained on: the difference of their scores.

Row sampling only: other rows of the same kind, the same two models.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ninefold.study.metrics import METRICS
from ninefold.study.statistics.few_rows import RowScore, row_interval
from ninefold.study.statistics.left_out import influence_of, scores_without
from ninefold.study.statistics.sampled import FEWEST_GROUPS

Verdict = Literal["better", "worse", "undecided", ""]


@dataclass(frozen=True)
class PairedDifference:
    """a − b in the metric's units; `low` and `high` are None, and `verdict` "", where no interval
    is valid. `verdict` is a's: "better" or "worse" where the interval leaves out 0."""

    mean: float
    low: float | None
    high: float | None
    verdict: Verdict


def paired_difference(
    metric: str,
    y: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    ordered: bool = False,
) -> PairedDifference:
    """Compare two models' predictions of the same rows: a 95 % t interval from the influences of
    the rows on the difference (the jackknife's; Efron 1982), which for ROC AUC is DeLong's.

    y       (n,) class codes or numbers
    a, b    (n, K) or (n,), as `metrics.score` takes them
    groups  (n,) ids of rows that are not independent: each group counts as one row
    ordered rows follow one another in time: no interval is valid

    No interval either for fewer than five groups, or where a class has a single row.
    """
    y = np.asarray(y)
    (score_a, without_a), (score_b, without_b) = (
        scores_without(metric, y, np.asarray(found, dtype=float)) for found in (a, b)
    )
    mean = float(score_a - score_b)
    few = groups is not None and len(np.unique(groups)) < FEWEST_GROUPS
    if ordered or few or not np.isfinite(mean):
        return PairedDifference(mean, None, None, "")
    influence = influence_of(without_a) - influence_of(without_b)
    strata = y if METRICS[metric].takes != "numbers" else np.zeros(len(y), dtype=int)
    found = row_interval(RowScore(mean, influence), strata, groups)
    if not np.isfinite([found.low, found.high]).all():
        return PairedDifference(mean, None, None, "")
    return PairedDifference(mean, found.low, found.high, _verdict(metric, found.low, found.high))


def _verdict(metric: str, low: float, high: float) -> Verdict:
    if low <= 0 <= high:
        return "undecided"
    return "better" if (low > 0) == METRICS[metric].greater_is_better else "worse"
