"""What an evaluation is: the scores, curves and out-of-fold predictions of one variant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.formats import show
from ninefold.plain_json import plain
from ninefold.study import out_of_fold
from ninefold.study.curves import curve_frame
from ninefold.study.estimates import NAIVE, OF_FOLDS, Estimate, estimate_of, skill_of
from ninefold.study.learners import FoldModel
from ninefold.study.metrics import Takes
from ninefold.study.protocol import PREDICTED, Protocol
from ninefold.study.scoring import answer_of, outputs_of, put_naive, score_folds
from ninefold.study.statistics.folds import Interval
from ninefold.study.training import ENGINES


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One variant, judged by repeated k-fold cross-validation.

    scores       one row per fold: repeat, fold, one column per metric
    curves       long: repeat, fold, epoch, metric, train, validation (NaN where not computed), at
                 the end of each epoch, in inference mode, without penalties
    history      the same table as `model.fit` would report it
                 (of a network trained from several seeds in each fold, their mean)
    predictions  one row per test row: repeat, fold, row, and `prediction`; for a classification
                 `predicted`, the class, and one column of probability for each class, if the
                 model gives probabilities
    diverged     (repeat, fold) where a network's outputs were not finite: scored as the naive
                 model, for each metric its own strongest constant
    replicates   of a network trained from several seeds in each fold: the evaluation of each seed,
                 with its own scores and predictions. `predictions`, `curves`, `history`, `models`
                 and `callbacks` are those of the first; `diverged` is where any did
    models       each fold's model, in the order of `scores`, if `evaluate` was to return them;
                 one of a network cannot be pickled, but `models[0].model.save(path)` writes it
    callbacks    each fold's copies of the callbacks, as training left them, if it was to return
                 them; their `model` may serve other folds, too
    ranking      (rows of `predictions`, K) by which an estimator's decision ranks them; None: its
                 probabilities do
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
    models: tuple[FoldModel, ...] = ()
    callbacks: tuple[tuple[Any, ...], ...] = ()
    ranking: np.ndarray | None = None
    replicates: tuple["Evaluation", ...] = ()

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

    @property
    def by_seed(self) -> tuple["Evaluation", ...]:
        """Return the evaluation of each seed; of a model fitted once in each fold, itself."""
        return self.replicates or (self,)

    def values_by_seed(self, metric: str | None = None) -> np.ndarray:
        """Return the score of each seed in each fold (seeds, folds × repeats)."""
        return np.array([one.values(metric) for one in self.by_seed])

    def interval(self, metric: str | None = None) -> Interval:
        """Return the score with its interval: the mean over the folds; where they hold few rows of
        a class, what `estimate_of` makes of the rows."""
        return self.estimate(metric).interval

    def estimate(self, metric: str | None = None) -> Estimate:
        """Return the score with its interval, and how both were made, as `estimate_of` does."""
        return estimate_of(self, metric or self.protocol.metric)

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
        if self.protocol.classes and not self.has_probabilities:
            raise NinefoldError("the model gives no probabilities to calibrate")
        y, found = self._classified("probabilities")
        return out_of_fold.calibration(y, found, self.protocol.repeats, bins)

    @property
    def has_probabilities(self) -> bool:
        return bool(self.protocol.classes and outputs_of(self.predictions))

    def _classified(self, kind: Takes = "labels") -> tuple[np.ndarray, np.ndarray]:
        """Return the codes of all test rows, and what was predicted as a metric takes it."""
        classes = self.protocol.classes
        if not classes:
            raise NinefoldError("a regression has no classes to confuse and no probabilities")
        answer = answer_of(self.predictions, classes)
        y = self.protocol.y[self.predictions["row"].to_numpy()]
        return y, answer.taken(kind, len(classes))

    def to_record(self) -> dict[str, Any]:
        """Return what a section's record keeps of this evaluation: plain values."""
        protocol = self.protocol
        summary: dict[str, dict[str, Any]] = {}
        for name in protocol.metrics:
            estimate = self.estimate(name)
            found = estimate.interval
            summary[name] = {"mean": found.mean, "low": found.low, "high": found.high}
            if estimate.method != OF_FOLDS:
                summary[name]["method"] = estimate.method
        return {
            "variant": self.variant,
            "metric": protocol.metric,
            "summary": summary,
            "scores": {name: self.values(name).tolist() for name in protocol.metrics},
            **self._scores_by_seed(),
            "skill": self._skill(),
            "calibration_error": self.calibration().error if self.has_probabilities else None,
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

    def _scores_by_seed(self) -> dict[str, Any]:
        names = self.protocol.metrics if self.replicates else ()
        found = {name: self.values_by_seed(name).tolist() for name in names}
        return {"scores_by_seed": found} if found else {}

    def _skill(self) -> dict[str, Any] | None:
        """The difference from the naive model by the deciding metric, None where the folds allow
        no test."""
        try:
            found = skill_of(self)
        except NinefoldError:
            return None
        kept = ("mean", "low", "high", "standard_error", "freedom")
        return {name: getattr(found.difference, name) for name in kept} | {
            "t": found.t, "p": found.p, "remark": found.remark,
        }  # fmt: skip

    def inner_loss(self) -> np.ndarray:
        """Return the inner-validation loss of each fold after its last epoch (folds × repeats,);
        of several seeds, their mean; empty where there was no inner split."""
        if self.replicates:
            return np.mean([one.inner_loss() for one in self.replicates], axis=0)
        rows = self.curves[self.curves["metric"] == "loss"]
        if rows.empty or rows["validation"].isna().all():
            return np.array([])
        return (
            rows.groupby(["repeat", "fold"])["validation"]
            .agg(lambda fold: fold.iloc[-1])
            .to_numpy()
        )


def naive_evaluation(predictions: pd.DataFrame, protocol: Protocol) -> Evaluation:
    """Return the evaluation of the naive model on the folds and rows of `predictions`, which may
    be another model's: their outputs do not matter."""
    places = list(dict.fromkeys(predictions[["repeat", "fold"]].itertuples(index=False, name=None)))
    predictions = put_naive(predictions, protocol, places)
    return Evaluation(
        scores=score_folds(predictions, protocol, places),
        curves=curve_frame([], []),
        history=curve_frame([], []),
        predictions=predictions,
        protocol=protocol,
        variant=dict(_CONSTANT),
        engine=NAIVE,
        engine_reason="",
        parameters=0,
        fits=0,
        fit_seconds=0.0,
        predict_seconds=0.0,
    )


def over_seeds(judged: Sequence[Evaluation]) -> Evaluation:
    """Return the evaluation of a network from those of its seeds, on the same folds."""
    first = judged[0]
    if len(judged) == 1:
        return first
    names = list(first.protocol.metrics)
    scores = first.scores.copy()
    scores[names] = np.mean([one.scores[names] for one in judged], axis=0)
    return replace(
        first,
        scores=scores,
        fits=sum(one.fits for one in judged),
        fit_seconds=sum(one.fit_seconds for one in judged),
        predict_seconds=sum(one.predict_seconds for one in judged),
        diverged=tuple(sorted({place for one in judged for place in one.diverged})),
        replicates=tuple(judged),
    )


_CONSTANT = {
    "function": "the strongest constant",
    "keywords": {},
    "rebuildable": True,
    "family": "constant",
    "model_seed": 0,
}


def _of_members(members: Sequence[Evaluation]) -> dict[str, Any]:
    """Return what a record keeps of the variant whose predictions are averaged: that of networks
    which differ by their seed alone can be built again."""
    first = members[0].variant
    alike = all({**e.variant, "model_seed": 0} == {**first, "model_seed": 0} for e in members)
    networks = all(e.engine in ENGINES for e in members)
    return {**first, "rebuildable": bool(first["rebuildable"]) and alike and networks}


def average(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return the evaluation of the ensemble whose prediction is the mean of its members'.

    The members are evaluations of networks on the same splits (in general, of other seeds); of one
    trained from several seeds in each fold, the first seed's network is a member. Where a member
    diverged, the ensemble counts as diverged too, and is scored as the naive model.
    Raises NinefoldError where they are none or were judged on different splits.
    """
    if not evaluations:
        raise NinefoldError("there is nothing to average", "expected at least one evaluation")
    evaluations = [one.by_seed[0] for one in evaluations]
    first = evaluations[0]
    if any(e.protocol.splits != first.protocol.splits for e in evaluations):
        raise NinefoldError("the members were judged on different splits", "expected the same ones")
    outputs = outputs_of(first.predictions)
    if not all(outputs_of(e.predictions) == outputs != [] for e in evaluations):
        raise NinefoldError("a member gives no probabilities", "expected some to average")
    predictions = first.predictions.copy()
    predictions[outputs] = np.mean([e.predictions[outputs] for e in evaluations], axis=0)
    if first.protocol.classes:
        likeliest = predictions[outputs].to_numpy().argmax(axis=1)
        predictions[PREDICTED] = np.array(first.protocol.classes)[likeliest]
    diverged = tuple(sorted({pair for e in evaluations for pair in e.diverged}))
    predictions = put_naive(predictions, first.protocol, diverged)
    return replace(
        first,
        scores=score_folds(predictions, first.protocol, diverged),
        curves=first.curves.iloc[:0],
        history=first.history.iloc[:0],
        predictions=predictions,
        variant=_of_members(evaluations),
        parameters=sum(e.parameters for e in evaluations),
        fits=0,
        fit_seconds=sum(e.fit_seconds for e in evaluations),
        predict_seconds=sum(e.predict_seconds for e in evaluations),
        members=len(evaluations),
        diverged=diverged,
        models=(),
        callbacks=(),
        ranking=None,
    )
