"""All folds as one batch of networks: every step trains each network on a batch of its own rows.

The step of one network (`stateless`) is vectorised over the networks, whose states lie side by
side as the rows of two matrices (`packing`). Networks never wait for padding: where their last
batches differ in size, those of one size are stepped together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ninefold.errors import naming
from ninefold.study.training.fresh import (
    TracedOnce,
    build_fresh,
    inference,
    light_variables,
    make_metrics,
)
from ninefold.study.training.jobs import Job, Rows
from ninefold.study.training.live import Likeness, likeness_of, must_be_like
from ninefold.study.training.packing import Packing
from ninefold.study.training.products import suiting_batches
from ninefold.study.training.redraw import Redraw
from ninefold.study.training.stateless import StatelessNetwork, strengths_of


@dataclass
class Traced:
    """Functions of so many networks: train on batches, on whole ones, look at rows.

    is_new  XLA has not compiled them yet
    """

    train: Any
    train_whole: Any
    look: Any
    is_new: bool = False


def _vectorize(act: Callable, parts: Sequence[Any]) -> Any:
    """Let a function of one network's parts act on those of all, (networks, …), at once."""
    import tensorflow as tf

    # random numbers are drawn for one network after another: no reason to warn
    return tf.vectorized_map(lambda part: act(*part), parts, warn=False)


