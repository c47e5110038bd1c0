"""Models as their function builds them: fresh from a seed, compiled, with one loss."""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.training.forms import Form
from ninefold.study.training.jobs import Rows
from ninefold.study.training.private import unknown_keras


def build_fresh(build: Callable[[], Any], seed: int, rows: Rows) -> Any:
    """Return the model that `build` makes from a seed, its variables created by a row.

    Raises NinefoldError where it is no compiled Keras model.
    """
    import keras

    keras.utils.set_random_seed(seed)
    _forget_metric_names()
    model = build()
    must_be_compiled(model)
    if not model.built:
        model(rows.form.x(rows.x[:1]))
    _must_be_new(model)
    return model


_BUILT: "WeakSet[Any]" = WeakSet()  # models, their optimizers and layers that are trained


def _must_be_new(model: Any) -> None:
    """Refuse what an earlier model has, and has trained: the next fold would begin with what this
    one has learned. Raises NinefoldError."""
    layers = [layer for layer in layers_of(model) if layer.trainable_weights]
    parts = [(model, "model"), (model.optimizer, "optimizer")]
    parts += [(layer, f"layer '{layer.name}'") for layer in layers]
    for part, called in parts:
        if part in _BUILT:
            raise NinefoldError(
                f"the model function returned the same {called} as before",
                "expected a new one each time",
                "make it inside of the function",
            )
    _BUILT.update(part for part, _ in parts)


def _forget_metric_names() -> None:
    """Let the next model's AUC be called "auc", not "auc_7": callbacks and curves name it so."""
    if unknown_keras():
        return
    from keras.src.backend.common import global_state
    from keras.src.utils.naming import to_snake_case

    counted = global_state.get_global_attribute("object_name_uids", default={})
    for kind in _kinds_of_metrics():
        counted.pop(to_snake_case(kind), None)


def _kinds_of_metrics() -> set[str]:
    import keras

    kinds, found = [keras.metrics.Metric], set()
    while kinds:
        kind = kinds.pop()
        if kind.__name__ not in found:
            found.add(kind.__name__)
            kinds += kind.__subclasses__()
    return found


@contextmanager
def light_variables() -> Iterator[None]:
    """Within it variables are plain tensors: enough to read the weights that a model is built
    with, in half the time. They cannot be assigned to."""
    import tensorflow as tf

    def as_tensor(_, initial_value: Any, dtype: Any = None, **options: Any) -> Any:
        value = initial_value() if callable(initial_value) else initial_value
        return tf.convert_to_tensor(value, dtype)

    with tf.variable_creator_scope(as_tensor):
        yield


def must_be_compiled(model: Any) -> None:
    import keras

    if not isinstance(model, keras.Model):
        is_estimator = hasattr(model, "get_params")
        raise NinefoldError(
            f"the model function returned {type(model).__name__}",
            "expected a compiled Keras model or a scikit-learn estimator",
            "let a function that returns an estimator take no `inputs`" if is_estimator else "",
        )
    if not model.compiled:
        raise NinefoldError(
            "the model is not compiled", todo="call model.compile(...) before returning it"
        )
    if model.loss is None:
        raise NinefoldError(
            "the model is compiled without a loss", "expected one", 'compile(…, loss="mse")'
        )


def make_metrics(model: Any, rows: Rows, weighted: bool = True) -> None:
    """Create the variables of the model's metrics, which Keras does at their first update: inside
    a compiled loop it would be too late."""
    if all(getattr(group, "built", True) for group in model.metrics[1:]):
        return
    before = [(variable, variable.numpy()) for variable in model.variables]
    model.test_step(rows.first.fed(weighted))
    model.reset_metrics()
    for variable, value in before:  # a network may draw noise in inference too
        variable.assign(value)


def must_begin_with_a_number(model: Any, rows: Rows, weighted: bool) -> None:
    """Refuse a model whose loss is no number before any training: it would be none ever after."""
    if not model.metrics or model.metrics[0].name != "loss":  # a step of the user's own
        return
    before = [(variable, variable.numpy()) for variable in model.variables]
    model.test_step(rows.first.fed(weighted))
    loss = float(model.metrics[0].result())
    model.reset_metrics()
    for variable, value in before:
        variable.assign(value)
    must_be_a_number(loss)


def must_be_a_number(loss: float) -> None:
    """Refuse the loss of a network that is none before any training."""
    if not np.isfinite(loss):
        raise NinefoldError(
            f"the loss of the network is {loss} before any training", "expected a number",
            "mend the loss, or the outputs that it is given",
        )  # fmt: skip


def inference(model: Any, rows: Rows) -> Callable:
    """Return the model's outputs, a list, as a function of any number of rows, in inference
    mode."""
    import tensorflow as tf

    signature = [tf.TensorSpec([None, *rows.x.shape[1:]], tf.float32)]
    as_inputs, of_each = map(as_written, (rows.form.x, rows.form.of_each))
    return TracedOnce(lambda x: of_each(model(as_inputs(x), training=False)), signature)


def as_written(function: Callable) -> Callable:
    """Keep TensorFlow from rewriting a function of ours that it need not, which takes it long."""
    import tensorflow as tf

    return tf.autograph.experimental.do_not_convert(function)


