"""What an evaluation is: the scores, curves and out-of-fold predictions of one variant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.formats import show
from ninefold.records import plain
from ninefold.study import out_of_fold
from ninefold.study.baselines import constant_prediction
from ninefold.study.metrics import METRICS, Metric, score
from ninefold.study.statistics import Interval, corrected_interval
from ninefold.study.training import ENGINES

Places = Sequence[tuple[int, int]]  # (repeat, fold) of some folds
_PLACE = ["repeat", "fold", "row"]


@dataclass(frozen=True, eq=False)
class Protocol:
    """Under what an evaluation was made; two can be compared only where it is the same.

    y        (n,) class codes or numbers, as they were scored
    classes  the labels in the order of their codes; empty for a regression
    n_train  mean rows of an outer training fold; n_test, of a test fold
    own      those of the metrics that are the user's own

    Raises NinefoldError for a class whose name is a column of `Evaluation.predictions`.
    """

    y: np.ndarray
    classes: tuple[str, ...]
    folds: int
    repeats: int
    n_train: int
    n_test: int
    metrics: tuple[str, ...]
    metric: str  # the one that decides
    splits: str  # a digest of all the splits
    ordered: bool = False  # each fold is tested on rows that follow all it was trained on
    own: tuple[Metric, ...] = ()

    def __post_init__(self) -> None:
        taken = [name for name in self.classes if name in _PLACE]
        if taken:
            raise NinefoldError(
                f"a class is named '{taken[0]}'",
                f"{', '.join(_PLACE)} are columns of the predictions, beside one for each class",
                "give the class another name",
            )

    def find(self, metric: str) -> Metric:
        """Return the metric of that name: the user's own, or ninefold's."""
        return next((own for own in self.own if own.name == metric), None) or METRICS[metric]

    @property
    def no_test(self) -> str:
        """Return why no interval and no test is valid for these folds, which are no random draws
        of several rows; "" where they are (see `statistics`)."""
        if self.ordered:
            return "no test: folds ordered in time"
        return "no test: folds of a single row" if self.n_test < 2 else ""

    @property
    def problem(self) -> str:
        kinds = {0: "regression", 2: "binary"}
        return kinds.get(len(self.classes), "multiclass")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One variant, judged by repeated k-fold cross-validation.

    scores       one row per fold: repeat, fold, one column per metric
    curves       long: repeat, fold, epoch, metric, train, validation (NaN where not computed), at
                 the end of each epoch, in inference mode, without penalties
    history      the same table as `model.fit` would report it
    predictions  one row per test row: repeat, fold, row, and `prediction`, or for a
                 classification one column of probability for each class
    diverged     (repeat, fold) where a network's outputs were not finite: scored as the naive
                 model, for each metric its own strongest constant
    """

    scores: pd.DataFrame
    curves: pd.DataFrame
    history: pd.DataFrame
    predictions: pd.DataFrame
    protocol: Protocol
    variant: dict[str, Any]
    engine: str
    engine_reason: str
    parameters: int
    fits: int
    fit_seconds: float
    predict_seconds: float
    members: int = 1
    diverged: tuple[tuple[int, int], ...] = ()

    def __repr__(self) -> str:
        found = self.interval()
        shown = show(plain({"mean": found.mean, "low": found.low, "high": found.high}), "pm")
        label, protocol = self.protocol.find(self.protocol.metric).label, self.protocol
        kind = "network" if self.engine in ENGINES else self.engine
        parts = [kind if self.members == 1 else f"mean of {self.members} {kind}s"]
        parts += [f"{self.parameters:,} parameters"] if self.parameters else []
        parts += [f"{len(self.diverged)} diverged"] if self.diverged else []
        plan = f"{protocol.folds} × {protocol.repeats} folds"
        return f"Evaluation({label} {shown} over {plan}, {', '.join(parts)})"

    def values(self, metric: str | None = None) -> np.ndarray:
        """Return the score of each fold (folds × repeats,), by the deciding metric unless named."""
        name = metric or self.protocol.metric
        if name not in self.scores:
            raise NinefoldError(
                f"no metric '{name}' was computed", f"there is: {', '.join(self.protocol.metrics)}"
            )
        return self.scores[name].to_numpy()

    def interval(self, metric: str | None = None) -> Interval:
        """Return the mean score with its interval, as `interval_of` does."""
        return interval_of(self.values(metric), metric or self.protocol.metric, self.protocol)

    def curve(self, metric: str = "loss") -> pd.DataFrame:
        """Return the curve over the epochs that all folds reached: mean, low and high (the middle
        80 % of the folds) of train and validation."""
        rows = self.curves[self.curves["metric"] == metric]
        folds = rows.groupby("epoch")["fold"].transform("size")
        grouped = rows[folds == folds.max()].groupby("epoch")[["train", "validation"]]
        parts = {
            "mean": grouped.mean(),
            "low": grouped.quantile(0.1),
            "high": grouped.quantile(0.9),
        }
        return pd.concat(parts, axis=1)

    def confusion(self) -> pd.DataFrame:
        """Return how many rows of each actual class (row) were predicted as which (column), out of
        fold, divided by the repeats. Raises NinefoldError for a regression."""
        names = self.protocol.classes
        counts = out_of_fold.confusion(*self._classified(), self.protocol.repeats)
        return pd.DataFrame(counts, index=names, columns=names)

    def pooled_f1(self) -> np.ndarray:
        """Return F1 from the counts of each repeat, pooled over its folds (repeats,). Raises
        NinefoldError for a regression."""
        repeat = self.predictions["repeat"].to_numpy()
        return out_of_fold.pooled_f1(*self._classified(), repeat)

    def calibration(self, bins: int = 10) -> out_of_fold.Calibration:
        """Return how far the out-of-fold probabilities can be taken at their word, in bins of
        equally many. Raises NinefoldError for a regression."""
        return out_of_fold.calibration(*self._classified(), self.protocol.repeats, bins)

    def _classified(self) -> tuple[np.ndarray, np.ndarray]:
        if not self.protocol.classes:
            raise NinefoldError("a regression has no classes to confuse and no probabilities")
        outputs = self.predictions[_outputs(self.predictions)].to_numpy()
        return self.protocol.y[self.predictions["row"].to_numpy()], outputs

    def to_record(self) -> dict[str, Any]:
        """Return what a section's record keeps of this evaluation: plain values."""
        protocol = self.protocol
        summary = {}
        for name in protocol.metrics:
            found = self.interval(name)
            summary[name] = {"mean": found.mean, "low": found.low, "high": found.high}
        return {
            "variant": self.variant,
            "metric": protocol.metric,
            "summary": summary,
            "scores": {name: self.values(name).tolist() for name in protocol.metrics},
            "calibration_error": self.calibration().error if protocol.classes else None,
            "folds": protocol.folds,
            "repeats": protocol.repeats,
            "n_train": protocol.n_train,
            "n_test": protocol.n_test,
            "splits": protocol.splits,
            "engine": self.engine,
            "engine_reason": self.engine_reason,
            "parameters": self.parameters,
            "members": self.members,
            "fits": self.fits,
            "fit_seconds": self.fit_seconds,
            "predict_seconds": self.predict_seconds,
            "diverged": [list(pair) for pair in self.diverged],
            "selected_by": self.inner_loss().tolist(),
        }

    def inner_loss(self) -> np.ndarray:
        """Return the inner-validation loss of each fold after its last epoch (folds × repeats,);
        empty where there was no inner split."""
        rows = self.curves[self.curves["metric"] == "loss"]
        if rows.empty or rows["validation"].isna().all():
            return np.array([])
        return (
            rows.groupby(["repeat", "fold"])["validation"]
            .agg(lambda fold: fold.iloc[-1])
            .to_numpy()
        )


