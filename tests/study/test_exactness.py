"""The engine against one `model.fit` fed the same rows: a table of networks that, between them,
hold every layer, optimizer, penalty, constraint, schedule and callback that matters."""

import copy
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.training import (
    Job,
    Recipe,
    Rows,
    Traces,
    Trained,
    Trainer,
    row_orders,
    train_together,
)
from ninefold.study.training.architecture import LAYERS, OPTIMIZERS, read_architecture
from ninefold.study.training.fresh import layers_of

load_tensorflow()
import keras  # noqa: E402
from keras import constraints, layers, losses, metrics, optimizers  # noqa: E402
from keras.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau  # noqa: E402
from keras.optimizers import schedules  # noqa: E402
from keras.regularizers import L1, L1L2, L2  # noqa: E402

BATCH = 16
SIZES = ((37, 11), (70, 20), (64, 16))  # rows and validation rows of folds: last batches of 5, 6, 0
CLOSE = 1e-4  # what the faster modes may differ by


@keras.saving.register_keras_serializable("ninefold tests")
class Gate(layers.Layer):
    """A layer of one's own, with a weight and noise of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.noise = keras.random.SeedGenerator()

    def build(self, shape):
        self.gate = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x, training=False):
        x = x * self.gate
        return keras.random.dropout(x, 0.2, seed=self.noise) if training else x


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(6, "relu", kernel_regularizer=L2(0.01))
        self.drop = layers.Dropout(0.2)
        self.end = layers.Dense(1, "sigmoid")

    def call(self, x, training=False):
        return self.end(self.drop(self.hidden(x), training=training))


class Halve(keras.callbacks.Callback):
    """A callback of one's own: halves a weight and the rate, looks at outputs, stops in the end."""

    def on_epoch_end(self, epoch, logs=None):
        model = self.model
        model.optimizer.learning_rate = 0.5 * float(model.optimizer.learning_rate)
        model.layers[-1].kernel.assign(0.5 * model.layers[-1].kernel)
        assert np.isfinite(np.asarray(model(np.ones((2, 4), "float32")))).all()
        model.stop_training = logs["val_loss"] < 0 or epoch == 1


def table(*parts: Any, optimizer: Any, loss: Any = "binary_crossentropy", end=None, **compiled):
    end = end or layers.Dense(1, "sigmoid")
    return _compile(keras.Sequential([keras.Input((4,)), *parts, end]), optimizer, loss, **compiled)


def _compile(model: Any, optimizer: Any, loss: Any = "binary_crossentropy", **compiled: Any):
    model.compile(optimizer=optimizer, loss=loss, **compiled)
    return model


def regularised(optimizer: Any):
    return table(
        layers.Dense(8, "relu", kernel_regularizer=L2(0.01), kernel_constraint="max_norm"),
        layers.Dropout(0.3),
        layers.Dense(6, use_bias=False, kernel_regularizer=L1(0.01)),
        layers.BatchNormalization(gamma_regularizer=L1L2(0.01, 0.02)),
        layers.GaussianNoise(0.1),
        optimizer=optimizer,
        metrics=["accuracy", metrics.AUC(num_thresholds=20, name="auc"), "mse"],
    )


def skip():
    start = keras.Input((4,))
    x = layers.Dense(6, "tanh", bias_constraint=constraints.NonNeg())(start)
    y = layers.LayerNormalization()(layers.Dense(6, kernel_regularizer=L1L2(0.01, 0.01))(x))
    end = layers.Dense(1, "sigmoid")(layers.Add()([x, layers.Dropout(0.2)(y)]))
    optimizer = optimizers.AdamW(schedules.CosineDecay(0.02, 12), weight_decay=0.05)
    return _compile(keras.Model(start, end), optimizer, weighted_metrics=["accuracy"])


