"""A compiled model's training as pure functions of its state: one step, one look, its metrics."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from ninefold.study.training.fresh import is_of_keras, layers_of, mean_loss
from ninefold.study.training.private import PURE

Values = list[Any]  # one tensor for each variable of a `StatelessNetwork`, in its order


class StatelessNetwork:
    """The state of a compiled model, and what training does to it.

    The state is a list of tensors: trainable variables, other variables (generators of noise among
    them), the optimizer's, the metrics', the strengths of regularisers. An optimizer that treats
    each weight alike sees all of them as one vector, in a tenth of the operations (`flat`).
    """

    def __init__(self, model: Any):
        self.model = model
        self.flat = _treats_weights_alike(model)
        self.optimizer = _stateless_twin(
            model.optimizer,
            [_vector_of(model.trainable_variables)] if self.flat else model.trainable_variables,
        )
        self.strengths = _strengths(model)
        self.groups = (
            model.trainable_variables,
            model.non_trainable_variables,
            self.optimizer.variables,
            model.metrics_variables,
        )
        self._loss = mean_loss(model)

    @cached_property
    def variables(self) -> list[Any]:
        """Return all variables in the order of the state; the strengths follow them."""
        return [variable for group in self.groups for variable in group]

    def step(self, values: Values, x: Any, y: Any, weight: Any) -> Values:
        """Return the state after training on one batch, as `model.train_step` leaves it."""
        gradients, seen = self.gradients(values, x, y, weight)
        return self.apply(seen, gradients)

    def gradients(self, values: Values, x: Any, y: Any, weight: Any) -> tuple[Values, Values]:
        """Return the gradients of one batch, None where a weight has none, and the state after it
        was seen."""
        import tensorflow as tf

        trainable, other, optimizer, metrics, strengths = self.split(values)
        with tf.GradientTape() as tape:
            tape.watch(trainable)
            with self._scope(trainable, other, metrics, strengths) as scope:
                outputs = self.model(x, training=True)
                loss = self.model.compute_loss(x, y, outputs, weight, training=True)
                self.model.metrics[0].update_state(loss, sample_weight=tf.shape(x)[0])
                self.model.compute_metrics(x, y, outputs, weight)
                loss = self.optimizer.scale_loss(loss)
        gradients = [
            None if gradient is None else tf.convert_to_tensor(gradient)
            for gradient in tape.gradient(loss, trainable)
        ]
        _, other, _, metrics = self._current(scope)
        return gradients, [*trainable, *other, *optimizer, *metrics, *strengths]

    def apply(self, values: Values, gradients: Values) -> Values:
        """Return the state after the optimizer's step along these gradients."""
        trainable, other, optimizer, metrics, strengths = self.split(values)
        apply = self._apply_to_vector if self.flat else self.optimizer.stateless_apply
        trainable, optimizer = apply(optimizer, gradients, trainable)
        return [*trainable, *other, *optimizer, *metrics, *strengths]

    def _apply_to_vector(
        self, optimizer: Values, gradients: Values, trainable: Values
    ) -> tuple[Values, Values]:
        import tensorflow as tf

        def join(parts: Values) -> Any:
            return tf.concat([tf.reshape(part, (-1,)) for part in parts], axis=0)

        (vector,), optimizer = self.optimizer.stateless_apply(
            optimizer, [join(gradients)], [join(trainable)]
        )
        parts = tf.split(vector, [int(np.prod(part.shape)) for part in trainable])
        shaped = [tf.reshape(part, old.shape) for part, old in zip(parts, trainable, strict=True)]
        return shaped, optimizer

    def observe(
        self, metrics: Values, x: Any, y: Any, weight: Any, real: Any,
        trainable: Values, other: Values, strengths: Values,
    ) -> Values:  # fmt: skip
        """Return the metrics, updated by rows seen in inference mode.

        The loss among them has no penalties: it is the mean over all rows given, weighted; the
        others are of the rows where `real` is 1, not those where it is 0.
        """
        import tensorflow as tf

        with self._scope(trainable, other, metrics, strengths) as scope:
            outputs = self.model(x, training=False)
            loss = self._loss(y, outputs, sample_weight=weight)
            loss_tracker, *compiled = self.model.metrics
            loss_tracker.update_state(loss, sample_weight=tf.shape(x)[0])
            for metric in (m for group in compiled for m in group.metrics):
                metric.update_state(y, outputs, sample_weight=real)
        return self._current(scope)[3]

    def results(
        self, metrics: Values, trainable: Values, other: Values, strengths: Values
    ) -> dict[str, Any]:
        """Return what the metrics tell, by name, and the `PENALTY` of the weights."""
        import tensorflow as tf

        with self._scope(trainable, other, metrics, strengths):
            found = self.model.get_metrics_result()
            penalty = sum(self.model.losses, tf.zeros(()))
        return {**found, PENALTY: penalty}

    def split(self, values: Values) -> tuple[Values, ...]:
        """Divide a state: trainable, other, optimizer, metrics, strengths."""
        parts, start = [], 0
        for group in (*self.groups, self.strengths):
            parts.append(list(values[start : start + len(group)]))
            start += len(group)
        return tuple(parts)

    @contextmanager
    def _scope(self, trainable: Values, other: Values, metrics: Values, strengths: Values):
        """Within it the model's variables and strengths have the values given."""
        import keras

        variables = (*self.groups[0], *self.groups[1], *self.groups[3])
        mapping = list(zip(variables, (*trainable, *other, *metrics), strict=True))
        with (
            keras.StatelessScope(mapping, collect_losses=True) as scope,
            _set(self.strengths, strengths),
        ):
            yield scope

    def _current(self, scope: Any) -> list[Values]:
        return [[scope.get_current_value(v) for v in group] for group in self.groups]


