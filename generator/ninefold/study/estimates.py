"""Which estimate and which interval a metric gets: from the scores of the folds, or from the rows.

Where a test fold holds fewer than ten rows of a class, its score says little, and the folds, which
are stratified, do not show how many rows of the class another sample would hold. Then the rows
tested out of fold are looked at (see `statistics.few_rows`).
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from ninefold.errors import NinefoldError
from ninefold.study.protocol import Protocol
from ninefold.study.scoring import answer_of, naive_prediction
from ninefold.study.statistics.few_rows import (
    FEW,
    Rows,
    RowScore,
    interval_of_rows,
    row_interval,
    row_score,
)
from ninefold.study.statistics.folds import (
    Comparison,
    Interval,
    corrected_interval,
    paired_comparison,
)
from ninefold.study.statistics.from_chance import interval_from_chance
from ninefold.study.statistics.seeds import defined_in_both

if TYPE_CHECKING:
    from ninefold.study.evaluation import Evaluation

NAIVE = "constant"  # the engine of the naive model
# Their mean over small folds is not what they are on many rows, or is not defined in each.
POOLED = ("average_precision", "roc_auc", "f1")
OF_FOLDS, OF_BOTH, OF_ROWS = (
    "mean over the folds", "mean over the folds, wider interval", "pooled within each repeat"
)  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """A score with its interval; `method` says how both were made.

    "mean over the folds": with the corrected interval; "mean over the folds, wider interval": the
    wider of that and the rows' (see `interval_of_rows`); "pooled within each repeat": the mean over
    the repeats, each scored once on all its rows, with the rows' interval
    """

    interval: Interval
    method: str = OF_FOLDS


def estimate_of(evaluation: "Evaluation", metric: str) -> Estimate:
    """Return the score of an evaluation by `metric` with its 95 % interval.

    Where no test fold holds fewer than ten rows of a class: the mean over the folds. Else ROC AUC,
    average precision and F1 are pooled within each repeat, the others get the wider of two
    intervals. Raises NinefoldError for a metric that was not computed.
    """
    protocol = evaluation.protocol
    by_folds = interval_of(evaluation.values_by_seed(metric), metric, protocol)
    rows = rows_of(evaluation, metric)
    if rows is None:
        return Estimate(by_folds)
    if evaluation.engine == NAIVE:  # what is expected, which does not vary
        value = row_score(metric, rows).value if metric in POOLED else by_folds.mean
        return Estimate(replace(by_folds, mean=value, low=value, high=value), _method(metric))
    found = interval_of_rows(metric, rows)
    if metric not in POOLED:
        found = _wider(found, by_folds)
    limits = protocol.find(metric).limits(len(protocol.classes))
    low, high = np.clip([found.low, found.high], *limits)
    return Estimate(replace(found, low=float(low), high=float(high)), _method(metric))


def _method(metric: str) -> str:
    return OF_ROWS if metric in POOLED else OF_BOTH


def _wider(rows: Interval, folds: Interval) -> Interval:
    """Return the folds' mean with the wider of two intervals; NaN is not wide."""
    ends = np.array([[rows.low, folds.low, folds.mean], [rows.high, folds.high, folds.mean]])
    low, high = float(np.nanmin(ends[0])), float(np.nanmax(ends[1]))
    wider = rows if not folds.standard_error > rows.standard_error else folds
    return Interval(folds.mean, low, high, wider.standard_error, wider.freedom)


def interval_of(values: np.ndarray, metric: str, protocol: Protocol) -> Interval:
    """Return the mean of the folds' scores with its corrected 95 % interval (Nadeau & Bengio 2003),
    over the folds where the metric is defined; NaN for an interval where these are fewer than two,
    and where the folds allow none (`Protocol.no_test`).

    values  (folds × repeats,), or (seeds, folds × repeats) of a network trained from several seeds
    """
    values = np.atleast_2d(values)
    defined = values[:, np.isfinite(values).all(axis=0)]
    if defined.shape[1] < 2 or protocol.no_test:
        mean = float(np.mean(defined)) if defined.size else np.nan
        return Interval(mean, np.nan, np.nan, np.nan, 0)
    limits = protocol.find(metric).limits(len(protocol.classes))
    return corrected_interval(defined, protocol.n_train, protocol.n_test, bounds=limits)