def many_layers():
    """All layers that compute row by row, in one network; no tensor is used more than twice, for
    TensorFlow adds three gradients in an order that differs from one trace to the next."""
    start = keras.Input((4,))
    x = layers.Rescaling(0.5, offset=0.1)(start)
    a = layers.LeakyReLU(0.1)(layers.Dense(6)(x))
    b = layers.ELU()(layers.Dense(6, kernel_constraint=constraints.UnitNorm())(x))
    c = layers.PReLU()(layers.Dense(6)(x))
    d = layers.ReLU(max_value=2.0)(layers.Dense(6)(x))
    e = layers.Minimum()([layers.Subtract()([a, b]), layers.Multiply()([b, c])])
    f = layers.Add()([layers.Average()([c, d]), layers.Maximum()([a, d])])
    x = layers.Reshape((6, 2))(layers.Concatenate()([e, f]))
    x = layers.Activation("softplus")(layers.Dense(2)(x))
    x = layers.Softmax()(layers.Dense(3)(layers.Flatten()(x)))
    return _compile(
        keras.Model(start, x), optimizers.SGD(0.05, momentum=0.9, nesterov=True, clipvalue=0.05),
        losses.SparseCategoricalCrossentropy(), metrics=["accuracy"],
    )  # fmt: skip


def noises():
    return table(
        layers.Dense(6, "selu"), layers.AlphaDropout(0.1),
        layers.Dropout(0.2, noise_shape=(1, 6)), layers.Dense(6, "elu"),
        layers.GaussianDropout(0.2), layers.GaussianNoise(0.2), layers.Dense(6, "tanh"),
        optimizer=optimizers.Adam(0.01, clipnorm=0.1, amsgrad=True), loss="huber",
    )  # fmt: skip


def nested():
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(5, "relu"), layers.Dropout(0.2)])
    frozen = layers.Dense(5, "tanh", trainable=False, kernel_regularizer=L2(0.1))
    return table(
        frozen, inner, layers.Dense(4, kernel_constraint=constraints.MinMaxNorm(0.2, 0.8)),
        optimizer=optimizers.Adadelta(1.0, global_clipnorm=0.3), loss="binary_focal_crossentropy",
    )  # fmt: skip


def images(dropout: float = 0.0):
    start = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer=L2(0.01))(start)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(dropout)(x) if dropout else x
    x = layers.Conv2D(3, (2, 1), strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    y = layers.AveragePooling2D(2)(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(y)])
    end = layers.Dense(3, "softmax")(layers.Dense(4, "tanh")(x))
    return _compile(
        keras.Model(start, end), "adam", "categorical_crossentropy", metrics=["accuracy"]
    )


def words():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Embedding(9, 3), layers.LSTM(4, dropout=0.2), layers.Dense(1)]
    )
    return _compile(model, optimizers.RMSprop(0.01), "mse")


def series():
    return table(layers.Reshape((4, 1)), layers.GRU(3), optimizer=optimizers.Nadam(0.01))


def sequences():
    """All layers of sequences, with the settings that change their sums."""
    start = keras.Input((8, 8, 2))
    x = layers.Normalization(mean=0.1, variance=1.5)(layers.Reshape((16, 8))(start))
    a = layers.Conv1D(5, 3, strides=2, padding="same", activation="relu", use_bias=False)(x)
    b = layers.Conv1D(5, 4, padding="causal", kernel_regularizer=L2(0.01))(x)
    c = layers.LSTM(5, return_sequences=True, activation="elu")(layers.MaxPooling1D(2)(b))
    d = layers.GRU(4, return_sequences=True, go_backwards=True, use_bias=False)(a)
    e = layers.GRU(4, reset_after=False, return_sequences=True, kernel_regularizer=L1(0.01))(a)
    f = layers.SimpleRNN(3)(layers.AveragePooling1D(3, strides=1)(layers.Add()([a, c])))
    ends = [layers.GlobalAveragePooling1D()(d), layers.GlobalMaxPooling1D()(e)]
    ends += [layers.LSTM(3, use_bias=False)(layers.Dropout(0.2)(a)), layers.GRU(3)(b), f]
    end = layers.Dense(3, "softmax")(layers.Concatenate()(ends))
    return _compile(keras.Model(start, end), "adam", "categorical_crossentropy")


def active():
    middle = layers.Dense(5, "relu", activity_regularizer=L1L2(0.01, 0.01))
    return table(middle, optimizer=optimizers.SGD(0.1), metrics=["accuracy"])


