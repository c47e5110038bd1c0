"""A scikit-learn estimator as a learner."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ninefold.errors import naming
from ninefold.study.learners.fitted import Fitted, Part
from ninefold.study.learners.prepared import fit_preparation
from ninefold.study.preparation import make_preparation, transform
from ninefold.study.task import Task

_FEW_ROWS = 10_000  # of which a fit on one core is faster than one on several that wait for another


class Estimator:
    """A scikit-learn estimator, cloned for each fold."""

    engine, engine_reason = "scikit-learn", ""

    def __init__(self, build: Callable[[], Any], task: Task, prepare: Any):
        self._build, self._task = build, task
        self._prepare = make_preparation(prepare, task.X)
        self.parameters = 0

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int) -> Fitted:
        """Fit on the rows `train`; `validation` is left aside, as it is for networks."""
        return self.fit_part(Part(train, validation, seed))

    def fit_part(self, part: Part) -> Fitted:
        with naming(part.name):
            return self._fit(part)

    def _fit(self, part: Part) -> Fitted:
        from sklearn.base import clone

        task = self._task
        start = time.perf_counter()
        model = clone(self._build())
        if "random_state" in model.get_params() and model.get_params()["random_state"] is None:
            model.set_params(random_state=part.seed % 2**31)
        preparation = fit_preparation(self._prepare, task, part.train)

        def as_given(rows: Any) -> Any:  # an unprepared frame keeps its columns, for a pipeline
            return rows if preparation is None else transform(preparation, rows)

        weight = task.weights(part.train)
        weighted = {} if np.all(weight == 1) else {"sample_weight": weight}
        model.fit(as_given(task.rows(part.train)), task.y[part.train], **weighted)
        self.parameters = _count(model)

        def predict(rows: Any) -> np.ndarray:
            x = as_given(rows)
            if not task.classes:
                return np.asarray(model.predict(x), float).reshape(-1, 1)
            return _probabilities(model, x, len(task.classes))

        return Fitted(
            predict=predict,
            predict_numbers=lambda numbers: predict(task.rows(numbers)),
            seconds=time.perf_counter() - start,
            preparation=preparation,
            load=lambda: model,
        )

    def fit_each(self, parts: Sequence[Part]) -> Iterator[Fitted]:
        """Fit on one part after another; of few rows on one core."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1 if len(parts[0].train) < _FEW_ROWS else None):
            yield from map(self.fit_part, parts)


def _probabilities(model: Any, x: np.ndarray, classes: int) -> np.ndarray:
    """Return (n, classes) probabilities; where an estimator has none, its decision as 0 and 1."""
    if hasattr(model, "predict_proba"):
        found = np.zeros((len(x), classes))
        found[:, np.asarray(model.classes_, dtype=int)] = model.predict_proba(x)
        return found
    return np.eye(classes)[np.asarray(model.predict(x), dtype=int)]


def _count(model: Any) -> int:
    """Return the number of coefficients of a linear model; 0 where the idea does not apply."""
    coefficients = getattr(model, "coef_", None)
    return 0 if coefficients is None else int(np.size(coefficients) + np.size(model.intercept_))