class BatchedModel:
    """One architecture and what is traced of it, for any number of rows and steps.

    xla  compile the whole batches of an epoch with XLA
    """

    def __init__(self, model: Any, rows: Rows, xla: bool = False):
        make_metrics(model, rows)
        self.model, self.pure = model, StatelessNetwork(model)
        shapes = [(tuple(v.shape), v.dtype) for v in self.pure.variables]
        self.packing = Packing([*shapes, *[((), "float32")] * len(self.pure.strengths)])
        self.redraw: Redraw | None = None
        self.infer = inference(model, rows)
        self.rows, self._xla = rows, xla
        self._no_metrics = [v.numpy() for v in model.metrics_variables]
        self._traced: dict[int, Traced] = {}

    def traced(self, networks: int) -> "Traced":
        """Return the functions of so many networks, traced once."""
        if networks not in self._traced:
            self._traced[networks] = self._trace(networks)
        return self._traced[networks]

    def _trace(self, networks: int) -> "Traced":
        import tensorflow as tf

        state = [
            tf.TensorSpec([networks, self.packing.floats], tf.float32),
            tf.TensorSpec([networks, self.packing.wholes], tf.int64),
        ]
        batches = [
            tf.TensorSpec([None, networks, None, *part.shape[1:]], tf.float32)
            for part in (self.rows.x, self.rows.y, self.rows.weight)
        ]
        real = tf.TensorSpec([None, networks, None], tf.float32)
        held = tf.TensorSpec([None], tf.bool)
        trained, seen = [*state, *batches], [*state, held, *batches, real]
        train = TracedOnce(self._train, trained, autograph=False)
        if not self._xla:
            return Traced(train, train, TracedOnce(self._look, seen, autograph=False))
        whole = TracedOnce(train.concrete, trained, autograph=False, jit_compile=True)
        look = TracedOnce(self._look, seen, autograph=False, jit_compile=True)
        for function in (whole, look):  # traced in turn, to be compiled at once
            _ = function.concrete
        return Traced(train, whole, look, is_new=True)

    def _train(self, floats, wholes, *batches):
        """Return floats and wholes after training on batches (steps, networks, rows, …)."""
        import tensorflow as tf

        def one(step, values):
            parts = (values, *(part[step] for part in batches))
            return step + 1, _vectorize(self.pure.step, parts)

        values = self.packing.unstack(floats, wholes)
        with suiting_batches(self.model):
            _, values = tf.while_loop(
                lambda step, _: step < tf.shape(batches[0])[0], one, (0, values)
            )
        return self.packing.stack(values)

    def _look(self, floats, wholes, held, *rows):
        """Return what the metrics tell, metric → (networks,): of the epoch that was trained, and as
        the networks stand of rows (steps, networks, rows, …), those not held and those held.

        held  (steps,) whether the rows of a step are validation rows
        """
        import tensorflow as tf

        trainable, other, _, metrics, strengths = self.pure.split(
            self.packing.unstack(floats, wholes)
        )
        weights = (trainable, other, strengths)

        def choose(is_held, one, other):
            return [tf.where(is_held, a, b) for a, b in zip(one, other, strict=True)]

        def one(step, train, validation):
            so_far = choose(held[step], validation, train)
            parts = (so_far, *(part[step] for part in rows), *weights)
            seen = _vectorize(self.pure.observe, parts)
            is_held = held[step]
            return step + 1, choose(is_held, train, seen), choose(is_held, seen, validation)

        blank = self._forgotten(metrics)
        with suiting_batches(self.model):
            _, *seen = tf.while_loop(
                lambda step, *_: step < tf.shape(held)[0], one, (0, blank, list(blank))
            )
        return [_vectorize(self.pure.results, (found, *weights)) for found in (metrics, *seen)]

    def _forgotten(self, metrics: list[Any]) -> list[Any]:
        import tensorflow as tf

        return [
            tf.zeros_like(old) + blank for old, blank in zip(metrics, self._no_metrics, strict=True)
        ]

    def state_of(self, model: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the two rows of a freshly built model of this architecture."""
        values = [
            *(v.numpy() for v in (*model.trainable_variables, *model.non_trainable_variables)),
            *(
                _rate_of(model) if v.name == "learning_rate" else v.numpy()
                for v in self.pure.optimizer.variables
            ),
            *self._no_metrics,
            *strengths_of(model),
        ]
        return self.packing.pack(values)

    def weights_of(self, model: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the beginning of its two rows: weights and generators of noise."""
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        return self.packing.pack([v.numpy() for v in variables])


def _rate_of(model: Any) -> np.ndarray:
    return np.asarray(model.optimizer.learning_rate)


def fresh_states(
    batched: BatchedModel, first: Any, jobs: Sequence[Job], build: Callable
) -> tuple[np.ndarray, np.ndarray]:
    """Return the states (jobs, …) that training begins with; `first` is the first job's model.

    Weights are drawn without building the models where that is verified to give the same, bit for
    bit: against the models of the second and of the last job, for other variants of the
    architecture against that of their first.
    """
    floats, wholes = (np.repeat(row[None], len(jobs), axis=0) for row in batched.state_of(first))
    drawn, likeness = {0: batched.weights_of(first)}, likeness_of(first)
    redraw = batched.redraw or Redraw(first, jobs[0].seed)
    if redraw is not batched.redraw:
        batched.redraw = redraw
        others = {1, len(jobs) - 1} & set(range(1, len(jobs)))
        drawn |= {n: _draw(batched, build, jobs[n], likeness) for n in others}

    def redrawn(job: Job) -> tuple[np.ndarray, np.ndarray]:
        return batched.packing.pack(redraw(job.seed))

    alike = all(
        np.array_equal(found, again)
        for number, rows in drawn.items()
        for found, again in zip(rows, redrawn(jobs[number]), strict=True)
    )
    for number, job in enumerate(jobs):
        if number not in drawn:
            drawn[number] = redrawn(job) if alike else _draw(batched, build, job, likeness)
        weights, generators = drawn[number]
        floats[number, : len(weights)], wholes[number, : len(generators)] = weights, generators
    return floats, wholes


def _draw(
    batched: BatchedModel, build: Callable, job: Job, likeness: Likeness
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of a model built for the job."""
    with naming(job.name):
        try:
            with light_variables():
                model = build_fresh(build, job.seed, job.rows)
        except Exception:  # the function assigns to weights, or loads them: it needs variables
            model = build_fresh(build, job.seed, job.rows)
        must_be_like(model, likeness)
    return batched.weights_of(model)
