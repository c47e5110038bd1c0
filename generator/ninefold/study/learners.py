"""Two kinds of model behind one face: a network that is trained, an estimator that is fitted.

A learner takes row numbers and returns a `Fitted`, which predicts on raw rows: preparation,
model and the way back to probabilities or the target's units, as one.
"""

import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.study.preparation import make_preparation, take_rows, transform
from ninefold.study.training import (
    Job,
    Recipe,
    Rows,
    Traces,
    Trained,
    Trainer,
    naming,
    train_together,
)


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
class Part:
    """What one fold gives a learner: the numbers of the rows it is fitted on and watched on, a
    seed, and the name that a message calls it by."""

    train: np.ndarray
    validation: np.ndarray
    seed: int
    name: str = ""


@dataclass(frozen=True)
class Fitted:
    """A trained model with its preparation: raw rows in, probabilities (n, K) or numbers (n, 1)
    out; `predict_numbers` takes the numbers of a task's rows instead."""

    predict: Callable[[Any], np.ndarray]
    predict_numbers: Callable[[np.ndarray], np.ndarray]
    seconds: float
    preparation: Any
    load: Callable[[], Any]  # returns the model itself
    target: Any = None  # the target's fitted scaler, for a network's regression
    trained: Trained = field(default_factory=Trained)

    @property
    def model(self) -> Any:
        """Return the Keras model with this fold's weights, or the estimator."""
        return self.load()


@dataclass(frozen=True)
class Shared:
    """What the variants of one harness need not do again: traces, prepared folds."""

    traces: Traces = field(default_factory=Traces)
    prepared: dict[bytes, "Prepared"] = field(default_factory=dict)


class Prepared:
    """The inputs of one fold, by a preparation fitted on the rows it trains on."""

    def __init__(self, prepare: Any, task: Task, train: np.ndarray):
        self.preparation = _fit_preparation(prepare, task, train)
        self._task = task
        self._inputs: dict[bytes, np.ndarray] = {}

    def inputs(self, numbers: np.ndarray) -> np.ndarray:
        """Return the prepared rows of those numbers, (n, …) float32, prepared once."""
        key = numbers.tobytes()
        if key not in self._inputs:
            self._inputs[key] = _as_input(self.preparation, self._task.rows(numbers))
        return self._inputs[key]

    @property
    def bytes(self) -> int:
        return sum(x.nbytes for x in self._inputs.values())


_MOST_BYTES = 2**29  # of prepared inputs that are kept for the next variant


def make_learner(
    build: Any, task: Task, prepare: Any, recipe: Recipe, shared: Shared | None = None
) -> "Network | Estimator":
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
    return Network(build, task, prepare, recipe, shared or Shared())


def fit_together(
    learners: Sequence["Network | Estimator"], parts: Sequence[Part]
) -> list[Iterator[Fitted]]:
    """Fit every learner on every part. Networks that share a trace are trained as one batch.

    Returns for each learner an iterator of what was fitted, in the order of the parts.
    """
    networks = [learner for learner in learners if isinstance(learner, Network)]
    jobs = [network.jobs(parts) for network in networks]
    together = [number for number, its in enumerate(jobs) if _have_one_width(its)]
    trained = dict(
        zip(
            together,
            train_together([networks[n].trainer for n in together], [jobs[n] for n in together]),
            strict=True,
        )
    )
    fitted = {
        id(network): network.wrap(trained[number], parts)
        if number in trained
        else (network.fit_part(part) for part in parts)
        for number, network in enumerate(networks)
    }
    return [fitted.get(id(learner)) or _fit_each(learner, parts) for learner in learners]


_FEW_ROWS = 10_000  # of which a fit on one core is faster than one on several that wait for another


def _fit_each(estimator: "Network | Estimator", parts: Sequence[Part]) -> Iterator[Fitted]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1 if len(parts[0].train) < _FEW_ROWS else None):
        yield from map(estimator.fit_part, parts)


