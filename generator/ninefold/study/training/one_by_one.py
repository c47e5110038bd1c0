"""One network at a time: an epoch compiled once and used for every fold, or `model.fit` itself.

The compiled epoch calls the model's own `train_step` on one batch after another, so that weights
and history are, bit for bit, those of `model.fit` fed the same order of rows.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError, naming
from ninefold.study.training.callbacks import Called, copies_for, refusing_memory
from ninefold.study.training.fresh import (
    TracedOnce,
    as_written,
    build_fresh,
    inference,
    layers_of,
    make_metrics,
    one_number,
    seen_loss,
)
from ninefold.study.training.jobs import Job, Recipe, Rows, Trained, row_orders
from ninefold.study.training.live import likeness_of, must_be_like

Logs = dict[str, float]
_SEEN_AT_ONCE = 4096  # rows in one look: bounds memory


class CompiledModel:
    """One model whose epoch, validation and looks at its rows are traced for any number of rows.

    xla       compile the epoch's whole batches with XLA
    weighted  give Keras the weights of rows; see `are_weighted`
    """

    def __init__(self, model: Any, rows: Rows, xla: bool = False, weighted: bool = True):
        self.rows, self._xla, self.weighted = rows, xla, weighted
        self._take(model)
        self.likeness = likeness_of(model)

    def _take(self, model: Any) -> None:
        make_metrics(model, self.rows, self.weighted)
        self.model, self._built = model, _settings_of(model)
        self._traced_as, self._train_function = self._built, model.train_function
        self._loss = model.metrics[0]
        self._trace()

    def _trace(self) -> None:
        import tensorflow as tf

        model, rows, form = self.model, self.rows, self.rows.form
        loss, given = seen_loss(model, form), 3 if self.weighted else 2  # of x, y, weight
        form_x, form_y = as_written(form.x), as_written(form.y)

        def over_batches(step: Callable, x, y, weight, order, batch_size):
            for start in tf.range(0, tf.shape(order)[0], batch_size):
                part = order[start : start + batch_size]  # the last batch may be shorter
                x_part, y_part = form_x(tf.gather(x, part)), form_y(tf.gather(y, part))
                step((x_part, y_part, tf.gather(weight, part))[:given])

        def epoch(x, y, weight, order, batch_size):
            over_batches(model.train_step, x, y, weight, order, batch_size)

        def whole_batches(x, y, weight):  # (steps, batch_size, …)
            for step in tf.range(tf.shape(x)[0]):
                model.train_step((form_x(x[step]), form_y(y[step]), weight[step])[:given])

        def validate(x, y, weight, order, batch_size):
            over_batches(model.test_step, x, y, weight, order, batch_size)

        noise = [v for v in model.variables if "seed_generator" in v.path]

        def observe(x, y, weight):
            for metric in model.metrics:
                metric.reset_state()
            before = [tf.identity(variable.value) for variable in noise]
            rows, total = tf.shape(x)[0], tf.zeros(())
            for start in tf.range(0, rows, _SEEN_AT_ONCE):
                part = slice(start, start + _SEEN_AT_ONCE)
                inputs, targets = form_x(x[part]), form_y(y[part])
                weights = weight[part] if self.weighted else None
                outputs = model(inputs, training=False)
                mean = loss(targets, outputs, sample_weight=weights)
                total += mean * tf.cast(tf.shape(weight[part])[0], tf.float32)
                model.compute_metrics(inputs, targets, outputs, weights)
            for variable, value in zip(noise, before, strict=True):
                variable.assign(value)  # to look takes nothing from the noise of training
            mean = total / tf.cast(rows, tf.float32)
            return dict(model.get_metrics_result()) | {"loss": mean}

        parts = [
            tf.TensorSpec([None, *part.shape[1:]], tf.float32)
            for part in (rows.x, rows.y, rows.weight)
        ]
        batches = [*parts, tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)]
        steps = [tf.TensorSpec([None, *part.shape], tf.float32) for part in parts]
        self.epoch = TracedOnce(epoch, batches)
        # XLA needs all sizes: it is given whole batches, the same for all folds
        self.whole_batches = (
            TracedOnce(whole_batches, steps, jit_compile=True) if self._xla else None
        )
        self.validate = TracedOnce(validate, batches)
        self.observe = TracedOnce(observe, parts)
        self.infer = inference(model, rows)

    def renew(self, fresh: Any) -> None:
        """Give every variable the value it has in a freshly built model; or, where callbacks have
        changed more than variables, take that model."""
        must_be_like(fresh, self.likeness)
        if _settings_of(self.model) != self._built:
            self._take(fresh)
        for old, new in zip(state_of(self.model), state_of(fresh), strict=True):
            old.assign(new)
        self.model.stop_training, self.model._initial_epoch = False, None

    def heed_callbacks(self, first: bool) -> None:
        """Trace anew what callbacks have changed about the model, as `fit` does: before the first
        epoch, or when they have had it make its train function. Raises NinefoldError where they
        have compiled it."""
        model = self.model
        if model.metrics[0] is not self._loss:
            raise NinefoldError(
                "a callback compiled the model", "expected it to stay as it was compiled, for "
                "model.fit cannot go on either", "set what is to change, such as the learning rate",
            )  # fmt: skip
        if not first and model.train_function is self._train_function:
            return
        settings, made = _settings_of(model), model.train_function
        if (settings, made) != (self._traced_as, self._train_function):
            self._traced_as, self._train_function = settings, made
            self._trace()


def _settings_of(model: Any) -> tuple:
    """Return what of a model is no variable and decides what a step does."""
    trainable = tuple(layer.trainable for layer in (model, *layers_of(model)))
    return trainable, model.optimizer, likeness_of(model)


def state_of(model: Any) -> list[Any]:
    """Return everything that training changes: weights, generators of noise, the optimizer."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def train_each(
    compiled: CompiledModel,
    fresh: Any,
    jobs: Sequence[Job],
    build: Callable,
    recipe: Recipe,
    engine: str,
) -> Iterator[Trained]:
    """Train one job after another. `fresh` is the first job's model, not yet trained."""
    train = _fit if engine == "fit" else _train
    for job in jobs:
        start = time.perf_counter()
        with naming(job.name), refusing_memory(""):
            fresh = fresh or build_fresh(build, job.seed, job.rows)
            must_be_like(fresh, compiled.likeness)
            trained = train(compiled, fresh, job, recipe)
            fresh = None
        trained.seconds = time.perf_counter() - start
        recipe.progress.finish()
        yield trained