def numbers():
    return table(
        layers.Dense(6, "relu"), layers.LayerNormalization(),
        layers.Dense(4, "tanh", kernel_regularizer=L2(0.01)),
        optimizer="adam", loss="mse", end=layers.Dense(1), metrics=["mae"],
    )  # fmt: skip


def own_loss(y, outputs):
    return keras.ops.mean(keras.ops.abs(y - outputs) ** 1.5, axis=-1)


@dataclass(frozen=True)
class Case:
    """A network, how it is trained, the rows it is given ("table", "classes", "numbers", "images",
    "words"), and the faster modes that it is compared in.

    folded  TensorFlow, when it optimises a graph, folds this network's constants in another order
            inside a loop (cos(pi * step / 12), say): bit for bit only where it folds none
    rounded TensorFlow takes this network's sums in another order inside a loop: close, not equal
    """

    build: Callable[[], Any]
    callbacks: Sequence[Any] = ()
    rows: str = "table"
    faster: tuple[str, ...] = ("batched",)
    epochs: int = 3
    folded: bool = False
    rounded: bool = False


def _case(optimizer: Callable, *callbacks: Any, **options: Any) -> Case:
    return Case(lambda: regularised(optimizer()), callbacks, **options)


CASES = {
    "regularised, momentum, schedule": _case(
        lambda: optimizers.SGD(schedules.ExponentialDecay(0.05, 4, 0.7), momentum=0.9),
    ),
    "skip, decayed weights, cosine": Case(skip, faster=(), folded=True),
    "many layers, nesterov, clipped values": Case(many_layers, rows="classes"),
    "noises, clipped norms": Case(noises),
    "nested and frozen, globally clipped": Case(nested),
    "numbers": Case(numbers, rows="numbers", faster=("batched", "batched-xla", "xla")),
    "averaged weights": _case(
        lambda: optimizers.RMSprop(0.003, 0.9, 0.5, centered=True, use_ema=True, ema_momentum=0.9),
        folded=True,
    ),
    "plateau": _case(
        lambda: optimizers.Adagrad(0.05), ReduceLROnPlateau(patience=1, factor=0.5, min_delta=10)
    ),
    "scheduled": _case(
        lambda: optimizers.Adamax(0.01), LearningRateScheduler(lambda e, rate: rate / (e + 1))
    ),
    "stopped early": _case(
        lambda: optimizers.Nadam(0.05), EarlyStopping(patience=1, restore_best_weights=True),
        epochs=9,
    ),
    "own callback": _case(lambda: optimizers.SGD(0.05), Halve(), faster=()),
    "proximal": _case(lambda: optimizers.Ftrl(0.05)),
    "two callbacks": _case(
        lambda: optimizers.Lamb(0.01), EarlyStopping(patience=2, restore_best_weights=True),
        LearningRateScheduler(lambda e: 0.02 if e < 3 else 0.2), epochs=6,
    ),
    "signs": _case(lambda: optimizers.Lion(0.003, weight_decay=0.1)),
    "decayed weights": _case(lambda: optimizers.AdamW(0.01, weight_decay=0.1)),
    "images": Case(images, rows="images", faster=("batched", "batched-xla", "xla")),
    "images with dropout": Case(
        partial(images, dropout=0.3), rows="images", faster=()
    ),
    "words": Case(words, rows="words", faster=()),
    "series": Case(series),
    "sequences": Case(sequences, rows="images", rounded=True),
    "own layer": Case(lambda: table(Gate(), optimizer="rmsprop"), faster=()),
    "own loss": Case(
        lambda: table(layers.Dense(4, "tanh"), optimizer="sgd", loss=own_loss), faster=()
    ),
    "subclass": Case(lambda: _compile(Subclassed(), optimizers.Adam(0.01)), faster=()),
    "penalty on activations": Case(active, faster=()),
    "accumulated gradients, overwritten by averages": Case(
        lambda: regularised(
            optimizers.SGD(
                0.1, gradient_accumulation_steps=2, use_ema=True, ema_overwrite_frequency=3
            )
        ),
        faster=(),
    ),
}  # fmt: skip
FAST = ("regularised, momentum, schedule", "series")


