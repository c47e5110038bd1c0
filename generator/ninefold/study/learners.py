"""Two kinds of model behind one face: a network that is trained, an estimator that is fitted.

A learner takes row numbers and returns a `Fitted`, which predicts on raw rows: preparation,
model and the way back to probabilities or the target's units, as one.
"""

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.study.preparation import make_preparation, take_rows, transform
from ninefold.study.training import Recipe, Rows, Trainer


@dataclass(frozen=True)
class Task:
    """The rows and what is asked of them.

    X        (n, features) frame or array, or images; as it came, unprepared
    y        (n,) class codes 0 … K−1, or numbers
    classes  labels in the order of their codes; empty for a regression
    weight   (n,) weights of rows in training
    """

    X: pd.DataFrame | np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]
    weight: np.ndarray
    class_weight: dict[Any, float] | str | None = None

    @property
    def problem(self) -> str:
        return {0: "regression", 2: "binary"}.get(len(self.classes), "multiclass")

    @property
    def outputs(self) -> int:
        """Return the number of outputs a network is told: its classes, or 1."""
        return len(self.classes) or 1

    def rows(self, numbers: np.ndarray) -> pd.DataFrame | np.ndarray:
        return take_rows(self.X, numbers)

    def weights(self, numbers: np.ndarray) -> np.ndarray:
        """Return the weights of rows, each multiplied by its class's weight."""
        y, weight = self.y[numbers], self.weight[numbers]
        if self.class_weight is None:
            return weight
        if isinstance(self.class_weight, str):  # "balanced"
            counts = np.bincount(y, minlength=len(self.classes))
            factors = len(y) / (len(self.classes) * np.maximum(counts, 1))
        else:
            by_name = {str(key): value for key, value in self.class_weight.items()}
            factors = np.array([by_name.get(name, 1.0) for name in self.classes])
        return weight * factors[y]


@dataclass(frozen=True)
class Fitted:
    """A trained model with its preparation: raw rows in, probabilities (n, K) or numbers (n, 1)
    out."""

    predict: Callable[[Any], np.ndarray]
    seconds: float
    preparation: Any
    model: Any
    target: Any = None  # the target's fitted scaler, for a network's regression
    train_curve: dict[str, list[float]] = field(default_factory=dict)
    validation_curve: dict[str, list[float]] = field(default_factory=dict)


def make_learner(build: Any, task: Task, prepare: Any, recipe: Recipe) -> "Network | Estimator":
    """Return the learner for what `build` is or returns."""
    if hasattr(build, "fit") and hasattr(build, "predict") and not inspect.isclass(build):
        return Estimator(lambda: build, task, prepare)
    if not callable(build):
        raise NinefoldError(
            f"the model is a {type(build).__name__}",
            "expected a function that returns a compiled Keras model, or a scikit-learn estimator",
        )
    if _returns_estimator(build, task):
        return Estimator(_told(build, outputs=task.outputs), task, prepare)
    return Network(build, task, prepare, recipe)


def _returns_estimator(build: Callable, task: Task) -> bool:
    """A function that needs no `inputs` may return an estimator; only calling it tells."""
    if "inputs" in inspect.signature(build).parameters:
        return False
    made = _told(build, outputs=task.outputs)()
    return hasattr(made, "get_params") and hasattr(made, "fit")


def _told(build: Callable, **known: Any) -> Callable[[], Any]:
    """Bind those of `inputs`, `outputs` that the function asks for and has not been given."""
    given = build.keywords if isinstance(build, partial) else {}
    asked = set(inspect.signature(build).parameters) - set(given)
    return partial(build, **{name: value for name, value in known.items() if name in asked})


class Estimator:
    """A scikit-learn estimator, cloned for each fold."""

    engine = "scikit-learn"

    def __init__(self, build: Callable[[], Any], task: Task, prepare: Any):
        self._build, self._task = build, task
        self._prepare = make_preparation(prepare, task.X)
        self.parameters = 0

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int) -> Fitted:
        """Fit on the rows `train`; `validation` is left aside, as it is for networks."""
        from sklearn.base import clone

        task = self._task
        start = time.perf_counter()
        model = clone(self._build())
        if "random_state" in model.get_params() and model.get_params()["random_state"] is None:
            model.set_params(random_state=seed % 2**31)
        preparation = _fit_preparation(self._prepare, task, train)

        def as_given(rows: Any) -> Any:  # an unprepared frame keeps its columns, for a pipeline
            return rows if preparation is None else transform(preparation, rows)

        weight = task.weights(train)
        weighted = {} if np.all(weight == 1) else {"sample_weight": weight}
        model.fit(as_given(task.rows(train)), task.y[train], **weighted)
        self.parameters = _count(model)

        def predict(rows: Any) -> np.ndarray:
            x = as_given(rows)
            if not task.classes:
                return np.asarray(model.predict(x), float).reshape(-1, 1)
            return _probabilities(model, x, len(task.classes))

        return Fitted(predict, time.perf_counter() - start, preparation, model)


