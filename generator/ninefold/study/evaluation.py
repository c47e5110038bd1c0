"""What an evaluation is: the scores, curves and out-of-fold predictions of one variant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.formats import show
from ninefold.study.baselines import constant_prediction
from ninefold.study.metrics import METRICS, score
from ninefold.study.statistics import Interval, corrected_interval

Places = Sequence[tuple[int, int]]  # (repeat, fold) of some folds


@dataclass(frozen=True, eq=False)
class Protocol:
    """Under what an evaluation was made; two can be compared only where it is the same.

    y        (n,) class codes or numbers, as they were scored
    classes  the labels in the order of their codes; empty for a regression
    n_train  mean rows of an outer training fold; n_test, of a test fold
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

    @property
    def problem(self) -> str:
        kinds = {0: "regression", 2: "binary"}
        return kinds.get(len(self.classes), "multiclass")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One variant, judged by repeated k-fold cross-validation.

    scores       one row per fold: repeat, fold, one column per metric
    curves       long: repeat, fold, epoch, metric, train, validation (NaN where not computed)
    predictions  one row per test row: repeat, fold, row, and `prediction`, or for a
                 classification one column of probability for each class
    diverged     (repeat, fold) where a network's outputs were not finite: scored as the naive
                 model, for each metric its own strongest constant
    """

    scores: pd.DataFrame
    curves: pd.DataFrame
    predictions: pd.DataFrame
    protocol: Protocol
    variant: dict[str, Any]
    engine: str
    parameters: int
    fits: int
    fit_seconds: float
    predict_seconds: float
    members: int = 1
    diverged: tuple[tuple[int, int], ...] = ()

    def __repr__(self) -> str:
        found = self.interval()
        shown = show({"mean": found.mean, "low": found.low, "high": found.high}, "pm")
        label, protocol = METRICS[self.protocol.metric].label, self.protocol
        kind = "network" if self.engine in ("graph", "fit") else self.engine
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
        """Return the mean score with its corrected 95 % interval (Nadeau & Bengio 2003), over the
        folds where the metric is defined; NaN for an interval where these are fewer than two."""
        name = metric or self.protocol.metric
        values = self.values(name)
        defined = values[np.isfinite(values)]
        if len(defined) < 2:
            mean = float(np.mean(defined)) if len(defined) else np.nan
            return Interval(mean, np.nan, np.nan, np.nan, 0)
        limits = METRICS[name].limits(len(self.protocol.classes))
        return corrected_interval(
            defined, self.protocol.n_train, self.protocol.n_test, bounds=limits
        )

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
            "folds": protocol.folds,
            "repeats": protocol.repeats,
            "n_train": protocol.n_train,
            "n_test": protocol.n_test,
            "splits": protocol.splits,
            "engine": self.engine,
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


def average(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return the evaluation of the ensemble whose prediction is the mean of its members'.

    The members are evaluations of networks on the same splits (in general, of other seeds). Where
    a member diverged, the mean is not finite: the ensemble diverged there too.
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
    the scores of the strongest constant for each metric."""
    outputs = _outputs(predictions)
    rows = []
    for place, part in predictions.groupby(["repeat", "fold"], sort=True):
        test, found = part["row"].to_numpy(), part[outputs].to_numpy()
        row = dict(zip(("repeat", "fold"), place, strict=True))
        for metric in protocol.metrics:
            if place in naive:
                found = _naive_prediction(protocol, metric, test)
            row[metric] = score(
                metric,
                protocol.y[test],
                found if protocol.classes else found.reshape(-1),
                n_classes=len(protocol.classes),
            )
        rows.append(row)
    return pd.DataFrame(rows)


def put_naive(predictions: pd.DataFrame, protocol: Protocol, naive: Places) -> pd.DataFrame:
    """Return the predictions, those of the folds `naive` replaced by the strongest constant for
    the metric that decides."""
    replaced, outputs = predictions.copy(), _outputs(predictions)
    for repeat, fold in naive:
        here = (predictions["repeat"] == repeat) & (predictions["fold"] == fold)
        found = _naive_prediction(protocol, protocol.metric, predictions.loc[here, "row"])
        replaced.loc[here, outputs] = found.reshape(-1, len(outputs))
    return replaced


def _naive_prediction(protocol: Protocol, metric: str, test: Any) -> np.ndarray:
    """The strongest constant for a metric, fitted on all rows outside the test fold."""
    others = np.delete(protocol.y, test)
    return constant_prediction(metric, others, len(test), len(protocol.classes))


def _outputs(predictions: pd.DataFrame) -> list[str]:
    return [str(name) for name in predictions if name not in ("repeat", "fold", "row")]
