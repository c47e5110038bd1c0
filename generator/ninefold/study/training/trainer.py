"""The one narrow door to training networks: everything else sees `Trainer` and `Trained`."""

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError, naming, naming_others
from ninefold.quiet import load_tensorflow
from ninefold.study.training.agreement import disagreement
from ninefold.study.training.batch_run import State, train_batch
from ninefold.study.training.batched import BatchedModel, fresh_states
from ninefold.study.training.callbacks import refusing_memory
from ninefold.study.training.choice import Choice, choose_engine
from ninefold.study.training.forms import PLAIN, Form
from ninefold.study.training.fresh import (
    build_fresh,
    make_metrics,
    must_be_compiled,
    must_begin_with_a_number,
)
from ninefold.study.training.jobs import Job, Recipe, Trained, are_weighted
from ninefold.study.training.one_by_one import CompiledModel, train_each
from ninefold.study.training.randomness import caller_s_randomness
from ninefold.study.training.stateless import strengths_of
from ninefold.study.training.targets import (
    allows_scaling,
    as_targets,
    compares_with_one_column,
    sort_outputs,
    takes_flat_codes,
)

_KEPT = 8  # traces: one more makes the oldest go
_BATCH_BYTES = 2**28  # of the networks of one batch, with their rows
_ROWS_AT_ONCE = 4096  # rows in one inference call: bounds memory, not a hyper-parameter


class Traces:
    """The compiled models that variants of one architecture share, the last few of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple, Any] = OrderedDict()

    def get(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = make()
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


class Trainer:
    """Trains the model that `build` makes, again and again from fresh weights.

    `build` takes no arguments and returns a compiled Keras model. Raises NinefoldError where it
    returns anything else, and for whatever fails in a fold, by the fold's name.
    """

    def __init__(self, build: Callable[[], Any], recipe: Recipe, traces: Traces | None = None):
        load_tensorflow()
        self._build, self._recipe = build, recipe
        self._traces = traces or Traces()
        self._first: Any = None  # the first job's model, not yet trained
        self._compiled: Any = None
        self.choice = Choice("", "", "")
        self._one_column: bool | None = None  # the loss compares with (n, 1), not one-hot
        self._scales: bool | None = None
        self._several: tuple[bool, dict[str, bool]] | None = None  # the same for each output

    @property
    def model(self) -> Any:
        """Return the Keras model that serves all folds, with the weights last loaded."""
        return self._compiled.model

    def train(self, jobs: Sequence[Job]) -> Iterator[Trained]:
        """Train one network for each job, in order; see `train_together` for several variants."""
        return next(iter(train_together([self], [jobs])))

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Build the first job's model, choose the engine, and find or make the trace."""
        first, weighted = jobs[0], are_weighted(jobs)
        with naming(first.name):
            model = build_fresh(self._build, first.seed, first.rows)
            make_metrics(model, first.rows, weighted)
            self.choice = choose_engine(model, self._recipe, jobs)
            engine = self.choice.engine
            xla, batched = engine.endswith("xla"), engine.startswith("batched")
            if not batched:  # whose first step shows it
                must_begin_with_a_number(model, first.rows, weighted)
            shapes = (first.rows.x.shape[1:], first.rows.y.shape[1:], first.rows.form)
            # one at a time, the strengths of regularisers are constants of the trace
            strengths = () if batched else tuple(strengths_of(model))
            key = (engine, shapes, self.choice.key or self, strengths, batched or weighted)

            def make() -> BatchedModel | CompiledModel:
                if batched:
                    return BatchedModel(model, first.rows, xla)
                return CompiledModel(model, first.rows, xla, weighted)

            with refusing_memory(""):
                self._compiled = self._traces.get(key, make)
                self._must_agree(model, first, weighted)
        # a trace's own model is fresh only until another that shares it is trained one at a time
        alone = isinstance(self._compiled, CompiledModel)
        self._first = None if alone and model is self.model else model

    def _must_agree(self, model: Any, first: Job, weighted: bool) -> None:
        """Take the engine that calls Keras's own step, where the trace does another than it."""
        different = "" if self.choice.engine == "fit" else disagreement(
            self._compiled, model, first.rows
        )  # fmt: skip
        if not different:
            return
        engine, what = self._recipe.engine, f"a step of the batch has another {different}"
        if engine.startswith("batched"):
            raise NinefoldError(
                what, f'engine="{engine}" would not give what Keras gives',
                'use engine="auto" or "graph"',
            )  # fmt: skip
        if isinstance(self._compiled, BatchedModel):
            warnings.warn(f"{what} than Keras's: trained one at a time", stacklevel=2)
            self.choice = Choice("graph", f"{what} than Keras's", "")
        self._compiled = CompiledModel(model, first.rows, weighted=weighted)

    def _train_each(self, jobs: Sequence[Job]) -> Iterator[Trained]:
        engine, first, variant = self.choice.engine, self._first, self._recipe.variant
        named = [replace(job, variant=variant) for job in jobs]
        return train_each(self._compiled, first, named, self._build, self._recipe, engine)

    def shape_targets(
        self, y: np.ndarray, classes: int, x: np.ndarray, form: Form = PLAIN
    ) -> np.ndarray:
        """Return (n,) codes or numbers as the compiled loss expects them: (n, 1), or one column a
        class for a loss that is not sparse; as they are for the one that takes nothing else. Any
        prepared rows `x` tell the network's outputs."""
        if self._one_column is None:
            self._one_column = compares_with_one_column(
                self._sample, form.x(x[:2]), classes, self._recipe.targets
            )
        if takes_flat_codes(self._sample.loss):
            return y.astype("float32")
        return as_targets(y, classes, self._one_column)

    def shape_several(
        self, y: Mapping[str, np.ndarray], classes: Mapping[str, int], x: np.ndarray, form: Form
    ) -> tuple[np.ndarray, Form]:
        """Return output → (n,) codes or numbers as one table of targets, with the form that tells
        what the losses of the outputs make of it and of the inputs."""
        if self._several is None:
            self._several = sort_outputs(self._sample, form.x(x[:2]), classes, self._recipe.targets)
        listed, one_column = self._several
        parts = [as_targets(y[name], classes[name], one) for name, one in one_column.items()]
        columns = [(name, part.shape[1]) for name, part in zip(one_column, parts, strict=True)]
        return np.hstack(parts), replace(form, targets=tuple(columns), listed=listed)

    @property
    def outputs(self) -> list[str]:
        """Return the names of several outputs, in the network's order."""
        return list(self._several[1]) if self._several else []

    def scales_target(self, x: np.ndarray, form: Form) -> bool:
        """Tell whether the network of a regression is trained on a standardised target, if nobody
        says so or otherwise. Any prepared rows `x` serve to try the network."""
        if self._scales is None:
            self._scales = allows_scaling(self._sample, form.x(x[:8]))
        return self._scales

    @cached_property
    def _sample(self) -> Any:
        """A model that is only asked what it is, and never trained."""
        model = self._build()
        must_be_compiled(model)
        return model

    def load(self, trained: Trained) -> Any:
        """Return the Keras model with a trained network's weights."""
        self.model.set_weights(trained.weights)
        return self.model

    def separate(self, trained: Trained) -> Any:
        """Return a Keras model of its own with a trained network's weights."""
        with caller_s_randomness():
            model = self._build()
        if not model.built:
            rows = self._compiled.rows
            model(rows.form.x(rows.x[:1]))
        model.set_weights(trained.weights)
        return model

    def predict(self, trained: Trained, x: np.ndarray) -> list[np.ndarray]:
        """Return each output (n, …) of a trained network, in inference mode."""
        self.load(trained)
        starts = range(0, max(len(x), 1), _ROWS_AT_ONCE)
        parts = [self._compiled.infer(x[start : start + _ROWS_AT_ONCE]) for start in starts]
        return [
            np.concatenate([np.asarray(part) for part in of_one])
            for of_one in zip(*parts, strict=True)
        ]