class Network:
    """A Keras network, trained from fresh weights for each fold."""

    def __init__(self, build: Callable, task: Task, prepare: Any, recipe: Recipe):
        self._build, self._task, self._recipe = build, task, recipe
        self._prepare = make_preparation(prepare, task.X)
        self._scales_target = not task.classes and prepare is not None
        self._trainers: dict[tuple, Trainer] = {}
        self.parameters, self.engine = 0, ""

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int) -> Fitted:
        """Train on the rows `train`; `validation` gives the curves and feeds callbacks."""
        task = self._task
        preparation = _fit_preparation(self._prepare, task, train)
        target = _fit_target(task.y[train]) if self._scales_target else None
        x = _as_input(preparation, task.rows(train))
        trainer = self._trainer(x.shape[1:])

        def rows(numbers: np.ndarray, x: np.ndarray) -> Rows:
            y = task.y[numbers]
            y = y if target is None else target.transform(y[:, None])[:, 0]
            y = trainer.shape_targets(y, task.outputs, x)
            return Rows(x, y, task.weights(numbers).astype("float32"))

        inner = (
            rows(validation, _as_input(preparation, task.rows(validation)))
            if len(validation)
            else None
        )
        trained = trainer.train(rows(train, x), inner, seed)
        self.parameters, self.engine = trainer.model.count_params(), trainer.engine

        def predict(raw: Any) -> np.ndarray:
            outputs = trainer.predict(_as_input(preparation, raw))
            return network_prediction(outputs, trainer.model, len(task.classes), target)

        return Fitted(
            predict,
            trained.seconds,
            preparation,
            trainer.model,
            target,
            trained.train,
            trained.validation,
        )

    def _trainer(self, shape: tuple[int, ...]) -> Trainer:
        """One trainer per width of the input: a trace serves all folds of that width."""
        if shape not in self._trainers:
            inputs = shape[0] if len(shape) == 1 else shape
            build = _told(self._build, inputs=inputs, outputs=self._task.outputs)
            self._trainers[shape] = Trainer(build, self._recipe)
        return self._trainers[shape]


def network_prediction(outputs: np.ndarray, model: Any, classes: int, target: Any) -> np.ndarray:
    """Turn a network's outputs into probabilities (n, classes), or numbers (n, 1) in the target's
    units; NaN throughout where it diverged. Raises NinefoldError where they cannot be."""
    outputs = np.asarray(outputs, dtype=float)
    outputs = outputs.reshape(len(outputs), -1)
    width = outputs.shape[1]
    if width != (classes or 1) and not (classes == 2 and width == 1):
        wanted = f"{classes}, one a class" if classes else "1 for a regression"
        raise NinefoldError(f"the network has {width} outputs", f"expected {wanted}")
    if not np.isfinite(outputs).all():
        return np.full((len(outputs), classes or 1), np.nan)
    if not classes:
        return outputs if target is None else target.inverse_transform(outputs)
    outputs = _from_logits(outputs) if getattr(model.loss, "from_logits", False) else outputs
    if outputs.min() < -1e-6 or outputs.max() > 1 + 1e-6:
        raise NinefoldError(
            "the network's outputs are not probabilities",
            "expected values from 0 to 1",
            "end it in a softmax or sigmoid, or compile a loss with from_logits=True",
        )
    if width == 1:
        return np.hstack([1 - outputs, outputs])
    return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), 1e-12)


def _from_logits(outputs: np.ndarray) -> np.ndarray:
    from scipy.special import expit, softmax

    return expit(outputs) if outputs.shape[1] == 1 else softmax(outputs, axis=1)


def _fit_preparation(prepare: Any, task: Task, train: np.ndarray) -> Any:
    from sklearn.base import clone

    return None if prepare is None else clone(prepare).fit(task.rows(train), task.y[train])


def _fit_target(y: np.ndarray) -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(y[:, None])


def _as_input(preparation: Any, rows: Any) -> np.ndarray:
    return transform(preparation, rows).astype("float32")


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