def named(names: Sequence[Any], fast: Sequence[Any] = ()) -> list[Any]:
    """Return a test's parameters, all but a few of them marked as slow."""
    return [
        pytest.param(
            *(name if isinstance(name, tuple) else [name]),
            marks=[] if name in fast else pytest.mark.slow,
        )
        for name in names
    ]


def make_rows(kind: str, number: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    shape = (8, 8, 2) if kind == "images" else (4,)
    x = random.normal(size=(number, *shape)).astype("float32")
    signal = x.reshape(number, -1)[:, 0] + 0.5 * random.normal(size=number)
    if kind == "words":
        x = random.integers(0, 9, size=(number, 4)).astype("float32")
    y = {
        "table": lambda: signal > 0,
        "classes": lambda: np.digitize(signal, (-0.5, 0.5)),
        "images": lambda: np.eye(3)[np.digitize(signal, (-0.5, 0.5))],
        "numbers": lambda: signal,
        "words": lambda: signal,
    }[kind]()
    weight = random.uniform(0.5, 2, number).astype("float32")
    return Rows(x, y.reshape(number, -1).astype("float32"), weight)


def make_jobs(case: Case) -> list[Job]:
    return [
        Job(
            make_rows(case.rows, rows, seed=number),
            make_rows(case.rows, held, seed=100 + number),
            seed=7 * number + 1,
            name=f"repeat 1, fold {number + 1}",
        )
        for number, (rows, held) in enumerate(SIZES)
    ]


def train(
    case: Case, engine: str, jobs: Sequence[Job] | None = None, batch: int = BATCH
) -> list[Trained]:
    recipe = Recipe(case.epochs, batch, case.callbacks, engine)
    return list(Trainer(case.build, recipe).train(jobs or make_jobs(case)))


@cache
def graph(name: str) -> list[Trained]:
    return train(CASES[name], "graph")


class InOrder(keras.utils.PyDataset):
    """The rows of a job, batch by batch, in the order that is recorded for each epoch."""

    def __init__(self, job: Job):
        super().__init__()
        self._rows, self._orders = job.rows, row_orders(job.seed, len(job.rows))
        self._order = np.arange(len(job.rows))  # Keras looks at a batch to see its shape

    def __len__(self):
        return -(-len(self._rows) // BATCH)

    def on_epoch_end(self):  # which Keras calls before the first epoch as well
        self._order = next(self._orders)

    def __getitem__(self, batch):
        part = self._order[batch * BATCH : (batch + 1) * BATCH]
        return self._rows.x[part], self._rows.y[part], self._rows.weight[part]


def fit(case: Case, job: Job) -> Trained:
    """Return the weights and the history that plain Keras leaves."""
    keras.utils.set_random_seed(job.seed)
    model = case.build()
    held = job.validation
    history = model.fit(
        InOrder(job), epochs=case.epochs, shuffle=False, verbose=0,
        validation_data=held and (held.x, held.y, held.weight), validation_batch_size=BATCH,
        callbacks=copy.deepcopy(list(case.callbacks)),
    )  # fmt: skip
    return Trained(history=history.history, weights=model.get_weights())


@contextmanager
def no_folding() -> Iterator[None]:
    import tensorflow as tf

    option = "constant_folding"
    before = tf.config.optimizer.get_experimental_options().get(option, True)
    tf.config.optimizer.set_experimental_options({option: False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: before})


@pytest.mark.parametrize("name", named(CASES, FAST))
def test_weights_and_history_are_those_of_one_fit_bit_for_bit(name):
    case = CASES[name]
    jobs = make_jobs(case)[:2]
    with no_folding() if case.folded else nullcontext():
        wanted = fit(case, jobs[1])
        # an earlier fold, of another size, leaves no trace
        found = (train(case, "graph", jobs) if case.folded else graph(name))[1]
    assert len(found.weights) == len(wanted.weights)
    if case.rounded:
        assert_close(found, wanted, within=1e-6, parts=("history",))
        return
    for mine, its in zip(found.weights, wanted.weights, strict=True):
        np.testing.assert_array_equal(mine, its)
    assert found.history == wanted.history
    if case.folded:
        assert_close(graph(name)[1], fit(case, jobs[1]), within=1e-5, parts=("history",))


def distance(found: Any, wanted: Any) -> float:
    """Return the norm of a difference relative to the norm of what is wanted."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    return float(np.linalg.norm(found - wanted) / max(np.linalg.norm(wanted), 1e-6))


def assert_close(
    found: Trained, wanted: Trained, within: float = CLOSE,
    parts: Sequence[str] = ("history", "train", "validation"),
) -> None:  # fmt: skip
    """Every tensor of weights, every curve over the epochs."""
    for number, (mine, its) in enumerate(zip(found.weights, wanted.weights, strict=True)):
        assert distance(mine, its) < within, f"weights {number}"
    for part in parts:
        mine, its = getattr(found, part), getattr(wanted, part)
        assert set(its) == set(mine), part
        for metric in mine:
            assert len(mine[metric]) == len(its[metric]), (part, metric)
            assert distance(mine[metric], its[metric]) < within, (part, metric)


# all networks at once


FASTER = [(name, engine) for name, case in CASES.items() for engine in case.faster]


@pytest.mark.parametrize(("name", "engine"), named(FASTER, [(n, "batched") for n in FAST]))
def test_a_faster_mode_is_as_close_as_rounding_lets_it_be(name, engine):
    for found, wanted in zip(train(CASES[name], engine), graph(name), strict=True):
        assert_close(found, wanted)


def test_every_layer_and_optimizer_that_may_be_batched_is_in_the_table():
    seen = set()
    for case in CASES.values():
        if {"batched", "batched-xla"} & set(case.faster):
            model = case.build()
            found = read_architecture(model)
            assert not found.doubt
            assert not found.obstacle
            seen |= {type(layer).__name__ for layer in layers_of(model)}
            seen.add(type(model.optimizer).__name__)
    assert seen >= LAYERS | OPTIMIZERS


@pytest.mark.slow
def test_networks_stop_at_their_own_epochs_with_their_best_weights():
    stopped = train(CASES["stopped early"], "batched")
    epochs = [len(trained.history["loss"]) for trained in stopped]
    assert len(set(epochs)) > 1, "a case in which they differ"
    for trained, job in zip(stopped, make_jobs(CASES["stopped early"]), strict=True):
        losses = trained.history["val_loss"]
        assert len(losses) in (np.argmin(losses) + 2, 9)
        model = CASES["stopped early"].build()
        model.set_weights(trained.weights)
        held = job.validation
        loss = model.evaluate(held.x, held.y, sample_weight=held.weight, verbose=0)[0]
        assert loss == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["batched", "batched-xla"])
def test_a_batch_of_one_network_with_or_without_validation_is_the_same_network(engine):
    case = CASES["numbers"]
    for number, job in enumerate(make_jobs(case)):
        (alone,) = train(case, engine, [job])
        assert_close(alone, graph("numbers")[number])
        (blind,) = train(case, engine, [replace(job, validation=None)])
        assert distance(blind.weights[0], alone.weights[0]) < CLOSE
        assert blind.history["loss"] == pytest.approx(alone.history["loss"], rel=CLOSE)
        assert blind.validation == {}
        assert set(blind.history) == {"loss", "mae"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["own layer", "own loss", "subclass"])
def test_what_is_trained_one_by_one_is_as_close_where_a_batch_is_forced(name):
    for found, wanted in zip(train(CASES[name], "batched"), graph(name), strict=True):
        assert_close(found, wanted)


@pytest.mark.slow
def test_what_cannot_be_a_batch_says_so_in_one_line_where_it_is_forced():
    with pytest.raises(NinefoldError, match=r"^repeat 1, fold 1: its LSTM draws") as caught:
        train(CASES["words"], "batched")
    assert len(str(caught.value)) < 500


# the same numbers every time


def digest(trained: Sequence[Trained]) -> str:
    everything = hashlib.sha256()
    for one in trained:
        everything.update(b"".join(weights.tobytes() for weights in one.weights))
        everything.update(repr([one.history, one.train, one.validation]).encode())
    return everything.hexdigest()


REPEATED = [("regularised, momentum, schedule", "batched"), ("numbers", "graph"),
            ("images", "batched-xla")]  # fmt: skip


@pytest.mark.parametrize(("name", "engine"), named(REPEATED))
def test_a_trainer_that_is_warm_gives_the_same_bits(name, engine):
    case = CASES[name]
    trainer = Trainer(case.build, Recipe(case.epochs, BATCH, case.callbacks, engine))
    runs = [list(trainer.train(make_jobs(case))) for _ in range(2)]
    assert digest(runs[0]) == digest(runs[1])


@pytest.mark.slow
def test_another_process_gives_the_same_bits():
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_exactness import *\n"
        "print(*(digest(train(CASES[name], engine)) for name, engine in REPEATED))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [digest(train(CASES[name], engine)) for name, engine in REPEATED]


def variant(rate: float, strength: float) -> Callable[[], Any]:
    def build():
        return table(
            layers.Dense(8, "relu", kernel_regularizer=L2(strength)),
            layers.Dropout(0.3),
            layers.Dense(4, "relu", kernel_regularizer=L1(0.1 * strength)),
            optimizer=optimizers.Adam(rate),
            metrics=["accuracy"],
        )

    return build


@pytest.mark.slow
def test_variants_trained_together_are_those_trained_alone():
    builds = [variant(0.01, 0.01), variant(0.1, 0.01), variant(0.01, 0.3)]
    recipe, jobs, traces = (
        Recipe(3, BATCH, (), "batched"),
        make_jobs(CASES["averaged weights"]),
        Traces(),
    )
    trainers = [Trainer(build, recipe, traces) for build in builds]
    together = [list(found) for found in train_together(trainers, [jobs] * len(builds))]
    assert len({id(trainer._compiled) for trainer in trainers}) == 1
    for build, found in zip(builds, together, strict=True):
        alone = list(Trainer(build, recipe).train(jobs))
        for mine, its in zip(found, alone, strict=True):
            assert_close(mine, its, within=1e-5)  # sums over more networks are cut otherwise
    assert distance(together[0][0].weights[0], together[1][0].weights[0]) > 0.01
    assert distance(together[0][0].weights[0], together[2][0].weights[0]) > 0.01


# many seeds


MARGIN = 0.01  # of accuracy: the practical equality of the statistics


def assert_equally_distributed(case: Case, engine: str, rows: int, seeds: int) -> None:
    """Two one-sided tests that mean scores over seeds differ by less than the margin; and
    Kolmogorov and Smirnov's that the distributions are one."""
    from scipy import stats

    train_on, held = make_rows(case.rows, rows, seed=1), make_rows(case.rows, 200, seed=2)
    jobs = [Job(train_on, held, seed, f"seed {seed}") for seed in range(seeds)]
    scores = [
        np.array([one.validation["accuracy"][-1] for one in train(case, way, jobs, 32)])
        for way in ("graph", engine)
    ]
    assert scores[0].std() > 0.002, "seeds matter"
    difference = scores[1] - scores[0]
    error = stats.t.ppf(0.95, seeds - 1) * stats.sem(difference)
    assert abs(difference.mean()) + error < MARGIN
    assert stats.ks_2samp(*scores).pvalue > 0.01


@pytest.mark.slow
def test_over_fifty_seeds_a_regularised_network_scores_as_it_does_one_at_a_time():
    def build():
        middle = (layers.Dropout(0.3), layers.Dense(6, use_bias=False), layers.BatchNormalization())
        first = layers.Dense(8, "relu", kernel_regularizer=L2(0.01))
        return table(first, *middle, optimizer=optimizers.Adam(0.01), metrics=["accuracy"])

    assert_equally_distributed(Case(build, epochs=30), "batched", rows=96, seeds=50)


@pytest.mark.slow
def test_over_thirty_seeds_a_network_of_images_scores_as_it_does_one_at_a_time():
    assert_equally_distributed(
        Case(images, rows="images", epochs=5), "batched-xla", rows=64, seeds=30
    )
