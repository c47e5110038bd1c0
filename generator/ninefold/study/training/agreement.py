"""Does what was traced do what Keras would? One step of both, on the same rows, is compared before
a trace is used for a model: whatever a configuration does not say, a step shows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ninefold.study.training.batched import BatchedModel
from ninefold.study.training.fresh import must_be_a_number
from ninefold.study.training.jobs import Rows
from ninefold.study.training.one_by_one import CompiledModel, state_of
from ninefold.study.training.products import suiting_batches

_ROUNDING = 1e-3  # of the largest number of its kind: sums are taken in another order


def disagreement(compiled: BatchedModel | CompiledModel, model: Any, rows: Rows) -> str:
    """Return in what a trace's step is not that of a freshly built `model`; "" in nothing."""
    few = rows.first
    if isinstance(compiled, BatchedModel):
        return _of_batch(compiled, model, few)
    if compiled.model is model:
        return ""
    compiled.renew(model)
    found, wanted = _first_step(compiled.model, few), _first_step(model, few)
    return _difference(found, wanted)


def _of_batch(batched: BatchedModel, model: Any, few: Rows) -> str:
    import tensorflow as tf

    pure, packing = batched.pure, batched.packing
    floats, wholes = batched.state_of(model)
    values = [tf.constant(packing.read(floats, wholes, place)) for place in packing.places]
    wanted = _first_step(model, few)
    must_be_a_number(float(np.sum(wanted["loss"])))
    with suiting_batches(batched.model):
        gradients, after = pure.gradients(values, *map(tf.constant, (few.x, few.y, few.weight)))
    _, other, _, metrics, _ = pure.split(after)
    found = {"gradients": gradients, "state": other, "loss": metrics[: len(wanted["loss"])]}
    different = _difference(found, wanted)
    if different or batched.model is not model:
        return different
    return _of_optimizer(batched, model, values, wanted["gradients"])


def _of_optimizer(batched: BatchedModel, model: Any, values: list, gradients: Sequence) -> str:
    """Compare a step of the optimizer along these gradients; of one that changes weights by itself,
    as weight decay does, a step along none before it, which leaves nothing else."""
    import tensorflow as tf

    pure = batched.pure
    given = [tf.constant(g) if g is not None else None for g in gradients]
    with _kept(model):
        for factor in (0.0, 1.0) if getattr(model.optimizer, "weight_decay", None) else (1.0,):
            scaled = [None if g is None else factor * g for g in given]
            before = [v.numpy() for v in model.trainable_variables]
            model.optimizer.apply_gradients(zip(scaled, model.trainable_weights, strict=True))
            twin_before, values = pure.split(values)[0], pure.apply(values, scaled)
            moved = {
                "optimizer": [
                    a.numpy() - b for a, b in zip(model.trainable_variables, before, strict=True)
                ]
            }
            its = [
                np.asarray(a) - np.asarray(b)
                for a, b in zip(pure.split(values)[0], twin_before, strict=True)
            ]
            largest = max(float(np.abs(b).max(initial=0)) for b in before)
            if different := _difference({"optimizer": its}, moved, 1e-6 * largest):
                return different
    return ""


def _first_step(model: Any, few: Rows) -> dict[str, list]:
    """Return what the first `train_step` of a model comes to, and leave the model as it was."""
    caught: list[Any] = []
    optimizer = model.optimizer

    def catch(grads_and_vars: Any) -> None:
        caught.extend(gradient for gradient, _ in grads_and_vars)

    import tensorflow as tf

    with _kept(model):
        vars(optimizer)["apply_gradients"] = catch
        try:
            model.train_step(tf.nest.map_structure(tf.constant, few.fed()))
        finally:
            del vars(optimizer)["apply_gradients"]
        return {
            "gradients": [g if g is None else tf.convert_to_tensor(g).numpy() for g in caught],
            "state": [v.numpy() for v in model.non_trainable_variables],
            "loss": [v.numpy() for v in model.metrics[0].variables],
        }  # fmt: skip


@contextmanager
def _kept(model: Any) -> Iterator[None]:
    variables = [*state_of(model), *model.metrics_variables]
    before = [variable.numpy() for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


def _difference(found: dict[str, list], wanted: dict[str, list], floor: float = 1e-6) -> str:
    """Return the first kind of numbers that differ by more than rounding; "" where none do."""
    for kind, its in wanted.items():
        if [part is None for part in found[kind]] != [part is None for part in its]:
            return kind
        pairs = [
            (np.asarray(a, float), np.asarray(b, float))
            for a, b in zip(found[kind], its, strict=True)
            if b is not None
        ]
        sizes = [np.abs(b).max(initial=0) for _, b in pairs]
        if kind == "gradients":  # those that are nothing but rounding are measured by the others
            sizes = [max(sizes, default=0)] * len(pairs)
        for (a, b), size in zip(pairs, np.nan_to_num(sizes, posinf=0), strict=True):
            if not np.allclose(a, b, rtol=0, atol=_ROUNDING * size + floor, equal_nan=True):
                return kind
    return ""
