"""What the parts of a compiled model hold, asked of themselves: `get_config` leaves things out
(in Keras 3.15 the delta of Huber, an axis, the weights that an optimizer does not decay)."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.training.fresh import is_of_keras, layers_of
from ninefold.study.training.stateless import STRENGTHS

# What a part keeps for Keras itself: whose it is, what it was built from, where its variables are.
_BOOKS = {
    "name", "build", "quantize", "built", "seed", "call_signature_parameters", "seed_generator",
    "_tracker", "_variables", "_trainable_variables", "_trainable_variables_indices", "_lock",
    "_metrics", "_distribution_strategy", "_dtype_policy", "_built", "_built_input_shape",
    "_build_input_shape", "_exclude_from_weight_decay", "_exclude_from_weight_decay_cache",
}  # fmt: skip


def live_state(model: Any, *, strengths: bool = True, own: bool = True) -> str:
    """Return a digest of what the layers, loss, metrics, optimizer, penalties and constraints of
    a compiled model hold, variables apart: equal for two that train alike from equal weights.

    strengths  those of L1, L2 and dropout count, too
    own        a part that is not of Keras is like no other: it may hold anything; without it,
               what is only there once a model's metrics are made does not count either
    """
    reader = _Reader(strengths, own)
    digest = hashlib.sha256()
    metrics = [m for group in model.metrics[1:] for m in getattr(group, "metrics", [group])]
    for part in (*_parts_of(model), *(metrics if own else ())):
        for piece in reader.read(part):
            digest.update(piece.encode("utf-8", "surrogatepass") + b"\0")
    if own:
        digest.update(repr(_decayed(model)).encode())
    return digest.hexdigest()[:16]


Likeness = tuple[list[tuple[int, ...]], str]


def likeness_of(model: Any) -> Likeness:
    """Return what the models of all folds must have in common: shapes of weights, settings."""
    return [tuple(v.shape) for v in model.weights], live_state(model, own=False)


def must_be_like(model: Any, wanted: Likeness) -> None:
    """Refuse a model that differs from the one of another fold."""
    shapes, state = likeness_of(model)
    if shapes != wanted[0]:
        raise NinefoldError(
            "the model function returned another architecture than before",
            "expected the same for all folds",
            "let it depend on its arguments alone",
        )
    if state != wanted[1]:
        raise NinefoldError(
            "the model function returned other settings than before, or a layer that holds other "
            "numbers which are no weights",
            "expected the same for all folds",
            "let it depend on its arguments alone, and make such numbers weights (add_weight)",
        )


def _parts_of(model: Any) -> Iterator[Any]:
    yield model.loss
    yield model.optimizer
    yield from layers_of(model)
    for variable in model.trainable_variables:
        yield variable.regularizer
        yield variable.constraint


def _decayed(model: Any) -> list[bool]:
    """Return of which weights the optimizer takes a share at each step."""
    optimizer = model.optimizer
    if not getattr(optimizer, "weight_decay", None):
        return []
    return [bool(optimizer._use_weight_decay(variable)) for variable in model.trainable_variables]


class _Reader:
    """Reads objects into pieces of text, each object once."""

    def __init__(self, strengths: bool, own: bool):
        self._strengths, self._own = strengths, own
        self._seen: dict[int, int] = {}

    def read(self, value: Any) -> Iterator[str]:
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
            yield repr(value)
        elif isinstance(value, (np.ndarray, np.generic)) or _is_tensor(value):
            array = np.asarray(value)
            yield f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"
        elif isinstance(value, re.Pattern):
            yield value.pattern
        elif isinstance(value, Mapping):
            for key in sorted(value, key=str):
                yield str(key)
                yield from self.read(value[key])
        elif isinstance(value, Set):
            yield repr(sorted(map(str, value)))
        elif isinstance(value, Sequence):
            yield f"{len(value)} of"
            for inner in value:
                yield from self.read(inner)
        else:
            yield from self._read_object(value)

    def _read_object(self, value: Any) -> Iterator[str]:
        import keras

        if isinstance(value, (keras.Variable, keras.initializers.Initializer)):
            return  # the state of training, and where it began
        named = getattr(value, "__qualname__", "")  # of a function or a class
        of_keras = is_of_keras(getattr(value if named else type(value), "__module__", "") or "")
        if not of_keras or getattr(value, "__closure__", None) or not (named or _has_dict(value)):
            yield named or type(value).__qualname__
            yield str(id(value)) if self._own else ""
        elif named:
            yield named
        elif id(value) in self._seen:
            yield f"the same as {self._seen[id(value)]}"
        else:
            self._seen[id(value)] = len(self._seen)
            yield type(value).__qualname__
            yield from self._read_attributes(value, isinstance(value, keras.layers.Layer))

    def _read_attributes(self, value: Any, is_layer: bool) -> Iterator[str]:
        skipped = _BOOKS
        if not self._strengths:
            skipped = skipped | set(STRENGTHS.get(type(value).__name__, ()))
        for name, inner in sorted(vars(value).items()):
            private = name.startswith("_self_") or (is_layer and name.startswith("_"))
            bookkeeping = (private and not _is_data(inner)) or _is_trained(inner)
            if name not in skipped and not bookkeeping:
                yield name
                yield from self.read(inner)


def _has_dict(value: Any) -> bool:
    return hasattr(value, "__dict__")


def _is_trained(value: Any) -> bool:
    """Tell whether an attribute is variables, which an optimizer has only when it is built."""
    import keras

    several = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(one, keras.Variable) for one in several)


def _is_data(value: Any) -> bool:
    """Tell whether a private attribute of a layer is numbers that its sums use."""
    return isinstance(value, np.ndarray) or _is_tensor(value)


def _is_tensor(value: Any) -> bool:
    import keras
    import tensorflow as tf

    is_tensor = isinstance(value, tf.Tensor) and not isinstance(value, keras.Variable)
    return is_tensor and hasattr(value, "numpy")