def paired(a: "Evaluation", b: "Evaluation", metric: str) -> Comparison:
    """Compare two evaluations of the same folds: the difference a − b, its interval, t and p.

    The corrected resampled t-test over the folds where both are defined. Where they hold few rows
    of a class: the difference of the estimates that each gets, with the rows' standard error; for
    all metrics but average precision and F1 with that of the folds, if its interval is wider. From
    a random ranking, one of the two being the naive model, with the standard error of such a one.

    Not for folds that allow no test (`Protocol.no_test`). Raises NinefoldError where fewer than
    two folds have a score.
    """
    protocol, rows = a.protocol, row_difference(a, b, metric)
    values = defined_in_both(a.values_by_seed(metric), b.values_by_seed(metric))
    if rows is None:
        return paired_comparison(*values, protocol.n_train, protocol.n_test)
    found = rows.interval(metric)
    if metric not in ("average_precision", "f1") and values[0].shape[1] > 1:
        folds = paired_comparison(*values, protocol.n_train, protocol.n_test).difference
        centre = found.mean if metric in POOLED else folds.mean
        widest = max((found, folds), key=lambda one: np.nan_to_num(one.high - one.low))
        found = _moved(widest, centre)
    return tested(found)


@dataclass(frozen=True, eq=False)
class RowDifference:
    """The difference of two evaluations' pooled scores with each row's influence on it; the rows
    of the one that is no naive model, and whether the other one is."""

    score: RowScore
    rows: Rows
    from_chance: bool

    def interval(self, metric: str) -> Interval:
        """Return it with the interval of the rows."""
        same = abs(self.score.value) < 1e-12 and not self.score.influence.any()
        if self.from_chance and not same:
            return interval_from_chance(self.score, self.rows, metric)
        return row_interval(self.score, self.rows.y, self.rows.groups)


def row_difference(a: "Evaluation", b: "Evaluation", metric: str) -> RowDifference | None:
    """Return the difference a − b from the rows, where they are to be looked at instead of the
    folds (see `rows_of`)."""
    one, other = rows_of(a, metric), rows_of(b, metric)
    if one is None or other is None:
        return None
    mine, theirs = row_score(metric, one), row_score(metric, other)
    score = RowScore(mine.value - theirs.value, mine.influence - theirs.influence)
    naive = one.naive.all(), other.naive.all()
    return RowDifference(score, other if naive[0] else one, bool(naive[0] != naive[1]))


def skill_of(evaluation: "Evaluation", metric: str | None = None) -> Comparison:
    """Compare an evaluation with the naive model of its folds: the strongest constant, or what a
    random ranking is expected to score.

    Raises NinefoldError where the folds allow no test, or fewer than two have a score.
    """
    from ninefold.study.evaluation import naive_evaluation

    name = metric or evaluation.protocol.metric
    if evaluation.protocol.no_test:
        raise NinefoldError(evaluation.protocol.no_test)
    protocol = replace(evaluation.protocol, metric=name, metrics=(name,))
    return paired(evaluation, naive_evaluation(evaluation.predictions, protocol), name)


def _moved(interval: Interval, mean: float) -> Interval:
    by = mean - interval.mean
    return replace(interval, mean=mean, low=interval.low + by, high=interval.high + by)