def _train(compiled: CompiledModel, fresh: Any, job: Job, recipe: Recipe) -> Trained:
    import tensorflow as tf

    compiled.renew(fresh)
    model, rows, trained = compiled.model, job.rows, Trained()
    called = Called(recipe, model, job, "")
    orders, logs = row_orders(job.seed, len(rows)), Logs()
    batch_size = tf.constant(recipe.batch_size)
    called.begin()
    first = model._initial_epoch or 0  # BackupAndRestore goes on where it was interrupted
    for epoch, order in islice(enumerate(orders), first, recipe.epochs):
        called.begin_epoch(epoch)
        if recipe.callbacks:
            compiled.heed_callbacks(epoch == first)
        model.reset_metrics()
        if called.stopped:  # before it has begun: `fit` notices after a batch
            order = order[: recipe.batch_size]
        if compiled.whole_batches:
            order = _train_whole(compiled.whole_batches, rows, order, recipe.batch_size)
        if len(order):
            compiled.epoch(rows.x, rows.y, rows.weight, order, batch_size)
        logs = _as_floats(model.get_metrics_result())
        if job.validation:
            logs |= _validate(compiled, job.validation, batch_size)
        points = _curve_points(compiled.observe, job)
        trained.add(called.end_epoch(epoch, logs), *points)
        recipe.progress.tell(job.place, (epoch + 1) / recipe.epochs)
        if called.stopped:
            break
    # an optimizer may keep an average of the weights, which `fit` takes in the end
    model.optimizer.finalize_variable_values(model.trainable_weights)
    called.end(logs)
    trained.callbacks = called.copies
    trained.weights = model.get_weights()
    return trained


def _train_whole(train: Callable, rows: Rows, order: np.ndarray, size: int) -> np.ndarray:
    """Train on as many whole batches as there are; return the rows that are left."""
    steps = len(order) // size
    if steps:
        taken = order[: steps * size].reshape(steps, size)
        train(*(part[taken] for part in (rows.x, rows.y, rows.weight)))
    return order[steps * size :]


def _validate(compiled: CompiledModel, rows: Rows, batch_size: Any) -> Logs:
    compiled.model.reset_metrics()
    in_order = np.arange(len(rows), dtype="int32")
    compiled.validate(rows.x, rows.y, rows.weight, in_order, batch_size)
    found = _as_floats(compiled.model.get_metrics_result())
    return {f"val_{name}": value for name, value in found.items()}


def _curve_points(observe: Callable, job: Job) -> list[Logs]:
    return [
        _as_floats(observe(part.x, part.y, part.weight)) if part else {}
        for part in (job.rows.seen, job.validation)
    ]


def _as_floats(logs: dict[str, Any]) -> Logs:
    return {name: one_number(name, value) for name, value in logs.items()}


def _fit(compiled: CompiledModel, fresh: Any, job: Job, recipe: Recipe) -> Trained:
    """Train the fresh model itself: `fit` may be anything of the user's own."""
    import keras

    rows, held, trained, weighted = job.rows, job.validation, Trained(), compiled.weighted
    observe = CompiledModel(fresh, rows, weighted=weighted).observe

    def watch(epoch: int, logs: Logs) -> None:
        logs = _as_floats(logs)  # with what callbacks have added
        trained.add(logs, *_curve_points(observe, job))
        recipe.progress.tell(job.place, (epoch + 1) / recipe.epochs)

    copies = copies_for(recipe.callbacks, job)
    x, y, *weight = rows.fed(weighted)
    fresh.fit(
        x, y, sample_weight=next(iter(weight), None), epochs=recipe.epochs, verbose=0,
        batch_size=recipe.batch_size, validation_data=held.fed(weighted) if held else None,
        callbacks=[*copies, keras.callbacks.LambdaCallback(on_epoch_end=watch)],
    )  # fmt: skip
    trained.weights, trained.callbacks = fresh.get_weights(), tuple(copies)
    return trained
