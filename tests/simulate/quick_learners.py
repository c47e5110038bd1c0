"""Learners so quick that thousands of data sets can be cross-validated: NumPy, all folds at once.

Only the statistics on out-of-fold predictions are tested with them, not how a study trains.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ninefold.study.curves import curve_frame
from ninefold.study.evaluation import Evaluation
from ninefold.study.protocol import Protocol
from ninefold.study.scoring import score_folds
from ninefold.study.splits import make_folds


@dataclass(frozen=True)
class Plan:
    """Where each row is tested, and what trains: `tested` (repeats, n) the fold of each row,
    `trains` (repeats × folds, n) whether a row is trained on."""

    tested: np.ndarray
    trains: np.ndarray

    @property
    def folds(self) -> int:
        return len(self.trains) // len(self.tested)

    def out_of_fold(self, outputs: np.ndarray) -> np.ndarray:
        """Pick from all models' outputs on all rows (repeats × folds, n, …) each row's own
        (repeats, n, …)."""
        models = np.arange(len(self.tested))[:, None] * self.folds + self.tested
        return outputs[models, np.arange(self.tested.shape[1])]


def make_plan(
    y: np.ndarray, generator: np.random.Generator, folds: int = 10, repeats: int = 3
) -> Plan:
    """Divide the rows as a study does, stratified where `y` is codes, a fifth set aside."""
    stratify = y.dtype.kind == "i"
    most = int(np.bincount(y).min()) if stratify else len(y)
    made = make_folds(y, folds=min(folds, most), repeats=repeats, validation=0.2,
                      seed=int(generator.integers(2**31)), stratify=stratify)  # fmt: skip
    tested = np.zeros((repeats, len(y)), dtype=int)
    trains = np.zeros((len(made), len(y)), dtype=bool)
    for number, fold in enumerate(made):
        tested[fold.repeat, fold.test] = fold.fold
        trains[number, fold.train] = True
    return Plan(tested, trains)


def logistic(
    X: np.ndarray,
    y: np.ndarray,
    trains: np.ndarray,
    at: np.ndarray | None = None,
    penalty: float = 1.0,
) -> np.ndarray:
    """Fit by Newton's method, one model for each row of `trains`; return the probabilities of code
    1 on the rows `at`, or all of X (models, rows)."""
    inner = _with_one(X)
    ridge = penalty * np.diag([1e-6, *np.ones(X.shape[1])])
    beta = np.zeros((len(trains), inner.shape[1]))
    for _ in range(8):
        p = _sigmoid(beta @ inner.T)
        gradient = (trains * (y - p)) @ inner - beta @ ridge
        weights = trains * p * (1 - p)
        hessian = np.array([(inner.T * one) @ inner for one in weights]) + ridge
        beta += np.clip(np.linalg.solve(hessian, gradient[..., None])[..., 0], -2, 2)
    return _sigmoid(beta @ _with_one(X if at is None else at).T)


def neighbours(
    X: np.ndarray, y: np.ndarray, trains: np.ndarray, at: np.ndarray | None = None, k: int = 5
) -> np.ndarray:
    """Return the mean `y` of the k nearest training rows of the rows `at`, or of all of X, by each
    model (models, rows)."""
    at = X if at is None else at
    distances = (at**2).sum(axis=1)[:, None] + (X**2).sum(axis=1) - 2 * at @ X.T
    order = np.argsort(distances, axis=1)
    labels, found = y[order], []
    for train in trains:
        near = train[order]
        near &= near.cumsum(axis=1, dtype=np.int32) <= k
        found.append((near * labels).sum(axis=1) / k)
    return np.array(found)


def least_squares(X: np.ndarray, y: np.ndarray, trains: np.ndarray) -> np.ndarray:
    """Return the linear regression's numbers of every model on all rows (models, n)."""
    inner = _with_one(X)
    found = [np.linalg.lstsq(inner[train], y[train], rcond=None)[0] for train in trains]
    return np.array(found) @ inner.T


def _with_one(X: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(X)), X])


def two_columns(p: np.ndarray) -> np.ndarray:
    """Return the probabilities of codes 0 and 1, (…, 2), of those of code 1."""
    return np.stack([1 - p, p], axis=-1)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))


def evaluation_of(
    y: np.ndarray, found: np.ndarray, plan: Plan, metrics: tuple[str, ...]
) -> Evaluation:
    """Return the evaluation that a study would make of out-of-fold predictions.

    found  (repeats, n, K) probabilities, or (repeats, n) numbers of a regression
    """
    repeats, n = plan.tested.shape
    classes = tuple("abcdefgh"[: found.shape[2]]) if found.ndim == 3 else ()
    frame = pd.DataFrame(
        {
            "repeat": np.repeat(np.arange(repeats), n),
            "fold": plan.tested.ravel(),
            "row": np.tile(np.arange(n), repeats),
        }
    )
    outputs = found.reshape(repeats * n, -1)
    if classes:
        frame["predicted"] = np.array(classes)[outputs.argmax(axis=1)]
    frame[list(classes) or ["prediction"]] = outputs
    n_test = round(n / plan.folds)
    protocol = Protocol(
        y, classes, plan.folds, repeats, n - n_test, n_test, metrics, metrics[0], ""
    )
    return Evaluation(
        score_folds(frame, protocol), curve_frame([], []), curve_frame([], []), frame, protocol,
        {}, "scikit-learn", "", 0, 0, 0.0, 0.0,
    )  # fmt: skip
