"""Which way a model is trained, and why: by its parts and its callbacks, never by the machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.study.training.architecture import read_architecture
from ninefold.study.training.callbacks import hooks_batches, is_light
from ninefold.study.training.fresh import is_of_keras, layers_of, mean_loss, rows_apart
from ninefold.study.training.jobs import Job, Recipe
from ninefold.study.training.private import unknown_keras

# XLA takes a second more to compile and half a millisecond less a step; random numbers are slow,
# and of 20 unrolled steps of an LSTM it takes 50 s to compile, to run no faster.
_MANY_STEPS = 3_000


@dataclass(frozen=True)
class Choice:
    """An engine, why it was taken, and the key of the trace it may share.

    engine  "batched": all networks as one, in a TensorFlow graph; "batched-xla": the same
            compiled by XLA; "graph": one network at a time, bit for bit as `model.fit`; "xla": the
            same compiled by XLA; "fit": `model.fit` itself
    """

    engine: str
    reason: str
    key: str


def choose_engine(model: Any, recipe: Recipe, jobs: Sequence[Job]) -> Choice:
    """Choose how models like this compiled one are trained, one for each job.

    Raises NinefoldError where the engine that the recipe forces cannot train it.
    """
    form = jobs[0].rows.form
    if not form.targets:
        mean_loss(model)  # there is one loss
    uncompilable = _uncompilable(model, recipe)
    if recipe.engine == "fit":
        return Choice("fit", "forced", "")
    if uncompilable:
        if recipe.engine != "auto":
            raise NinefoldError(
                uncompilable, f'engine="{recipe.engine}" compiles whole epochs',
                'use engine="auto" or "fit"',
            )  # fmt: skip
        return Choice("fit", uncompilable, "")
    architecture = read_architecture(model)
    if recipe.engine.endswith("xla") and any("seed_generator" in v.path for v in model.variables):
        raise NinefoldError(
            f'engine="{recipe.engine}" draws other noise than Keras',
            "expected a network without dropout or noise",
            'use engine="auto", "batched" or "graph"',
        )
    strange = [type(c).__name__ for c in recipe.callbacks if not is_light(c)]
    obstacle = "several inputs" if form.inputs else architecture.obstacle
    obstacle = "several outputs" if form.targets else obstacle
    if strange and not obstacle:
        obstacle = f"{strange[0]} may ask for anything of the model"
    forced = recipe.engine.startswith("batched")
    may_batch = forced or (recipe.engine == "auto" and len(jobs) > 1 and not architecture.doubt)
    if may_batch and not (obstacle or rows_apart(model, jobs[0].rows)):
        obstacle = "its loss is not a mean over rows"
    if forced and obstacle:
        raise NinefoldError(
            obstacle, f'engine="{recipe.engine}" takes what can be trained as a batch of networks',
            'use engine="auto" or "graph"',
        )  # fmt: skip
    if recipe.engine != "auto":
        return Choice(recipe.engine, "forced", architecture.key)
    if len(jobs) == 1:
        return Choice("graph", "one network", architecture.key)
    if architecture.doubt or obstacle:
        return Choice("graph", architecture.doubt or obstacle, architecture.key)
    if architecture.images and architecture.slow_xla:
        return Choice("graph", "convolutions beside noise or recurrent layers", architecture.key)
    if architecture.images:
        return Choice("batched-xla", "convolutions of many networks", architecture.key)
    steps = recipe.epochs * (len(jobs[0].rows) // recipe.batch_size)
    if steps > _MANY_STEPS and not architecture.slow_xla:
        return Choice("batched-xla", "many small steps", architecture.key)
    return Choice("batched", "small networks of Keras's own layers", architecture.key)


def _uncompilable(model: Any, recipe: Recipe) -> str:
    """Return what a compiled epoch cannot hold; "" where there is nothing of the kind."""
    import keras

    if strange := unknown_keras():
        return strange
    on_batches = [type(c).__name__ for c in recipe.callbacks if hooks_batches(c)]
    if on_batches:
        return f"{on_batches[0]} is called on batches"
    own = ("train_step", "test_step", "make_train_function", "fit")
    changed = [name for name in own if getattr(type(model), name) is not getattr(keras.Model, name)]
    if changed:
        return f"{type(model).__name__} has a {changed[0]} of its own"
    kinds = {type(layer) for layer in layers_of(model)}
    if any(kind.__name__ == "AugMix" and is_of_keras(kind.__module__) for kind in kinds):
        # in Keras 3.15 by Python's `random`: one trace for all folds would choose once
        return "AugMix chooses its operations when a step is traced"
    if type(model.optimizer).__name__ == "LossScaleOptimizer":
        return "its precision is mixed"
    return "the model runs eagerly" if model.run_eagerly else ""
