"""All folds as one batch of networks: every step trains each network on a batch of its own rows.

The step of one network (`stateless`) is vectorised over the networks, whose states lie side by
side as the rows of two matrices (`packing`). Networks never wait for padding: where their last
batches differ in size, those of one size are stepped together.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from ninefold.study.training.callbacks import Called, naming
from ninefold.study.training.fresh import (
    build_fresh,
    inference,
    light_variables,
    make_metrics,
    must_be_alike,
)
from ninefold.study.training.jobs import Job, Recipe, Rows, Trained, row_orders
from ninefold.study.training.network_view import NetworkView
from ninefold.study.training.packing import Packing, Place
from ninefold.study.training.products import suiting_batches
from ninefold.study.training.redraw import Redraw
from ninefold.study.training.stateless import PENALTY, StatelessNetwork, strengths_of

# Numbers in one look at the rows of all networks: what a cache holds, of images their patches too.
_SEEN_AT_ONCE = {"rows": 2**20, "images": 2**16}


@dataclass
class Traced:
    """Functions of so many networks: train on batches, on whole ones, look at rows.

    is_new  XLA has not compiled them yet
    """

    train: Any
    train_whole: Any
    look: Any
    is_new: bool = False


def _compiled(function: Any) -> Any:
    """Return a traced function, compiled by XLA for the sizes that it is called with."""
    import tensorflow as tf

    return tf.function(
        lambda *parts: function(*parts), input_signature=function.input_signature,
        jit_compile=True, autograph=False,
    )  # fmt: skip


class BatchedModel:
    """One architecture and what is traced of it, for any number of rows and steps.

    xla   compile the whole batches of an epoch with XLA
    flat  see `StatelessNetwork`; not where callbacks of a user's may ask for the optimizer's state
    """

    def __init__(self, model: Any, rows: Rows, xla: bool = False, flat: bool = False):
        make_metrics(model, rows)
        self.model, self.pure = model, StatelessNetwork(model, flat)
        shapes = [(tuple(v.shape), v.dtype) for v in self.pure.variables]
        self.packing = Packing([*shapes, *[((), "float32")] * len(self.pure.strengths)])
        self.redraw: Redraw | None = None
        self.infer = inference(model, rows)
        self._rows, self._xla = rows, xla
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
            for part in (self._rows.x, self._rows.y, self._rows.weight)
        ]
        real = tf.TensorSpec([None, networks, None], tf.float32)
        train = tf.function(self._train, input_signature=[*state, *batches], autograph=False)
        look = tf.function(self._look, input_signature=[*state, *batches, real], autograph=False)
        if not self._xla:
            return Traced(train, train, look)
        whole, compiled_look = _compiled(train), _compiled(look)
        for function in (whole, compiled_look):  # traced in turn, to be compiled at once
            function.get_concrete_function()
        return Traced(train, whole, compiled_look, is_new=True)

    def _train(self, floats, wholes, *batches):
        """Return floats and wholes after training on batches (steps, networks, rows, …)."""
        values = self.packing.unstack(floats, wholes)
        return self.packing.stack(self._loop(self.pure.step, values, batches))

    def _look(self, floats, wholes, *rows):
        """Return what the metrics tell, metric → (networks,): of the epoch that was trained, and
        of rows (steps, networks, rows, …) as the networks stand."""
        import tensorflow as tf

        trainable, other, _, metrics, strengths = self.pure.split(
            self.packing.unstack(floats, wholes)
        )
        weights = (trainable, other, strengths)
        seen = self._loop(self.pure.observe, self._forgotten(metrics), rows, weights)
        return [
            tf.vectorized_map(lambda part: self.pure.results(*part), (found, *weights))
            for found in (metrics, seen)
        ]

    def _forgotten(self, metrics: list[Any]) -> list[Any]:
        import tensorflow as tf

        return [
            tf.zeros_like(old) + blank for old, blank in zip(metrics, self._no_metrics, strict=True)
        ]

    def _loop(
        self, act: Callable, values: list[Any], batches: Sequence[Any], fixed: Sequence[Any] = ()
    ) -> list[Any]:
        """Let values become act(values, *batch, *fixed) for each batch in turn."""
        import tensorflow as tf

        def one(step, values):
            parts = (values, *(part[step] for part in batches), *fixed)
            return step + 1, tf.vectorized_map(lambda part: act(*part), parts)

        with suiting_batches(self.model):
            return tf.while_loop(lambda step, _: step < tf.shape(batches[0])[0], one, (0, values))[
                1
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
    drawn = {0: batched.weights_of(first)}
    redraw = batched.redraw or Redraw(first, jobs[0].seed)
    if redraw is not batched.redraw:
        batched.redraw = redraw
        drawn |= {number: _draw(batched, build, jobs[number]) for number in {1, len(jobs) - 1}
                  if 0 < number < len(jobs)}  # fmt: skip

    def redrawn(job: Job) -> tuple[np.ndarray, np.ndarray]:
        return batched.packing.pack(redraw(job.seed))

    alike = all(
        np.array_equal(found, again)
        for number, rows in drawn.items()
        for found, again in zip(rows, redrawn(jobs[number]), strict=True)
    )
    for number, job in enumerate(jobs):
        if number not in drawn:
            drawn[number] = redrawn(job) if alike else _draw(batched, build, job)
        weights, generators = drawn[number]
        floats[number, : len(weights)], wholes[number, : len(generators)] = weights, generators
    return floats, wholes


def _draw(batched: BatchedModel, build: Callable, job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of a model built for the job."""
    with naming(job.name):
        try:
            with light_variables():
                model = build_fresh(build, job.seed, job.rows.x)
        except Exception:  # the function assigns to weights, or loads them: it needs variables
            model = build_fresh(build, job.seed, job.rows.x)
        must_be_alike(model, batched.model)
    return batched.weights_of(model)


