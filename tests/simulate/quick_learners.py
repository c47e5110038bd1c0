"""Learners so quick that thousands of data sets can be cross-validated: NumPy, all folds at once.

Only the statistics on out-of-fold predictions are tested with them, not how a study trains.
"""

from dataclasses import dataclass

import numpy as np

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
    X: np.ndarray, y: np.ndarray, trains: np.ndarray, penalty: float = 1.0, steps: int = 8
) -> np.ndarray:
    """Fit by Newton's method, one model for each row of `trains`; return all their probabilities
    of code 1 on all rows (models, n)."""
    X = np.column_stack([np.ones(len(X)), X])
    ridge = penalty * np.diag([1e-6, *np.ones(X.shape[1] - 1)])
    beta = np.zeros((len(trains), X.shape[1]))
    for _ in range(steps):
        p = _sigmoid(beta @ X.T)
        gradient = (trains * (y - p)) @ X - beta @ ridge
        hessian = np.einsum("mn,ni,nj->mij", trains * p * (1 - p), X, X, optimize=True) + ridge
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        beta += np.clip(step, -2, 2)
    return _sigmoid(beta @ X.T)


def neighbours(X: np.ndarray, y: np.ndarray, trains: np.ndarray, k: int = 5) -> np.ndarray:
    """Return the mean `y` of the k nearest training rows, for every model and row (models, n)."""
    order = np.argsort(((X[:, None] - X) ** 2).sum(axis=2), axis=1)
    found = []
    for train in trains:
        near = train[order]  # (n, n): whether the j-th nearest is trained on
        near &= near.cumsum(axis=1) <= k
        found.append((near * y[order]).sum(axis=1) / k)
    return np.array(found)


def least_squares(X: np.ndarray, y: np.ndarray, trains: np.ndarray) -> np.ndarray:
    """Return the linear regression's numbers of every model on all rows (models, n)."""
    X = np.column_stack([np.ones(len(X)), X])
    found = [np.linalg.lstsq(X[train], y[train], rcond=None)[0] for train in trains]
    return np.array(found) @ X.T


def two_columns(p: np.ndarray) -> np.ndarray:
    """Return the probabilities of codes 0 and 1, (…, 2), of those of code 1."""
    return np.stack([1 - p, p], axis=-1)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))
