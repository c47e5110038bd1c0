"""One training of a batch of networks: epochs, looks, callbacks, each stopped in its own time."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ninefold.study.training.batched import BatchedModel
from ninefold.study.training.callbacks import Called
from ninefold.study.training.jobs import Job, Recipe, Rows, Trained, row_orders
from ninefold.study.training.network_view import NetworkView
from ninefold.study.training.stacked import Stacked
from ninefold.study.training.stateless import PENALTY

# Numbers in one look at the rows of all networks: what a cache holds, of images their patches too.
_SEEN_AT_ONCE = {"rows": 2**20, "images": 2**16}


class State:
    """The networks of one batch, by number: what training and callbacks change."""

    def __init__(self, batched: BatchedModel, floats: np.ndarray, wholes: np.ndarray):
        self.batched, self.floats, self.wholes = batched, floats, wholes
        groups = batched.pure.groups
        places = dict(zip(map(id, batched.pure.variables), batched.packing.places, strict=False))
        self._weights = [places[id(v)] for v in batched.model.weights]
        rates = [places[id(v)] for v in groups[2] if v.name == "learning_rate"]
        self._rate = rates[0].start if rates else None
        self._metrics = [places[id(v)] for v in groups[3]]
        self._fresh = floats[0].copy(), wholes[0].copy()

    def weights(self, number: int) -> list[np.ndarray]:
        read = self.batched.packing.read
        return [read(self.floats[number], self.wholes[number], place) for place in self._weights]

    def set_weights(self, number: int, weights: Sequence[np.ndarray]) -> None:
        write = self.batched.packing.write
        for place, value in zip(self._weights, weights, strict=True):
            write(self.floats[number], self.wholes[number], place, value)

    @property
    def has_rate(self) -> bool:
        """Whether the learning rate is a number, not a schedule."""
        return self._rate is not None

    def rate(self, number: int) -> float:
        return float(self.floats[number, self._rate])

    def set_rate(self, number: int, rate: float) -> None:
        self.floats[number, self._rate] = rate

    def forget_metrics(self) -> None:
        for place in self._metrics:
            matrix = self.floats if place.is_float else self.wholes
            fresh = self._fresh[0] if place.is_float else self._fresh[1]
            matrix[:, place.start : place.stop] = fresh[place.start : place.stop]

    def average_weights(self) -> None:
        """Take the average of the weights where the optimizer keeps one, as `fit` does."""
        pure = self.batched.pure
        if not pure.optimizer.use_ema:
            return
        averages = [v for v in pure.optimizer.variables if v.path.endswith("_average")]
        places = dict(zip(map(id, pure.variables), self.batched.packing.places, strict=False))
        for weight, average in zip(pure.groups[0], averages, strict=True):
            into, out = places[id(weight)], places[id(average)]
            self.floats[:, into.start : into.stop] = self.floats[:, out.start : out.stop]

    def act(self, act: Callable, members: np.ndarray, batches: Sequence[Any]) -> None:
        """Let a function of `BatchedModel` act on all networks; only the members are changed."""
        floats, wholes = map(np.array, act(self.floats, self.wholes, *batches))
        if len(members) == len(floats):
            self.floats, self.wholes = floats, wholes
            return
        self.floats[members], self.wholes[members] = floats[members], wholes[members]


def train_batch(state: State, jobs: Sequence[Job], recipe: Recipe) -> list[Trained]:
    """Train the networks of all jobs from their fresh states, side by side."""
    start = time.perf_counter()
    run = _Run(state, jobs, recipe)
    run.begin()
    for epoch in range(recipe.epochs):
        if not run.alive:
            break
        run.epoch(epoch)
        done = f"epoch {epoch + 1} of {recipe.epochs}"
        recipe.progress.tell(done, (epoch + 1) / recipe.epochs, len(jobs))
    recipe.progress.finish(len(jobs))
    return run.end((time.perf_counter() - start) / len(jobs))


class _Run:
    """One training of a batch: its rows, the callbacks of each network, what is found."""

    def __init__(self, state: State, jobs: Sequence[Job], recipe: Recipe):
        self.state, self.jobs, self.recipe = state, jobs, recipe
        self.traced = state.batched.traced(len(jobs))
        self.alive = list(range(len(jobs)))
        self.rows = Stacked([job.rows for job in jobs])
        self.held = Stacked([job.validation or _none_of(job.rows) for job in jobs])
        self.orders = [row_orders(job.seed, len(job.rows)) for job in jobs]
        self.trained = [Trained() for _ in jobs]
        self.logs: list[dict[str, float]] = [{} for _ in jobs]
        self.called = [
            Called(recipe, NetworkView(state, number), job, job.name)
            for number, job in enumerate(jobs)
        ] if recipe.callbacks else []  # fmt: skip
        self._seen_as_trained = all(job.rows.seen_as is None for job in jobs)
        self._view = self._make_view("images" if jobs[0].rows.x.ndim > 2 else "rows")

    def _make_view(self, kind: str) -> list[Any]:
        """Return what is looked at after each epoch: all training and validation rows."""
        import tensorflow as tf

        at_once = self.rows.rows_in(_SEEN_AT_ONCE[kind])
        seen = self.rows if self._seen_as_trained else Stacked([job.rows.seen for job in self.jobs])
        train, validation = (part.view(at_once) for part in (seen, self.held))
        is_held = np.repeat([False, True], [len(train[0]), len(validation[0])])
        both = (np.concatenate(parts) for parts in zip(train, validation, strict=True))
        return [tf.constant(part) for part in (is_held, *both)]

    def begin(self) -> None:
        self._call(lambda number: self.called[number].begin())

    def epoch(self, epoch: int) -> None:
        self._call(lambda number: self.called[number].begin_epoch(epoch))
        if self.traced.is_new:  # what XLA compiles for the first look is compiled meanwhile
            self.traced.is_new = False
            with ThreadPoolExecutor(1) as other:
                glance = other.submit(self._glance)
                self._train()
                glance.result()
        else:
            self._train()
        points = self._look()
        for number in self.alive:
            logs = self.logs[number]
            logs = self.called[number].end_epoch(epoch, logs) if self.called else logs
            self.trained[number].add(logs, *points[number])
        if self.called:
            self.alive = [n for n in self.alive if not self.called[n].stopped]

    def end(self, seconds: float) -> list[Trained]:
        self.alive = list(range(len(self.jobs)))
        self.state.average_weights()
        self._call(lambda number: self.called[number].end(self.logs[number]))
        for number, trained in enumerate(self.trained):
            trained.weights, trained.seconds = self.state.weights(number), seconds
            trained.callbacks = self.called[number].copies if self.called else ()
        return self.trained

    def _train(self) -> None:
        state, size = self.state, self.recipe.batch_size
        state.forget_metrics()
        orders = np.zeros((len(self.jobs), self.rows.sizes.max()), "int32")
        for number in self.alive:
            orders[number, : self.rows.sizes[number]] = next(self.orders[number])
        for members, batches in self.rows.batches(np.array(self.alive), orders, size):
            whole = batches[0].shape[2] == size
            train = self.traced.train_whole if whole else self.traced.train
            state.act(train, members, batches)

    def _glance(self) -> None:
        self.traced.look(self.state.floats.copy(), self.state.wholes.copy(), *self._view)

    def _look(self) -> dict[int, list[dict[str, float]]]:
        """Fill the logs, and return the two curves' points, of each network still trained."""
        state = self.state
        found = self.traced.look(state.floats, state.wholes, *self._view)
        history, train, validation = map(_as_numbers, found)
        points = {}
        for number in self.alive:
            logs, seen, held = (
                {name: values[number] for name, values in part.items() if name != PENALTY}
                for part in (history, train, validation)
            )
            if self.jobs[number].validation:
                logs |= {f"val_{name}": value for name, value in held.items()}
                logs["val_loss"] += history[PENALTY][number]
            else:
                held = {}
            self.logs[number], points[number] = logs, [seen, held]
        return points

    def _call(self, hook: Callable[[int], None]) -> None:
        if self.called:
            for number in self.alive:
                hook(number)


def _as_numbers(found: dict[str, Any]) -> dict[str, list[float]]:
    return {name: value.numpy().tolist() for name, value in found.items()}


def _none_of(rows: Rows) -> Rows:
    """One row that weighs nothing: there is no validation, and the trace wants some."""
    return Rows(rows.x[:1], rows.y[:1], rows.weight[:1] * 0)