class State:
    """The networks of one batch, by number: what training and callbacks change."""

    def __init__(self, batched: BatchedModel, floats: np.ndarray, wholes: np.ndarray):
        self.batched, self.floats, self.wholes = batched, floats, wholes
        groups = batched.pure.groups
        places = dict(zip(map(id, batched.pure.variables), batched.packing.places, strict=False))
        self._weights = [places[id(v)] for v in batched.model.weights]
        rates = [places[id(v)] for v in groups[2] if v.name == "learning_rate"]
        self._rate = rates[0].start if rates else None
        metrics = [places[id(v)] for v in groups[3]]
        self._metrics = slice(metrics[0].start, metrics[-1].stop)
        self._no_metrics = floats[0, self._metrics].copy()

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
        self.floats[:, self._metrics] = self._no_metrics

    def put_into_model(self, number: int) -> None:
        """Give the batch's Keras model the state of one network."""
        for variable, place in self._pairs():
            read = self.batched.packing.read
            variable.assign(read(self.floats[number], self.wholes[number], place))

    def take_from_model(self, number: int) -> None:
        for variable, place in self._pairs():
            write = self.batched.packing.write
            write(self.floats[number], self.wholes[number], place, variable.numpy())

    def _pairs(self) -> Iterator[tuple[Any, Place]]:
        """Yield each of the model's own variables with its place in the state."""
        model, pure = self.batched.model, self.batched.pure
        model.optimizer.build(model.trainable_variables)
        optimizer = model.optimizer.variables
        if pure.flat:  # of the optimizer's only its counter and its learning rate
            own = {variable.name: variable for variable in optimizer}
            optimizer = [own.get(variable.name) for variable in pure.optimizer.variables]
        variables = [*pure.groups[0], *pure.groups[1], *optimizer, *pure.groups[3]]
        for variable, place in zip(variables, self.batched.packing.places, strict=False):
            if variable is not None:
                yield variable, place

    def act(self, act: Callable, members: np.ndarray, batches: Sequence[Any]) -> None:
        """Let a function of `BatchedModel` act on all networks; only the members are changed."""
        floats, wholes = map(np.array, act(self.floats, self.wholes, *batches))
        self.floats[members], self.wholes[members] = floats[members], wholes[members]


