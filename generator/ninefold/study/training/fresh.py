"""Models as their function builds them: fresh from a seed, compiled, with one loss."""

import copy
import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.training.private import unknown_keras


def build_fresh(build: Callable[[], Any], seed: int, x: np.ndarray) -> Any:
    """Return the model that `build` makes from a seed, its variables created by rows `x`.

    Raises NinefoldError where it is no compiled Keras model.
    """
    import keras

    keras.utils.set_random_seed(seed)
    _forget_metric_names()
    model = build()
    must_be_compiled(model)
    if not model.built:
        model(x[:1])
    return model


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
        raise NinefoldError(
            f"the model function returned {type(model).__name__}",
            "expected a compiled Keras model or a scikit-learn estimator",
        )
    if not model.compiled:
        raise NinefoldError(
            "the model is not compiled", todo="call model.compile(...) before returning it"
        )


def compares_with_one_column(model: Any, x: np.ndarray, classes: int) -> bool:
    """Tell whether the loss takes codes or numbers: it is sparse, or there is one output.

    Raises NinefoldError where the outputs do not fit `classes`, 1 for a regression.
    """
    must_be_compiled(model)
    outputs, loss = model(x[:1]), model.loss
    if not hasattr(outputs, "shape"):
        raise NinefoldError("the model has several outputs", "expected one")
    must_have_outputs(int(np.prod(outputs.shape[1:])), classes)
    names = (loss, getattr(loss, "__name__", ""), type(loss).__name__)
    return outputs.shape[-1] == 1 or any("sparse" in str(name).lower() for name in names)


def must_have_outputs(width: int, classes: int) -> None:
    if width != classes and not (classes == 2 and width == 1):
        wanted = f"{classes}, one a class" if classes > 1 else "1 for a regression"
        raise NinefoldError(f"the network has {width} outputs", f"expected {wanted}")


def must_be_alike(model: Any, before: Any) -> None:
    """Refuse a model that differs from the one that is compiled for all folds."""
    if [v.shape for v in model.weights] != [v.shape for v in before.weights]:
        raise NinefoldError(
            "the model function returned another architecture than before",
            "expected the same for all folds",
            "let it depend on its arguments alone",
        )
    if digest_constants(model) != digest_constants(before):
        raise NinefoldError(
            "a layer holds numbers that are no weights and differ between folds",
            todo="make them weights (add_weight), or draw them outside of the model function",
        )


def make_metrics(model: Any, rows: Any) -> None:
    """Create the variables of the model's metrics, which Keras does at their first update: inside
    a compiled loop it would be too late."""
    if all(getattr(group, "built", True) for group in model.metrics[1:]):
        return
    before = [(variable, variable.numpy()) for variable in model.variables]
    model.test_step((rows.x[:1], rows.y[:1], rows.weight[:1]))
    model.reset_metrics()
    for variable, value in before:  # a network may draw noise in inference too
        variable.assign(value)


def inference(model: Any, rows: Any) -> Callable:
    """Return the model's outputs as a function of any number of rows, in inference mode."""
    import tensorflow as tf

    signature = [tf.TensorSpec([None, *rows.x.shape[1:]], tf.float32)]
    return TracedOnce(lambda x: model(x, training=False), signature)


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


def mean_loss(model: Any) -> Callable:
    """Return the compiled loss of (y, outputs, sample_weight=…): the mean over rows, also where the
    model was compiled with their sum."""
    import keras

    loss = model.loss
    if isinstance(loss, (list, tuple)) and len(loss) == 1:
        loss = loss[0]
    if isinstance(loss, (dict, list, tuple)):
        raise NinefoldError("the model has several losses", "expected one output with one loss")
    function = keras.losses.get(loss)
    if isinstance(function, keras.losses.Loss):
        function = copy.copy(function)
        function.reduction = "sum_over_batch_size"
        return function

    class Mean(keras.losses.Loss):
        def call(self, y, outputs):
            return function(y, outputs)

    return Mean()


def digest_constants(model: Any) -> str:
    """Return a digest of the tensors and arrays that layers hold and that are no variables, as
    an adapted Normalization does: they are constants of a trace."""
    import keras
    import tensorflow as tf

    digest = hashlib.sha256()
    for layer in layers_of(model):
        for name, value in sorted(vars(layer).items()):
            is_tensor = isinstance(value, tf.Tensor) and not isinstance(value, keras.Variable)
            if isinstance(value, np.ndarray) or (is_tensor and hasattr(value, "numpy")):
                digest.update(name.encode() + np.asarray(value).tobytes())
    return digest.hexdigest()[:16]


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


def is_of_keras(module: str) -> bool:
    """Tell whether a module is one of Keras's."""
    return module == "keras" or module.startswith("keras.")