def interval_of(values: np.ndarray, metric: str, protocol: Protocol) -> Interval:
    """Return the mean of the folds' scores with its corrected 95 % interval (Nadeau & Bengio 2003),
    over the folds where the metric is defined; NaN for an interval where these are fewer than two,
    and where the folds allow none (`Protocol.no_test`)."""
    defined = values[np.isfinite(values)]
    if len(defined) < 2 or protocol.no_test:
        mean = float(np.mean(defined)) if len(defined) else np.nan
        return Interval(mean, np.nan, np.nan, np.nan, 0)
    limits = protocol.find(metric).limits(len(protocol.classes))
    return corrected_interval(defined, protocol.n_train, protocol.n_test, bounds=limits)


def average(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return the evaluation of the ensemble whose prediction is the mean of its members'.

    The members are evaluations of networks on the same splits (in general, of other seeds). Where
    a member diverged, the ensemble counts as diverged too, and is scored as the naive model.
    Raises NinefoldError where they are none or were judged on different splits.
    """
    if not evaluations:
        raise NinefoldError("there is nothing to average", "expected at least one evaluation")
    first = evaluations[0]
    if any(e.protocol.splits != first.protocol.splits for e in evaluations):
        raise NinefoldError("the members were judged on different splits", "expected the same ones")
    outputs = _outputs(first.predictions)
    predictions = first.predictions.copy()
    predictions[outputs] = np.mean([e.predictions[outputs] for e in evaluations], axis=0)
    diverged = tuple(sorted({pair for e in evaluations for pair in e.diverged}))
    predictions = put_naive(predictions, first.protocol, diverged)
    return replace(
        first,
        scores=score_folds(predictions, first.protocol, diverged),
        curves=first.curves.iloc[:0],
        history=first.history.iloc[:0],
        predictions=predictions,
        parameters=sum(e.parameters for e in evaluations),
        fits=0,
        fit_seconds=sum(e.fit_seconds for e in evaluations),
        predict_seconds=sum(e.predict_seconds for e in evaluations),
        members=len(evaluations),
        diverged=diverged,
    )


def score_folds(predictions: pd.DataFrame, protocol: Protocol, naive: Places = ()) -> pd.DataFrame:
    """Return one row of scores per fold from the out-of-fold predictions; for the folds `naive`,
    the scores of the strongest constant for each metric.

    Raises NinefoldError, naming the fold, where an own metric cannot be computed.
    """
    metrics = [protocol.find(name) for name in protocol.metrics]
    outputs = predictions[_outputs(predictions)].to_numpy()
    outputs = outputs if protocol.classes else outputs[:, 0]
    tested = predictions["row"].to_numpy()
    places, fold_of = np.unique(
        predictions[["repeat", "fold"]].to_numpy(), axis=0, return_inverse=True
    )
    rows = []
    for number, (repeat, fold) in enumerate(places.tolist()):
        here = np.flatnonzero(fold_of == number)
        test, found = tested[here], outputs[here]
        row: dict[str, float] = {"repeat": repeat, "fold": fold}
        try:
            for metric in metrics:
                if (repeat, fold) in naive:
                    found = _naive_prediction(protocol, metric, test)
                row[metric.name] = score(
                    metric, protocol.y[test], found, n_classes=len(protocol.classes)
                )
        except NinefoldError as error:
            place = f"repeat {repeat + 1}, fold {fold + 1}: "
            raise NinefoldError(place + error.happened, error.expected, error.todo) from error
        rows.append(row)
    return pd.DataFrame(rows)


def put_naive(predictions: pd.DataFrame, protocol: Protocol, naive: Places) -> pd.DataFrame:
    """Return the predictions, those of the folds `naive` replaced by the strongest constant for
    the metric that decides."""
    replaced, outputs = predictions.copy(), _outputs(predictions)
    for repeat, fold in naive:
        here = (predictions["repeat"] == repeat) & (predictions["fold"] == fold)
        metric = protocol.find(protocol.metric)
        found = _naive_prediction(protocol, metric, predictions.loc[here, "row"])
        replaced.loc[here, outputs] = found.reshape(-1, len(outputs))
    return replaced


def _naive_prediction(protocol: Protocol, metric: Metric, test: Any) -> np.ndarray:
    """The strongest constant for a metric, fitted on all rows outside the test fold, or before
    it."""
    others = protocol.y[: min(test)] if protocol.ordered else np.delete(protocol.y, test)
    return constant_prediction(metric, others, len(test), len(protocol.classes))


def _outputs(predictions: pd.DataFrame) -> list[str]:
    return [str(name) for name in predictions if name not in _PLACE]
