"""What a model does first to its inputs and last to its outputs: read from its layers, or tried."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ninefold.study.training.fresh import layers_of
from ninefold.study.training.private import all_layers_of, inputs_of, origin_of

_LOOKUPS = {"Embedding", "CategoryEncoding", "IntegerLookup", "Hashing"}
_MOVES = {  # layers and operations that leave the numbers as they are
    "InputLayer", "Identity", "Reshape", "Flatten", "Permute", "RepeatVector", "Cropping1D",
    "GetItem", "Cast", "ExpandDims", "Squeeze", "Split", "Transpose", "Dropout",
}  # fmt: skip
_DRAWS = 16


def lookups_of(model: Any) -> list[str]:
    """Return the kinds of layers in a model, and in its layers, that look whole numbers up."""
    kinds = [type(layer).__name__ for layer in all_layers_of(model)]
    return [kind for kind in kinds if kind in _LOOKUPS]


def takes_tokens(model: Any, name: str = "") -> bool:
    """Tell whether a model looks its inputs, or the one of that name, up in an embedding: they are
    numbers of tokens."""
    starts = {id(tensor) for tensor in _inputs(model, name)}
    for layer in model.layers:
        nested = bool(getattr(layer, "layers", ()))
        kind = type(getattr(layer, "layer", layer)).__name__
        if not (takes_tokens(layer) if nested else kind in _LOOKUPS):
            continue
        if not starts or any(_comes_from(tensor, starts) for tensor in inputs_of(layer)):
            return True
    return False


def has_inputs(model: Any) -> bool:
    """Tell whether a model has a graph from its inputs to its outputs, as one of a `call` of its
    own has not."""
    return bool(getattr(model, "inputs", None))


def _inputs(model: Any, name: str) -> Iterator[Any]:
    """Yield the input tensors of a model, those of a name; none where it has no graph."""
    if name and has_inputs(model) and isinstance(model.input, Mapping):
        yield model.input[name]
        return
    for tensor in getattr(model, "inputs", None) or ():
        if not name or tensor.name == name:
            yield tensor


def _comes_from(tensor: Any, starts: set[int]) -> bool:
    """Tell whether a tensor holds the numbers of one of these, moved at most."""
    if id(tensor) in starts:
        return True
    operation = origin_of(tensor)
    if type(operation).__name__ not in _MOVES:
        return False
    return any(_comes_from(one, starts) for one in inputs_of(operation))


def padding_of(model: Any) -> float:
    """Return the value that a model masks in sequences; 0 if it masks none."""
    masks = [la.mask_value for la in layers_of(model) if type(la).__name__ == "Masking"]
    return float(masks[0]) if masks else 0.0


def is_unbounded(model: Any, x: Any) -> bool:
    """Tell whether a model can answer any number, as one that ends in a linear layer can.

    Layers that are no plain `Dense` at the end are tried: with weights of random sizes, bounded
    outputs do not grow, and positive ones are never negative. x: some rows as the model takes them
    """
    import keras

    last: Any = origin_of(model.outputs[0]) if has_inputs(model) else None
    if type(last) is keras.layers.Dense:
        return last.activation is keras.activations.linear
    model(x, training=False)  # which may create the weights
    draw = np.random.default_rng(0)
    before, largest, signs = model.get_weights(), [0.0, 0.0], set()
    for number in range(_DRAWS):
        size = number % 2
        for variable in model.trainable_variables:
            variable.assign(draw.normal(0, (1e3, 1e5)[size], variable.shape))
        outputs = np.asarray(model(x, training=False))
        outputs = outputs[np.isfinite(outputs)]
        largest[size] = max(largest[size], np.abs(outputs).max(initial=0))
        signs |= set(np.sign(outputs).tolist())
    model.set_weights(before)
    return {-1.0, 1.0} <= signs and bool(largest[1] > 2 * largest[0])


def last_layer(model: Any) -> Any:
    """Return the last layer, of nested models the last one's."""
    while getattr(model, "layers", ()):
        model = model.layers[-1]
    return model
