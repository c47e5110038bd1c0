"""Products with the weights of many networks at once, in the shapes that are fast on a CPU."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any

from ninefold.study.training.fresh import is_of_keras, layers_of
from ninefold.study.training.recurrent import CELLS, unroll


@contextmanager
def suiting_batches(model: Any) -> Iterator[None]:
    """Within it some layers of the model compute the same sums in another order.

    A convolution multiplies patches of the image with its kernel: many networks' kernels at once
    are one product of stacked matrices, where TensorFlow would need a grouped convolution, which it
    lacks on a CPU. Recurrent layers are unrolled (see `recurrent`). Dense with a single unit sums
    products of numbers: 0.03 ms for 30 networks, where the product of stacked matrices takes
    0.11 ms (batches of 32, 16 inputs, two cores). Dropout takes its rate as a value, which networks
    may differ in.
    """
    import keras

    changed = []
    for layer in layers_of(model):
        if type(layer) is keras.layers.Conv2D:
            changed.append((layer, "convolution_op", partial(_convolve, layer)))
        elif type(layer) is keras.layers.Conv1D:
            changed.append((layer, "call", partial(_convolve_sequence, layer)))
        elif is_of_keras(type(layer).__module__) and type(layer).__name__ in CELLS:
            changed.append((layer, "inner_loop", partial(unroll, layer)))
        elif type(layer) is keras.layers.Dense and layer.units == 1:
            changed.append((layer, "call", partial(_sum_products, layer)))
        elif type(layer) is keras.layers.Dropout and layer.rate:
            changed.append((layer, "call", partial(_drop, layer)))
    try:
        for layer, name, method in changed:
            setattr(layer, name, method)
        yield
    finally:
        for layer, name, _ in changed:
            delattr(layer, name)  # back to the method of its class


def _sum_products(layer: Any, x: Any, training: bool | None = None) -> Any:
    """x (n, …, inputs), kernel (inputs, 1): what `Dense.call` returns."""
    import tensorflow as tf

    kernel = tf.convert_to_tensor(layer.kernel)
    outputs = tf.reduce_sum(x * tf.reshape(kernel, (-1,)), axis=-1, keepdims=True)
    outputs = outputs if layer.bias is None else outputs + layer.bias
    return outputs if layer.activation is None else layer.activation(outputs)


def _drop(layer: Any, x: Any, training: bool = False) -> Any:
    """What `Dropout.call` returns, for a rate that is a tensor."""
    import tensorflow as tf

    if not training:
        return x
    seed = tf.cast(layer.seed_generator.next(), "int32")
    rate = tf.convert_to_tensor(layer.rate)
    shape = tf.unstack(tf.shape(x))
    if layer.noise_shape is not None:
        pairs = zip(layer.noise_shape, shape, strict=True)
        shape = [its if given is None else given for given, its in pairs]
    return tf.nn.experimental.stateless_dropout(x, rate=rate, seed=seed, noise_shape=shape)


def _convolve(layer: Any, x: Any, kernel: Any) -> Any:
    """x (n, …, channels), kernel (…, channels, filters): one side, or height and width."""
    import tensorflow as tf

    *sizes, channels, filters = kernel.shape
    sides = zip(x.shape[1:-1], sizes, layer.strides, strict=True)
    if layer.padding != "valid":
        x = tf.pad(x, [[0, 0], *(_margin(layer.padding, *side) for side in sides), [0, 0]])
    places = [
        [slice(first, length - size + first + 1, stride) for first in range(size)]
        for length, size, stride in zip(x.shape[1:-1], sizes, layer.strides, strict=True)
    ]
    patches = tf.concat([x[(slice(None), *place)] for place in product(*places)], axis=-1)
    products = tf.matmul(
        tf.reshape(patches, (-1, math.prod(sizes) * channels)), tf.reshape(kernel, (-1, filters))
    )
    return tf.reshape(products, (-1, *patches.shape[1:-1], filters))


def _convolve_sequence(layer: Any, x: Any) -> Any:
    """What `Conv1D.call` returns."""
    import tensorflow as tf

    outputs = _convolve(layer, x, tf.convert_to_tensor(layer.kernel))
    outputs = outputs if layer.bias is None else outputs + layer.bias
    return outputs if layer.activation is None else layer.activation(outputs)


def _margin(padding: str, size: int, kernel: int, stride: int) -> list[int]:
    """Return how many zeros `same` or `causal` puts before and after."""
    if padding == "causal":
        return [kernel - 1, 0]
    missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return [missing // 2, missing - missing // 2]