def _have_one_width(jobs: Sequence[Job]) -> bool:
    """A transformer of the user's may find other columns in another fold."""
    return len({job.rows.x.shape[1:] for job in jobs}) == 1


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
        preparation = _fit_preparation(self._prepare, task, part.train)

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


class Network:
    """A Keras network, trained from fresh weights for each fold."""

    def __init__(self, build: Callable, task: Task, prepare: Any, recipe: Recipe, shared: Shared):
        self._build, self._task, self._recipe, self._shared = build, task, recipe, shared
        self._prepare = make_preparation(prepare, task.X)
        self._scales_target = not task.classes and prepare is not None
        self._trainers: dict[tuple, Trainer] = {}

    @property
    def engine(self) -> str:
        return self.trainer.choice.engine

    @property
    def engine_reason(self) -> str:
        return self.trainer.choice.reason

    @property
    def parameters(self) -> int:
        return self.trainer.model.count_params()

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int) -> Fitted:
        """Train on the rows `train`; `validation` gives the curves and feeds callbacks."""
        return self.fit_part(Part(train, validation, seed))

    def fit_part(self, part: Part) -> Fitted:
        return next(fit_together([self], [part])[0])

    def jobs(self, parts: Sequence[Part]) -> list[Job]:
        """Prepare the parts, and with the first of them the trainer of all."""
        jobs = []
        for part in parts:
            with naming(part.name):
                jobs.append(self._job(part))
        return jobs

    def _job(self, part: Part) -> Job:
        task, prepared = self._task, self._prepared(part)
        x = prepared.inputs(part.train)
        self.trainer = trainer = self._trainer(x.shape[1:])
        target = self._target(part)

        def rows(numbers: np.ndarray) -> Rows:
            x, y = prepared.inputs(numbers), task.y[numbers]
            y = y if target is None else target.transform(y[:, None])[:, 0]
            y = trainer.shape_targets(y, task.outputs, x)
            return Rows(x, y, task.weights(numbers).astype("float32"))

        held = rows(part.validation) if len(part.validation) else None
        return Job(rows(part.train), held, part.seed, part.name)

    def wrap(self, trained: Iterator[Trained], parts: Sequence[Part]) -> Iterator[Fitted]:
        """Return what was trained as models that predict on raw rows."""
        for part, found in zip(parts, trained, strict=True):
            yield self._wrap(found, part)

    def _wrap(self, trained: Trained, part: Part) -> Fitted:
        trainer, prepared, target = self.trainer, self._prepared(part), self._target(part)
        classes = len(self._task.classes)

        def predict(x: np.ndarray) -> np.ndarray:
            outputs = trainer.predict(trained, x)
            return network_prediction(outputs, trainer.model, classes, target)

        return Fitted(
            predict=lambda raw: predict(_as_input(prepared.preparation, raw)),
            predict_numbers=lambda numbers: predict(prepared.inputs(numbers)),
            seconds=trained.seconds,
            preparation=prepared.preparation,
            load=lambda: trainer.load(trained),
            target=target,
            trained=trained,
        )

    def _target(self, part: Part) -> Any:
        return _fit_target(self._task.y[part.train]) if self._scales_target else None

    def _prepared(self, part: Part) -> Prepared:
        kept, key = self._shared.prepared, part.train.tobytes()
        if key not in kept:
            if sum(one.bytes for one in kept.values()) > _MOST_BYTES:
                kept.clear()
            kept[key] = Prepared(self._prepare, self._task, part.train)
        return kept[key]

    def _trainer(self, shape: tuple[int, ...]) -> Trainer:
        if shape not in self._trainers:
            inputs = shape[0] if len(shape) == 1 else shape
            build = _told(self._build, inputs=inputs, outputs=self._task.outputs)
            self._trainers[shape] = Trainer(build, self._recipe, self._shared.traces)
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