def tested(found: Interval) -> Comparison:
    """Return a difference with its t and two-sided p, which agree with its interval; None and a
    remark where it does not vary, or has no standard error."""
    if np.isnan(found.standard_error):
        return Comparison(found, None, None, "no test: a class has a single row")
    if found.standard_error <= 1e-12 * max(1.0, abs(found.mean)):
        same = abs(found.mean) <= 1e-12
        remark = "identical on all folds" if same else "the same difference on all folds"
        return Comparison(found, None, None, remark)
    t = found.mean / found.standard_error
    return Comparison(found, t, float(2 * stats.t.sf(abs(t), found.freedom)))


def fewest_of_a_class(evaluation: "Evaluation") -> int:
    """Return the rows of the class of which a test fold holds fewest."""
    frame, protocol = evaluation.predictions, evaluation.protocol
    codes = protocol.y[frame["row"].to_numpy()]
    places = frame["repeat"].to_numpy() * (frame["fold"].max() + 1) + frame["fold"].to_numpy()
    _, place = np.unique(places, return_inverse=True)
    cells = place * len(protocol.classes) + codes
    size = (place.max() + 1) * len(protocol.classes)
    return int(np.bincount(cells, minlength=size).min())


def rows_of(evaluation: "Evaluation", metric: str) -> Rows | None:
    """Return the rows that were tested, if they are to be looked at instead of the folds.

    None for a regression, an own metric, a single fold, folds that allow no interval or hold ten
    rows of each class, and where repeats did not each test the same rows once.
    """
    protocol, frame = evaluation.protocol, evaluation.predictions
    known = protocol.find(metric)
    if not protocol.classes or known.function or protocol.no_test or len(evaluation.scores) < 2:
        return None
    if fewest_of_a_class(evaluation) >= FEW:
        return None
    order = order_of_rows(frame)
    if order is None:
        return None
    kinds = [_found(one, metric) for one in evaluation.by_seed]
    found, naive = (np.concatenate([kind[part][order] for kind in kinds]) for part in (0, 1))
    row, groups = frame["row"].to_numpy()[order[0]], protocol.groups
    tested = frame["fold"].to_numpy()[order]
    return Rows(
        y=protocol.y[row].astype(int),
        found=found,
        tested=np.tile(tested, (len(kinds), 1)),
        naive=naive,
        groups=None if groups is None else groups[row],
    )


def order_of_rows(frame: pd.DataFrame) -> np.ndarray | None:
    """Return where the predictions of each repeat stand, (repeats, n), the rows in order; None if
    the repeats did not each test the same rows once."""
    order = np.lexsort((frame["row"], frame["repeat"]))
    repeats = frame["repeat"].nunique()
    tested = frame["row"].to_numpy()[order]
    if len(tested) % repeats or len(np.unique(tested)) * repeats != len(tested):
        return None
    shape = (repeats, len(tested) // repeats)
    same = (tested.reshape(shape) == tested[: shape[1]]).all()
    return order.reshape(shape) if same else None


def _found(evaluation: "Evaluation", metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what a metric takes of all predictions (rows, K), and where it is the constant's."""
    protocol = evaluation.protocol
    classes = len(protocol.classes)
    found = np.zeros((len(evaluation.predictions), classes))
    if evaluation.engine != NAIVE:
        answer = answer_of(evaluation.predictions, protocol.classes, evaluation.ranking)
        found[:] = answer.taken(protocol.find(metric).takes, classes)
    return found, _put_naive(evaluation, metric, found)


def _put_naive(evaluation: "Evaluation", metric: str, found: np.ndarray) -> np.ndarray:
    """Put the metric's own constant into `found` where a fold diverged; return where, (rows,)."""
    frame, protocol = evaluation.predictions, evaluation.protocol
    at, row = frame[["repeat", "fold"]].to_numpy(), frame["row"].to_numpy()
    places = evaluation.diverged
    if evaluation.engine == NAIVE:
        places = tuple(dict.fromkeys(map(tuple, at.tolist())))
    naive = np.zeros(len(row), dtype=bool)
    for place in places:
        here = (at == place).all(axis=1)
        found[here] = naive_prediction(protocol, protocol.find(metric), row[here])
        naive |= here
    return naive