class Stacked:
    """The rows of many networks side by side, those of fewer rows padded."""

    def __init__(self, parts: Sequence[Rows]):
        self.sizes = np.array([len(part) for part in parts])
        self._parts = [
            _pad([getattr(part, name) for part in parts], self.sizes.max())
            for name in ("x", "y", "weight")
        ]

    def batches(
        self, members: np.ndarray, orders: np.ndarray, size: int
    ) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        """Yield (some members, [x, y, weight]), each part (steps, networks, rows, …), that together
        hold the members' rows in their orders (networks, rows), `size` at a time. Where the sizes
        of last batches differ, what the other networks hold is to be ignored."""
        everyone = np.arange(len(self.sizes))[None, :, None]
        for some, start, steps, rows in plan_calls(self.sizes[members], size):
            order = orders[:, start : start + steps * rows]
            order = order.reshape(len(orders), steps, rows).transpose(1, 0, 2)
            yield members[some], [part[everyone, order] for part in self._parts]

    def view(self, at_once: int) -> list[np.ndarray]:
        """Return [x, y, weight, real] of all rows, each (steps, networks, rows, …), in steps of so
        many numbers at once. Padding is not `real` and has no weight; real rows have so much more
        that the mean over all is the mean over the real ones."""
        x, y, weight = self._parts
        rows = x.shape[1]
        steps = -(-x.size // at_once)
        at_once = -(-rows // steps)
        sizes = self.sizes[:, None]
        real = np.arange(steps * at_once) < sizes
        stretched = [
            _stretch(part, steps * at_once) for part in (x, y, weight * (steps * at_once / sizes))
        ]
        return [
            part.reshape(len(x), steps, at_once, *part.shape[2:]).swapaxes(0, 1).astype("float32")
            for part in (*stretched, real)
        ]


def _stretch(part: np.ndarray, rows: int) -> np.ndarray:
    """Pad an array (networks, n, …) to that many rows."""
    return np.pad(part, [(0, 0), (0, rows - part.shape[1]), *[(0, 0)] * (part.ndim - 2)])


def _pad(parts: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """Stack arrays (n, …) of unequal n."""
    stacked = np.zeros((len(parts), rows, *parts[0].shape[1:]), "float32")
    for number, part in enumerate(parts):
        stacked[number, : len(part)] = part
    return stacked


def plan_calls(sizes: np.ndarray, batch: int) -> Iterator[tuple[np.ndarray, int, int, int]]:
    """Yield (members, first row, steps, rows of each) that take every network through its rows:
    the whole batches that all have together, then, for each size, those left and a shorter one."""
    everyone = np.arange(len(sizes))
    shared = int(sizes.min()) // batch
    if shared:
        yield everyone, 0, shared, batch
    for size in np.unique(sizes):
        members, start = everyone[sizes == size], shared * batch
        whole, last = divmod(int(size) - start, batch)
        if whole:
            yield members, start, whole, batch
        if last:
            yield members, start + whole * batch, 1, last


def train_batch(state: State, jobs: Sequence[Job], recipe: Recipe) -> list[Trained]:
    """Train the networks of all jobs from their fresh states, side by side."""
    start = time.perf_counter()
    run = _Run(state, jobs, recipe)
    run.begin()
    for epoch in range(recipe.epochs):
        if not run.alive:
            break
        run.epoch(epoch)
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
        self.views = [NetworkView(state, number) for number in range(len(jobs))]
        self.called = [
            Called(recipe.callbacks, view, recipe.epochs, job.name)
            for view, job in zip(self.views, jobs, strict=True)
        ] if recipe.callbacks else []  # fmt: skip
        at_once = _SEEN_AT_ONCE["images" if jobs[0].rows.x.ndim > 2 else "rows"]
        self._views = [part.view(at_once) for part in (self.rows, self.held)]

    def begin(self) -> None:
        self._call(lambda number: self.called[number].begin())

    def epoch(self, epoch: int) -> None:
        self._call(lambda number: self.called[number].begin_epoch(epoch))
        if self.traced.is_new:  # what XLA compiles for the first look is compiled meanwhile
            self.traced.is_new = False
            with ThreadPoolExecutor(1) as other:
                other.submit(self._glance)
                self._train()
        else:
            self._train()
        self._look()
        self._call(lambda number: self.called[number].end_epoch(epoch, self.logs[number]))
        if self.called:
            self.alive = [n for n in self.alive if not self.called[n].stopped]

    def end(self, seconds: float) -> list[Trained]:
        self.alive = list(range(len(self.jobs)))
        self._finalize()
        self._call(lambda number: self.called[number].end(self.logs[number]))
        for number, trained in enumerate(self.trained):
            trained.weights, trained.seconds = self.state.weights(number), seconds
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

    def _glance(self) -> list[Any]:
        floats, wholes = self.state.floats.copy(), self.state.wholes.copy()
        return [self.traced.look(floats, wholes, *rows) for rows in self._views]

    def _look(self) -> None:
        """Append an epoch to what is found of each network still trained."""
        state = self.state
        looks = [self.traced.look(state.floats, state.wholes, *rows) for rows in self._views]
        (history, train), (_, validation) = (map(_as_numbers, look) for look in looks)
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
            self.logs[number] = logs
            self.trained[number].add(logs, seen, held)

    def _finalize(self) -> None:
        """An optimizer may keep an average of the weights, which `fit` takes in the end."""
        model = self.state.batched.model
        if not model.optimizer.use_ema:
            return
        for number in self.alive:
            self.state.put_into_model(number)
            model.optimizer.finalize_variable_values(model.trainable_weights)
            self.state.take_from_model(number)

    def _call(self, hook: Callable[[int], None]) -> None:
        if self.called:
            for number in self.alive:
                hook(number)
                self.views[number].give_back()


def _as_numbers(found: dict[str, Any]) -> dict[str, list[float]]:
    return {name: value.numpy().tolist() for name, value in found.items()}


def _none_of(rows: Rows) -> Rows:
    """One row that weighs nothing: there is no validation, and the trace wants some."""
    return Rows(rows.x[:1], rows.y[:1], rows.weight[:1] * 0)
