"""Differences from one control for these training sets: would other rows, tested by the very same
models, tell the variants apart?

The scores of the rows of all folds tell, without a correction for the overlap of training folds: by
the central limit theorem for cross-validation (Bayle, Bayle, Janson & Mackey 2020, *NeurIPS*). What
other training rows would have made of the variants is not in it, so it decides nothing.
"""

from collections.abc import Sequence

import numpy as np

from ninefold.study.estimates import NAIVE, order_of_rows
from ninefold.study.evaluation import Evaluation
from ninefold.study.scoring import answer_of
from ninefold.study.statistics.families import compare_at_once, correlation_of
from ninefold.study.statistics.left_out import influence_of, scores_without
from ninefold.study.statistics.sampled import FEWEST_GROUPS

# The theorem is for many rows. Of 300 the standard error of differences of logistic regressions was
# 0.81 of the true one: the interval covered 88 % of 400 data sets; so widened it covered 93 %.
_WIDER = 1.25
MEANS_OVER_ROWS = ("accuracy", "log_loss", "brier", "mae", "rmse")


def row_intervals(
    variants: Sequence[Evaluation], against: Evaluation, metric: str, differences: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % intervals of differences (variants,) for these training sets, simultaneous
    for all of them; NaN where there is none.

    They are for means over rows (`MEANS_OVER_ROWS`; RMSE by the delta method), of the influences of
    each row on the difference, averaged over repeats and seeds. Rows of one group count as one;
    under five groups, and where repeats did not each test the same rows once, there is none.
    """
    nothing = np.full(differences.shape, np.nan)
    control = row_influences(against, metric)
    its = [row_influences(variant, metric) for variant in variants]
    places = [place for place, found in enumerate(its) if found is not None]
    if control is None or not places:
        return nothing, nothing
    sums = np.array([its[place] - control for place in places])  # (variants, rows)
    rows = sums.shape[1]
    if against.protocol.groups is not None:
        numbers = np.unique(against.protocol.groups[_tested(against)], return_inverse=True)[1]
        sums = np.array([np.bincount(numbers, weights=one) for one in sums])
        if sums.shape[1] < FEWEST_GROUPS:
            return nothing, nothing
    units = sums.shape[1]
    errors = _WIDER * np.sqrt(units * sums.var(axis=1, ddof=1)) / rows
    errors[errors <= 1e-12 * np.abs(control).max()] = 0  # rounding
    found = compare_at_once(differences[places], errors, units - 1, correlation_of(sums))
    low, high = nothing.copy(), nothing.copy()
    low[places], high[places] = found.low, found.high
    return low, high


def row_influences(evaluation: Evaluation, metric: str) -> np.ndarray | None:
    """Return how much each row has to do with the score, (rows,) in their order and of mean 0; None
    where the score is no mean over rows.

    Of a metric that does not decide, neither the naive model nor a fold that diverged has
    predictions to look at: those kept are the constant of the metric that does.
    """
    protocol, order = evaluation.protocol, order_of_rows(evaluation.predictions)
    if metric not in MEANS_OVER_ROWS or protocol.find(metric).function or order is None:
        return None
    is_constant = bool(evaluation.diverged) or evaluation.engine == NAIVE
    if is_constant and metric != protocol.metric:
        return None
    y, classes = protocol.y[_tested(evaluation)], len(protocol.classes)
    y = y.astype(int if classes else float)
    takes = protocol.find(metric).takes
    found = [
        answer_of(one.predictions, protocol.classes).taken(takes, classes)
        for one in evaluation.by_seed
    ]
    return np.mean(
        [influence_of(scores_without(metric, y, one[its])[1]) for one in found for its in order],
        axis=0,
    )


def _tested(evaluation: Evaluation) -> np.ndarray:
    """Return the numbers of the rows that each repeat tested, in order."""
    return np.unique(evaluation.predictions["row"].to_numpy())