class TracedOnce:
    """A `tf.function` for any sizes of its signature, traced when asked for or first called.

    Each architecture traces the same lines anew, which TensorFlow would take for a mistake and
    warn of; a concrete function is not watched.
    """

    def __init__(self, act: Callable, signature: list[Any], **options: Any):
        self._act, self._options = act, {"input_signature": signature, **options}

    @functools.cached_property
    def concrete(self) -> Callable:
        import tensorflow as tf

        return tf.function(self._act, **self._options).get_concrete_function()

    def __call__(self, *parts: Any) -> Any:
        return self.concrete(*parts)


def single_loss(model: Any) -> Any:
    """Return the loss that a model was compiled with, a name, a function or an object. Raises
    NinefoldError where there are several."""
    loss = model.loss
    if isinstance(loss, dict):
        raise NinefoldError("the loss is a dict", "expected that of the one output", 'loss="mse"')
    if isinstance(loss, (list, tuple)):
        if len(loss) != 1:
            raise NinefoldError("the model has several losses", "expected one output with one loss")
        return loss[0]
    return loss


def losses_of(model: Any, outputs: Sequence[str]) -> dict[str, Any]:
    """Return output → its loss, of a model of several. Raises NinefoldError for one without."""
    loss = model.loss
    if isinstance(loss, (list, tuple)):  # in Keras's order, which is not that of a mapping
        loss = dict(zip(getattr(model, "output_names", outputs), loss, strict=False))
    losses = {name: loss.get(name) if isinstance(loss, dict) else loss for name in outputs}
    for name, its in losses.items():
        if its is None:
            raise NinefoldError(f"the output '{name}' has no loss", "expected one for each output")
        if getattr(its, "reduction", None) == "sum":
            raise NinefoldError(
                f"the loss of the output '{name}' is a sum over rows",
                "expected a mean, as of several outputs each counts whatever the batch",
            )
    return losses


def seen_loss(model: Any, form: Form) -> Callable:
    """Return the loss that rows are looked at with, of (y, outputs, sample_weight): without
    penalties, of several outputs the sum that the model was compiled with."""
    if not form.targets:
        return mean_loss(model)
    import tensorflow as tf

    def without_penalties(y: Any, outputs: Any, sample_weight: Any) -> Any:
        whole = model.compute_loss(None, y, outputs, sample_weight)
        return tf.cast(whole, tf.float32) - sum(tf.cast(one, tf.float32) for one in model.losses)

    return without_penalties


def mean_loss(model: Any) -> Callable:
    """Return the compiled loss of (y, outputs, sample_weight=…): the mean over rows, also where the
    model was compiled with their sum."""
    return mean_of(single_loss(model))


def mean_of(loss: Any) -> Callable:
    """Return a loss, a name, a function or an object, as the mean over rows."""
    import keras

    function = keras.losses.get(loss)
    if isinstance(function, keras.losses.Loss):
        if type(function).__call__ is not keras.losses.Loss.__call__:
            return function  # what it makes of rows is its own
        dtype, function = function.dtype, function.call  # a copy by `get_config` may be another
    else:
        dtype = None

    class Mean(keras.losses.Loss):
        def call(self, y, outputs):
            return function(y, outputs)

    return Mean(dtype=dtype)


def rows_apart(model: Any, rows: Rows) -> bool:
    """Tell whether the compiled loss is a mean of what it makes of each row by itself, as it is not
    for Dice or Tversky; the first of `rows` are tried."""
    import tensorflow as tf

    loss: Any = mean_loss(model)
    x, y = tf.constant(rows.first.x), tf.constant(rows.first.y)
    half = len(x) // 2
    if type(loss).__call__ is not _loss_call():
        return False
    outputs = model(x, training=False)
    whole, part = loss.call(y, outputs), loss.call(y[:half], outputs[:half])
    masked = getattr(whole, "_keras_mask", None) is not None  # a mean over those not masked
    if masked or not whole.shape.rank or whole.shape[0] != len(x):
        return False
    return bool(np.allclose(whole[:half], part, rtol=1e-4, atol=1e-6, equal_nan=True))


def _loss_call() -> Any:
    import keras

    return keras.losses.Loss.__call__


def layers_of(model: Any) -> Iterator[Any]:
    """Yield all layers of a model, those of the models in it too."""
    for layer in model.layers:
        yield layer
        yield from layers_of(layer) if hasattr(layer, "layers") else ()


def one_number(name: str, value: Any) -> float:
    """Return a metric's value. Raises NinefoldError for one that gives several numbers."""
    if np.size(value) != 1:
        raise NinefoldError(
            f"the metric {name} gives {np.size(value)} numbers", "expected one",
            'give it average="macro" or the like',
        )  # fmt: skip
    return float(np.reshape(value, ()))


def is_keras(thing: Any) -> bool:
    """Tell whether an object is of a class of Keras's, or of one that is made of it."""
    return any(is_of_keras(kind.__module__) for kind in type(thing).__mro__)


def is_of_keras(module: str) -> bool:
    """Tell whether a module is one of Keras's."""
    return module == "keras" or module.startswith("keras.")
