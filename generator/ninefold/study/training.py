"""The one narrow door to training a network: everything else sees `Trainer` and `Trained`.

One epoch (all its steps in a given row order) is traced once as a TensorFlow graph and reused for
every fold; between folds the variables take the values of a freshly built model. What a graph of
an epoch cannot hold, callbacks on batches, goes through `model.fit`.
"""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow

ENGINES = ("auto", "graph", "fit")
_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
_ROWS_AT_ONCE = 4096  # rows in one inference call: bounds memory, not a hyper-parameter


@dataclass(frozen=True)
class Rows:
    """What a network is fed: x (n, …) float32, y (n, outputs), weight (n,)."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Recipe:
    """How each fold is trained, the same for all.

    engine  "graph" (a compiled epoch), "fit" (`model.fit`), or "auto": graph where it can
    """

    epochs: int
    batch_size: int
    callbacks: Sequence[Any] = ()
    engine: str = "auto"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise NinefoldError(f"{name}={getattr(self, name)}", "expected 1 or more")


@dataclass
class Trained:
    """What training one network left: metric → its value after each epoch.

    Both curves are evaluated at the end of the epoch, in inference mode, without penalties.
    """

    train: dict[str, list[float]] = field(default_factory=dict)
    validation: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0


class Trainer:
    """Trains the model that `build` makes, again and again from fresh weights.

    `build` takes no arguments and returns a compiled Keras model. After `train`, `model` is the
    trained one. Raises NinefoldError where `build` returns anything else.
    """

    def __init__(self, build: Callable[[], Any], recipe: Recipe):
        load_tensorflow()
        self._build, self._recipe = build, recipe
        self.engine = _choose_engine(recipe)
        self.model: Any = None
        self._one_column: bool | None = None  # the loss compares with (n, 1), not one-hot

    def train(self, rows: Rows, validation: Rows | None, seed: int) -> Trained:
        """Train from fresh weights; `seed` decides them, the row order and all noise."""
        start = time.perf_counter()
        self._renew(rows, seed)
        parts = [("", rows), ("val_", validation)]
        trained = Trained()

        def measure() -> dict[str, float]:
            logs: dict[str, float] = {}
            for prefix, part in parts:
                if part is not None and len(part.x):
                    curve = trained.validation if prefix else trained.train
                    for name, value in self._measure(part.x, part.y, part.weight).items():
                        curve.setdefault(name, []).append(float(value))
                        logs[prefix + name] = float(value)
            return logs

        callbacks = [copy.deepcopy(callback) for callback in self._recipe.callbacks]
        train = self._fit if self.engine == "fit" else self._train_in_graph
        train(rows, callbacks, measure, seed)
        trained.seconds = time.perf_counter() - start
        return trained

    def shape_targets(self, y: np.ndarray, classes: int, x: np.ndarray) -> np.ndarray:
        """Return (n,) codes or numbers as the compiled loss expects them: (n, 1), or one column a
        class for a loss that is not sparse. Any prepared rows `x` tell the network's outputs."""
        if self._one_column is None:
            self._one_column = classes < 2 or _compares_with_one_column(self._build(), x)
        return (y[:, None] if self._one_column else np.eye(classes)[y]).astype("float32")

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the model's outputs (n, outputs), in inference mode."""
        return np.concatenate([np.asarray(self._outputs(part)) for part in _chunks(x)])

    def _train_in_graph(self, rows: Rows, callbacks: list, measure: Callable, seed: int) -> None:
        import keras
        import tensorflow as tf

        called = keras.callbacks.CallbackList(
            callbacks, model=self.model, epochs=self._recipe.epochs, verbose=0
        )
        orders = np.random.default_rng(seed)
        batch_size = tf.constant(min(self._recipe.batch_size, len(rows.x)))
        logs: dict[str, float] = {}
        called.on_train_begin()
        for epoch in range(self._recipe.epochs):
            called.on_epoch_begin(epoch)
            order = orders.permutation(len(rows.x)).astype("int32")
            self._epoch(rows.x, rows.y, rows.weight, order, batch_size)
            logs = measure()
            called.on_epoch_end(epoch, logs)
            if self.model.stop_training:
                break
        model = self.model  # an optimizer may keep an average of the weights, as in `fit`
        model.optimizer.finalize_variable_values(model.trainable_weights)
        called.on_train_end(logs)

    def _fit(self, rows: Rows, callbacks: list, measure: Callable, seed: int) -> None:
        import keras

        first = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: logs.update(measure())
        )
        self.model.fit(
            rows.x, rows.y, sample_weight=rows.weight, epochs=self._recipe.epochs, verbose=0,
            batch_size=self._recipe.batch_size, callbacks=[first, *callbacks],
        )  # fmt: skip

    def _renew(self, rows: Rows, seed: int) -> None:
        """Give every variable the value that it has in a model built from `seed`."""
        import keras

        keras.utils.set_random_seed(seed)
        fresh = self._build()
        _must_be_compiled(fresh)
        if not fresh.built:
            fresh(rows.x[:1])
        fresh.optimizer.build(fresh.trainable_variables)
        if self.model is None or not _same_shapes(self.model, fresh):
            self._adopt(fresh, rows)
            return
        for old, new in zip(_state(self.model), _state(fresh), strict=True):
            old.assign(new)
        self.model.stop_training = False

    def _adopt(self, model: Any, rows: Rows) -> None:
        """Trace this model's epoch, curve point and outputs; they serve every later fold."""
        import tensorflow as tf

        # metrics create their variables at the first update, which a loop in a graph forbids
        model.test_step((rows.x[:1], rows.y[:1], rows.weight[:1]))
        model.reset_metrics()
        model.stop_training = False
        loss = _mean_loss(model)

        def epoch(x, y, weight, order, batch_size):
            for start in tf.range(0, tf.shape(order)[0], batch_size):
                part = order[start : start + batch_size]  # the last batch may be shorter
                model.train_step((tf.gather(x, part), tf.gather(y, part), tf.gather(weight, part)))

        def measure(x, y, weight):
            outputs = model(x, training=False)
            for metric in model.metrics:
                metric.reset_state()
            return dict(model.compute_metrics(x, y, outputs, weight)) | {
                "loss": loss(y, outputs, sample_weight=weight)
            }

        def outputs(x):
            return model(x, training=False)

        # any number of rows: folds and last batches differ by one, and must not trace anew
        x, y, weight = (
            tf.TensorSpec([None, *part.shape[1:]], tf.float32)
            for part in (rows.x, rows.y, rows.weight)
        )
        order = tf.TensorSpec([None], tf.int32)
        size = tf.TensorSpec([], tf.int32)
        self.model = model
        self._epoch = tf.function(epoch, input_signature=[x, y, weight, order, size])
        self._measure = tf.function(measure, input_signature=[x, y, weight])
        self._outputs = tf.function(outputs, input_signature=[x])