def train_together(
    trainers: Sequence[Trainer], jobs: Sequence[Sequence[Job]]
) -> list[Iterator[Trained]]:
    """Train every trainer's jobs; where several share a trace and a recipe, as one batch.

    Returns for each trainer an iterator of what its jobs left, in their order.
    """
    for trainer, its in zip(trainers, jobs, strict=True):
        trainer.prepare([job for job in its if job.replicate == its[0].replicate])
    batches: dict[tuple, list[int]] = {}
    for number, trainer in enumerate(trainers):
        if isinstance(trainer._compiled, BatchedModel):
            recipe = trainer._recipe
            key = (id(trainer._compiled), recipe.epochs, recipe.batch_size, id(recipe.callbacks))
            batches.setdefault(key, []).append(number)
    trained: dict[int, Iterator[Trained]] = {}
    for members in batches.values():
        found = iter(_train_batches([trainers[n] for n in members], [jobs[n] for n in members]))
        for number in members:
            trained[number] = iter(list(islice(found, len(jobs[number]))))
    return [
        trained[number] if number in trained else trainer._train_each(jobs[number])
        for number, trainer in enumerate(trainers)
    ]


def _train_batches(trainers: Sequence[Trainer], jobs: Sequence[Sequence[Job]]) -> list[Trained]:
    """Train the jobs of trainers that share a trace, as many networks at once as memory allows.

    Those of a fold's second seed are a batch of their own: the first seed's, batched as if there
    were no other, end in the same weights, bit for bit. (In a batch of another size the last few
    networks are rounded otherwise.)
    """
    batched, recipe = trainers[0]._compiled, trainers[0]._recipe
    states = [
        fresh_states(batched, trainer._first, its, trainer._build)
        for trainer, its in zip(trainers, jobs, strict=True)
    ]
    floats, wholes = (np.concatenate(parts) for parts in zip(*states, strict=True))
    together = [
        replace(job, variant=trainer._recipe.variant)
        for trainer, its in zip(trainers, jobs, strict=True)
        for job in its
    ]
    size = max(part.rows.x.nbytes for part in together) * 2 + floats[0].nbytes + wholes[0].nbytes
    replicates = np.array([job.replicate for job in together])
    trained: dict[int, Trained] = {}
    for replicate in np.unique(replicates):
        members = np.flatnonzero(replicates == replicate)
        parts = -(-len(members) * size // _BATCH_BYTES)
        for where in np.array_split(members, parts):
            some = [together[number] for number in where]
            name = f"{some[0].name} to {some[-1].name}"
            with naming_others(name), refusing_memory(name):
                state = State(batched, floats[where], wholes[where])
                trained |= dict(zip(where.tolist(), train_batch(state, some, recipe), strict=True))
    return [trained[number] for number in range(len(together))]
