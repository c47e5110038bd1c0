"""Recurrent layers written out step by step: what a batch of networks is traced from.

A loop over time costs TensorFlow more at each turn than a small cell does, and more again when it
is vectorised over networks. Written out, the products of all steps with the inputs are one product.
"""

from collections.abc import Callable
from typing import Any


def unroll(
    layer: Any, sequences: Any, initial_state: Any, mask: None, training: bool = False
) -> tuple[Any, Any, list[Any]]:
    """Return what `inner_loop` of a SimpleRNN, GRU or LSTM without dropout and masks does.

    sequences (n, steps, features) → the last output (n, units), outputs (n, steps, units) or the
    last of them (n, 1, units), the states
    """
    import tensorflow as tf

    cell, (_, length, features) = layer.cell, sequences.shape
    in_time = tf.reshape(tf.transpose(sequences, (1, 0, 2)), (-1, features))
    inputs = tf.matmul(in_time, tf.convert_to_tensor(cell.kernel))
    of_inputs, of_state = _biases(cell)
    inputs = inputs if of_inputs is None else inputs + of_inputs
    steps = tf.unstack(tf.reshape(inputs, (length, -1, inputs.shape[-1])))
    state = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
    step = CELLS[type(layer).__name__](cell, _repeat(of_state, tf.shape(sequences)[0]))
    outputs = []
    for one in reversed(steps) if layer.go_backwards else steps:
        state = step(one, *state)
        outputs.append(state[0])
    return outputs[-1], tf.stack(outputs if layer.return_sequences else outputs[-1:], axis=1), state


def _biases(cell: Any) -> tuple[Any, Any]:
    """Return the biases of the products with the inputs and with the state; None for no bias."""
    if cell.bias is None or len(cell.bias.shape) == 1:
        return cell.bias, None
    return cell.bias[0], cell.bias[1]  # of a GRU that resets after the product


def _repeat(bias: Any, rows: Any) -> Any:
    """Return a bias (rows, width): broadcast once, not at each step."""
    import tensorflow as tf

    return None if bias is None else tf.matmul(tf.ones((rows, 1)), bias[None])


def _sum(*parts: Any) -> Any:
    """Add tensors of one shape; `+` could broadcast, and its gradient is ten operations more."""
    import tensorflow as tf

    return tf.add_n([part for part in parts if part is not None])


def _product(one: Any, other: Any) -> Any:
    """Multiply two tensors of one shape; see `_sum`."""
    import tensorflow as tf

    @tf.custom_gradient
    def multiply(one: Any, other: Any) -> tuple[Any, Callable]:
        return one * other, lambda upstream: (upstream * other, upstream * one)

    return multiply(one, other)


def _simple(cell: Any, bias: None) -> Callable:
    import tensorflow as tf

    recurrent = tf.convert_to_tensor(cell.recurrent_kernel)
    return lambda inputs, state: [cell.activation(_sum(inputs, tf.matmul(state, recurrent)))]


def _gru(cell: Any, bias: Any) -> Callable:
    import tensorflow as tf

    recurrent = tf.convert_to_tensor(cell.recurrent_kernel)
    gates, candidate = recurrent[:, : 2 * cell.units], recurrent[:, 2 * cell.units :]

    def step(inputs: Any, state: Any) -> list[Any]:
        update, reset, new = tf.split(inputs, 3, axis=1)
        if cell.reset_after:
            product = _sum(tf.matmul(state, recurrent), bias)
            of_update, of_reset, of_new = tf.split(product, 3, axis=1)
        else:
            of_update, of_reset = tf.split(tf.matmul(state, gates), 2, axis=1)
        update = cell.recurrent_activation(_sum(update, of_update))
        reset = cell.recurrent_activation(_sum(reset, of_reset))
        if cell.reset_after:
            of_new = _product(reset, of_new)
        else:
            of_new = tf.matmul(_product(reset, state), candidate)
        new = cell.activation(_sum(new, of_new))
        return [_sum(new, _product(update, _sum(state, -new)))]

    return step


def _lstm(cell: Any, bias: None) -> Callable:
    import tensorflow as tf

    recurrent = tf.convert_to_tensor(cell.recurrent_kernel)

    def step(inputs: Any, state: Any, carry: Any) -> list[Any]:
        enter, forget, new, leave = tf.split(_sum(inputs, tf.matmul(state, recurrent)), 4, axis=1)
        enter, forget, leave = map(cell.recurrent_activation, (enter, forget, leave))
        carry = _sum(_product(forget, carry), _product(enter, cell.activation(new)))
        return [_product(leave, cell.activation(carry)), carry]

    return step


CELLS = {"SimpleRNN": _simple, "GRU": _gru, "LSTM": _lstm}