def _choose_engine(recipe: Recipe) -> str:
    if recipe.engine not in ENGINES:
        raise NinefoldError(f"engine={recipe.engine!r}", f"expected one of {', '.join(ENGINES)}")
    on_batches = [type(c).__name__ for c in recipe.callbacks if _hooks_batches(c)]
    if recipe.engine == "graph" and on_batches:
        raise NinefoldError(
            f"{on_batches[0]} is called on batches", 'engine="graph" calls between epochs',
            'use engine="auto" or "fit"',
        )  # fmt: skip
    return "fit" if on_batches or recipe.engine == "fit" else "graph"


def _hooks_batches(callback: Any) -> bool:
    import keras

    hooks = ((getattr(callback, name, None), name) for name in _BATCH_HOOKS)
    plain = keras.callbacks.Callback  # LambdaCallback has its hooks on the instance
    return any(getattr(hook, "__func__", hook) is not getattr(plain, name) for hook, name in hooks)


def _must_be_compiled(model: Any) -> None:
    import keras

    if not isinstance(model, keras.Model):
        raise NinefoldError(
            f"the model function returned {type(model).__name__}",
            "expected a compiled Keras model or a scikit-learn estimator",
        )
    if not model.compiled:
        raise NinefoldError(
            "the model is not compiled", todo="call model.compile(...) before returning it"
        )


def _compares_with_one_column(model: Any, x: np.ndarray) -> bool:
    """Tell whether a classifier's loss takes codes: it is sparse, or there is one output."""
    _must_be_compiled(model)
    outputs, loss = model(x[:1]), model.loss
    if not hasattr(outputs, "shape"):
        raise NinefoldError("the model has several outputs", "expected one")
    names = (loss, getattr(loss, "__name__", ""), type(loss).__name__)
    return outputs.shape[-1] == 1 or any("sparse" in str(name).lower() for name in names)


def _state(model: Any) -> list:
    """Everything that training changes: weights, generators of noise, the optimizer, metrics."""
    return [*model.variables, *model.optimizer.variables]


def _same_shapes(old: Any, new: Any) -> bool:
    return [v.shape for v in _state(old)] == [v.shape for v in _state(new)]


def _mean_loss(model: Any) -> Callable:
    """Return the compiled loss of (y, outputs, sample_weight=…): the mean over rows."""
    import keras

    loss = model.loss
    if isinstance(loss, (dict, list, tuple)):
        raise NinefoldError("the model has several losses", "expected one output with one loss")
    if isinstance(loss, keras.losses.Loss):
        return loss
    function = keras.losses.get(loss)

    class Mean(keras.losses.Loss):
        def call(self, y, outputs):
            return function(y, outputs)

    return Mean()


def _chunks(x: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, max(len(x), 1), _ROWS_AT_ONCE):
        yield x[start : start + _ROWS_AT_ONCE]