PENALTY = "(penalty)"  # no metric of a user's is called so


def _stateless_twin(optimizer: Any, trainable: Sequence[Any]) -> Any:
    """Return an optimizer of the same configuration that can be applied without state.

    Keras's TensorFlow optimizers refuse `stateless_apply` for the sake of distribution strategies,
    of which there is none here; what they do to variables on a device (`PURE`) is taken back to
    what it is in Keras.
    """
    from keras.src.backend.tensorflow.optimizer import TFOptimizer
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    # after the optimizer's class and before TFOptimizer: Nadam has a step of its own
    pure = type("Pure", (TFOptimizer,), {name: getattr(BaseOptimizer, name) for name in PURE})
    kind: Any = type("Stateless", (type(optimizer), pure), {})
    twin = kind.from_config(optimizer.get_config())
    twin.build(trainable)
    if optimizer.weight_decay:  # some variables may be excluded, which no configuration says
        decayed = {twin._var_key(v): optimizer._use_weight_decay(v) for v in trainable}
        twin._exclude_from_weight_decay_cache = decayed
    return twin


_ALIKE = {"SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Lion", "Ftrl"}


def _treats_weights_alike(model: Any) -> bool:
    """Tell whether one step is the same sum for each weight, in whichever variable it is."""
    optimizer = model.optimizer
    return (
        is_of_keras(type(optimizer).__module__)
        and type(optimizer).__name__ in _ALIKE
        and not (optimizer.clipnorm or optimizer.weight_decay or optimizer.use_ema)
        and all(variable.constraint is None for variable in model.trainable_variables)
    )


def _vector_of(variables: Sequence[Any]) -> Any:
    import keras

    return keras.Variable(np.zeros(sum(int(np.prod(v.shape)) for v in variables), "float32"))


def strengths_of(model: Any) -> list[float]:
    """Return the strengths that may differ between the networks of one trace."""
    return [float(getattr(owner, attribute)) for owner, attribute in _strengths(model)]


STRENGTHS = {"L1": ("l1",), "L2": ("l2",), "L1L2": ("l1", "l2"), "Dropout": ("rate",)}


def _strengths(model: Any) -> list[tuple[Any, str]]:
    """Return (regulariser or layer, attribute) of all strengths that are not 0."""
    regularizers = [variable.regularizer for variable in model.trainable_variables]
    owners = {id(owner): owner for owner in (*regularizers, *layers_of(model))}
    return [
        (owner, attribute)
        for owner in owners.values()
        if is_of_keras(type(owner).__module__)
        for attribute in STRENGTHS.get(type(owner).__name__, ())
        if getattr(owner, attribute)
    ]


class _Strength:
    """A tensor that Keras may ask whether it is 0."""

    def __init__(self, tensor: Any):
        self._tensor = tensor

    def __ne__(self, other: object) -> bool:
        return True

    def __tf_tensor__(self, dtype: Any = None, name: Any = None) -> Any:
        return self._tensor


@contextmanager
def _set(strengths: Sequence[tuple[Any, str]], values: Sequence[Any]) -> Iterator[None]:
    before = [getattr(owner, attribute) for owner, attribute in strengths]
    try:
        for (owner, attribute), value in zip(strengths, values, strict=True):
            setattr(owner, attribute, _Strength(value))
        yield
    finally:
        for (owner, attribute), value in zip(strengths, before, strict=True):
            setattr(owner, attribute, value)
