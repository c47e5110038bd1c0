"""Which way a network is trained, what shares a trace, and that sharing mixes nothing up."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.training import Job, Recipe, Rows, Traces, Trainer, train_together
from ninefold.study.training.choice import Choice, choose_engine
from ninefold.study.training.fresh import make_metrics

load_tensorflow()
import keras  # noqa: E402
from keras import layers, optimizers  # noqa: E402
from keras.regularizers import L1, L1L2, L2  # noqa: E402


def rows(number: int = 40, seed: int = 0, shape: tuple[int, ...] = (4,)) -> Rows:
    random = np.random.default_rng(seed)
    x = random.normal(size=(number, *shape)).astype("float32")
    y = (x.reshape(number, -1)[:, :1] > 0).astype("float32")
    return Rows(x, y, np.ones(number, "float32"))


def jobs(number: int = 2) -> list[Job]:
    return [Job(rows(seed=s), rows(12, seed=9 + s), s, f"fold {s + 1}") for s in range(number)]


def classes(number: int) -> list[Job]:
    """Two jobs whose targets have a column for each class."""
    made = []
    for job in jobs():
        y = np.eye(number, dtype="float32")[np.arange(len(job.rows)) % number]
        made.append(Job(Rows(job.rows.x, y, job.rows.weight), None, job.seed, job.name))
    return made


def network(
    *middle: Any, optimizer: Any = "sgd", loss: Any = "binary_crossentropy", shape=(4,), end=1,
    **compiled: Any,
):  # fmt: skip
    model = keras.Sequential([keras.Input(shape), *middle, layers.Dense(end, "sigmoid")])
    model.compile(optimizer=optimizer, loss=loss, **compiled)
    return model


class Own(layers.Layer):
    def call(self, x):
        return 2 * x


class Subclass(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.end = layers.Dense(1, "sigmoid")

    def call(self, x):
        return self.end(x)


class OwnStep(Subclass):
    def train_step(self, data):
        return super().train_step(data)


def own_loss(y, outputs):
    return keras.ops.mean((y - outputs) ** 2, axis=-1)


def compiled(model: Any) -> Any:
    model.compile(loss="binary_crossentropy")
    model(np.zeros((1, 4), "float32"))
    return model


def with_operation() -> Any:
    start = keras.Input((4,))
    return compiled(keras.Model(start, layers.Dense(1)(start * start)))


def noisy_in_inference() -> Any:
    start = keras.Input((4,))
    return compiled(keras.Model(start, layers.Dense(1)(layers.Dropout(0.2)(start, training=True))))


def convolution(*more: Any, **options: Any) -> Any:
    return network(layers.Conv2D(2, 3, **options), *more, layers.Flatten(), shape=(6, 6, 2))


def sequence(*layers: Any, steps: int | None = 5) -> Any:
    return network(*layers, shape=(steps, 2))


def choose(model: Any, *callbacks: Any, engine: str = "auto", networks: int = 2) -> Choice:
    given = jobs(networks)
    if model.built:  # rows of the shape that it takes
        shape = [side or 5 for side in getattr(model, "input_shape", (None, 4))[1:]]
        x = np.resize(given[0].rows.x, (len(given[0].rows), *shape))
        given = [replace(job, rows=replace(job.rows, x=x)) for job in given]
    if model.built and len(model.metrics) > 1:
        make_metrics(model, given[0].rows)
    return choose_engine(model, Recipe(3, 16, callbacks, engine), given)


@pytest.mark.parametrize(
    ("build", "engine", "reason"),
    [
        (lambda: network(layers.Dropout(0.2)), "batched", "Keras's own layers"),
        (lambda: network(layers.Dense(3, kernel_constraint="unit_norm")), "batched", "Keras's own"),
        (convolution, "batched-xla", "convolutions of many networks"),
        (lambda: convolution(layers.Dropout(0.2)), "graph", "convolutions beside noise"),
        (lambda: convolution(dilation_rate=2), "graph", "grouped or dilated"),
        (lambda: convolution(groups=2), "graph", "grouped or dilated"),
        (lambda: network(Own()), "graph", "Own is not a part of Keras"),
        (lambda: network(loss=own_loss), "graph", "own_loss is not a part of Keras"),
        (lambda: network(metrics=[own_loss]), "graph", "own_loss is not a part of Keras"),
        (lambda: compiled(Subclass()), "graph", "Subclass is a class of its own"),
        (lambda: sequence(layers.LSTM(2)), "batched", "Keras's own layers"),
        (lambda: sequence(layers.LSTM(2, dropout=0.1)), "graph", "its LSTM draws noise"),
        (lambda: sequence(layers.GRU(2, recurrent_dropout=0.1)), "graph", "its GRU draws noise"),
        (lambda: sequence(layers.LSTM(2), steps=129), "graph", "more than 128 steps"),
        (lambda: sequence(layers.LSTM(2), steps=None), "graph", "or of any number"),
        (lambda: sequence(layers.Masking(), layers.LSTM(2)), "graph", "Masking is trained one"),
        (lambda: sequence(layers.Bidirectional(layers.LSTM(2))), "graph", "Bidirectional is trai"),
        (lambda: sequence(layers.Conv1D(2, 3), layers.Flatten()), "batched", "Keras's own layers"),
        (
            lambda: sequence(layers.Conv1D(2, 2, dilation_rate=2), layers.Flatten()),
            "graph",
            "grouped or dilated",
        ),
        (lambda: network(layers.SpatialDropout1D(0.2), shape=(4, 1)), "graph", "SpatialDropout1D"),
        (lambda: network(layers.Dense(2, activity_regularizer="l2")), "graph", "activations"),
        (lambda: network(optimizer="adafactor"), "graph", "the optimizer Adafactor"),
        (lambda: network(optimizer=optimizers.SGD(gradient_accumulation_steps=2)), "graph", "step"),
        (lambda: network(weighted_metrics=["accuracy"]), "graph", "are weighted"),
        (lambda: network(loss=keras.losses.Poisson(reduction="sum")), "graph", "mean over rows"),
        (lambda: network(loss=keras.losses.binary_crossentropy), "batched", "Keras's own layers"),
        (lambda: network(loss="ctc"), "graph", "the loss CTC is computed for one network"),
        (lambda: network(metrics=["accuracy", "auc"]), "batched", "Keras's own layers"),
        (lambda: network(metrics=[keras.metrics.BinaryIoU()]), "graph", "the metric BinaryIoU"),
        (lambda: network(loss_weights=[2.0]), "graph", "weighted"),
        (with_operation, "graph", "Multiply is trained one network at a time"),
        (noisy_in_inference, "graph", "noise in inference"),
        (lambda: compiled(OwnStep()), "fit", "OwnStep has a train_step of its own"),
        (
            lambda: network(layers.AugMix(), layers.Flatten(), shape=(6, 6, 3)),
            "fit",
            "AugMix chooses its operations",
        ),
        (lambda: network(run_eagerly=True), "fit", "runs eagerly"),
    ],
)
def test_the_engine_is_chosen_by_the_parts_of_the_model_and_says_which(build, engine, reason):
    choice = choose(build())
    assert (choice.engine, reason in choice.reason) == (engine, True), choice


def test_one_network_is_trained_in_the_graph_bit_for_bit_as_by_fit():
    assert choose(network(), networks=1).engine == "graph"


def test_many_steps_without_noise_are_worth_compiling():
    long = Recipe(5000, 16)
    assert choose_engine(network(), long, jobs()).engine == "batched-xla"
    assert choose_engine(network(layers.Dropout(0.1)), long, jobs()).engine == "batched"
    recurrent = network(layers.Reshape((4, 1)), layers.GRU(2))
    assert choose_engine(recurrent, long, jobs()).engine == "batched"


class OnBatches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


class AroundValidation(keras.callbacks.Callback):
    def on_test_end(self, logs=None):
        pass


WITHIN_EPOCHS = [
    OnBatches(),
    AroundValidation(),
    keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None),
    keras.callbacks.SwapEMAWeights(),
    keras.callbacks.ModelCheckpoint("best.keras", save_freq=100),
    keras.callbacks.BackupAndRestore("backup", save_freq=100),
    keras.callbacks.TensorBoard("logs", update_freq="batch"),
    keras.callbacks.TensorBoard("logs", write_steps_per_second=True),
]


@pytest.mark.parametrize("callback", WITHIN_EPOCHS, ids=lambda callback: type(callback).__name__)
def test_a_callback_that_is_called_within_epochs_is_served_by_fit(callback):
    assert choose(network(), callback).engine == "fit"
    with pytest.raises(NinefoldError, match=f"{type(callback).__name__} is called .*auto"):
        choose(network(), callback, engine="batched")


@pytest.mark.parametrize(
    "callback",
    [
        keras.callbacks.EarlyStopping(),
        keras.callbacks.ReduceLROnPlateau(),
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
        keras.callbacks.CSVLogger("log.csv"),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_a_callback_between_epochs_changes_nothing_about_the_engine(callback):
    assert choose(network(), callback).engine == "batched"


class Watch(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate.assign(0.5)


def test_a_callback_that_may_ask_for_anything_has_a_model_of_its_own():
    choice = choose(network(), Watch())
    assert choice.engine == "graph"
    assert choice.reason == "Watch may ask for anything of the model"


@pytest.mark.parametrize(
    ("build", "callbacks"),
    [
        (lambda: network(layers.Dense(2, activity_regularizer="l2")), ()),
        (lambda: network(loss=keras.losses.Poisson(reduction="sum")), ()),
        (lambda: network(optimizer=optimizers.SGD(gradient_accumulation_steps=2)), ()),
        (lambda: sequence(layers.Masking(), layers.LSTM(2)), ()),
        (network, (Watch(),)),
    ],
)
def test_what_cannot_be_a_batch_is_not_forced_into_one(build, callbacks):
    with pytest.raises(NinefoldError, match='engine="batched" takes what can be trained'):
        choose(build(), *callbacks, engine="batched")


def test_mixed_precision_is_left_to_fit():
    model = network()
    model.compile(optimizers.LossScaleOptimizer(optimizers.SGD()), "binary_crossentropy")
    assert choose(model).engine == "fit"


@pytest.mark.parametrize("engine", ["batched", "batched-xla", "graph", "xla", "fit"])
def test_an_engine_can_be_forced(engine):
    found = choose(network(), engine=engine)
    assert (found.engine, found.reason) == (engine, "forced")


@pytest.mark.parametrize("engine", ["xla", "batched-xla"])
@pytest.mark.parametrize("noise", [layers.Dropout, layers.GaussianNoise])
def test_noise_is_not_given_to_xla_which_draws_other_numbers(engine, noise):
    with pytest.raises(NinefoldError, match="draws other noise than Keras"):
        choose(network(noise(0.2)), engine=engine)


# traces


def variant(
    activation="relu",
    dropout=0.2,
    width=5,
    momentum=0.9,
    rate=0.1,
    strength=0.01,
    penalty=L2,
    **end,
) -> Callable[[], Any]:
    def build():
        return network(
            layers.Dense(width, activation, kernel_regularizer=penalty(strength)),
            *([layers.Dropout(dropout)] if dropout else []),
            optimizer=optimizers.SGD(rate, momentum=momentum),
            **end,
        )

    return build


def share(engine: str, *builds: Callable) -> tuple[list[Any], list[Any]]:
    """Return the compiled models of variants trained together, and what was trained."""
    recipe, traces = Recipe(2, 16, (), engine), Traces()
    trainers = [Trainer(build, recipe, traces) for build in builds]
    found = [list(one) for one in train_together(trainers, [jobs()] * len(builds))]
    return [trainer._compiled for trainer in trainers], found


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"rate": 0.5}, {"strength": 0.3}, {"dropout": 0.5}], ids=str)
def test_variants_that_differ_in_values_share_a_trace_and_keep_their_numbers(change):
    builds = [variant(), variant(**change)]
    compiled, found = share("batched", *builds)
    assert compiled[0] is compiled[1]
    assert_own_numbers(builds, found, "batched")


@pytest.mark.parametrize("change", [{"rate": 0.5}, {"strength": 0.3}, {"dropout": 0.5}], ids=str)
def test_variants_that_differ_in_values_have_one_key(change):
    assert choose(variant(**change)()).key == choose(variant()()).key


@pytest.mark.parametrize(
    "change",
    [{"activation": "tanh"}, {"dropout": 0}, {"width": 6}, {"momentum": 0.5}, {"penalty": L1},
     {"strength": 0.0}, {"loss": "mse"}, {"metrics": ["accuracy"]}],
    ids=str,
)  # fmt: skip
def test_variants_that_differ_in_anything_else_do_not(change):
    keys = [choose(variant(**options)()).key for options in ({}, change)]
    assert keys[0] != keys[1]
    assert keys[0] == choose(variant()()).key, "names of layers are none of it"


def assert_own_numbers(builds: Any, found: Any, engine: str) -> None:
    """Each variant has the numbers that a trainer of its own gives it, and they differ."""
    for build, mine in zip(builds, found, strict=True):
        alone = Trainer(build, Recipe(2, 16, (), engine)).train(jobs())
        for one, other in zip(mine, alone, strict=True):
            assert one.history["loss"] == pytest.approx(other.history["loss"], rel=1e-5)
    losses = [one[0].history["loss"][-1] for one in found]
    assert len(set(losses)) == len(losses)


@pytest.mark.slow
def test_one_at_a_time_a_rate_is_shared_and_a_strength_is_not():
    builds = [variant(), variant(rate=0.5), variant(strength=0.3), variant(dropout=0.5)]
    compiled, found = share("graph", *builds)
    assert compiled[0] is compiled[1]
    assert len(set(map(id, compiled))) == 3
    assert_own_numbers(builds, found, "graph")


@pytest.mark.slow
@pytest.mark.parametrize(
    "hidden",
    [
        lambda strength: layers.Dense(3, activity_regularizer=L2(strength)),
        lambda strength: layers.TimeDistributed(layers.Dropout(strength)),
    ],
    ids=["penalty on activations", "dropout in a wrapper"],
)
def test_a_strength_that_lies_hidden_is_never_another_variants(hidden):
    def build(strength: float) -> Callable[[], Any]:
        return lambda: network(layers.Reshape((2, 2)), hidden(strength), layers.Flatten())

    builds = [build(0.1), build(0.7)]
    assert_own_numbers(builds, share("auto", *builds)[1], "auto")


def test_a_regulariser_that_layers_share_is_told_from_one_of_each():
    def build(*penalties: Any) -> Any:
        return network(*[layers.Dense(4, kernel_regularizer=penalty) for penalty in penalties])

    one, other = L2(0.1), L2(0.2)
    assert choose(build(one, one, other)).key != choose(build(one, other, other)).key
    assert choose(build(L1L2(0.1, 0.2))).key == choose(build(L1L2(0.2, 0.4))).key


def test_a_trainer_whose_trace_is_its_own_lives_as_long_as_the_trace():
    traces = Traces()
    trainer = Trainer(variant(), Recipe(1, 16, (), "fit"), traces)
    trainer.prepare(jobs())
    alive = weakref.ref(trainer)
    del trainer
    gc.collect()
    assert alive(), "another trainer at its place in memory would find its trace"


@pytest.mark.slow
def test_trainings_may_be_consumed_in_any_order():
    trainer = Trainer(variant(), Recipe(2, 16, (), "graph"))
    first, second = (trainer.train(jobs()) for _ in range(2))
    found = [[one.history for one in training] for training in (second, first)]
    assert found[0] == found[1]


def test_metrics_have_the_names_that_the_first_model_gives_them():
    names = []
    for _ in range(2):
        trainer = Trainer(variant(metrics=[keras.metrics.AUC()]), Recipe(1, 16))
        trainer.prepare(jobs())
        names.append([metric.name for metric in trainer.model.metrics[1].metrics])
    assert names == [["auc"], ["auc"]]


@pytest.mark.parametrize("engine", ["graph", "batched"])
def test_a_layer_that_is_called_as_its_activation_is_still_told_from_another(engine):
    builds = [
        lambda kind=kind: network(layers.Dense(5, activation=kind, name=kind))
        for kind in ("relu", "tanh")
    ]
    compiled, found = share(engine, *builds)
    assert compiled[0] is not compiled[1]
    assert_own_numbers(builds, found, engine)


def adapted(factor: float) -> Callable[[], Any]:
    def build():
        scale = layers.Normalization()
        scale.adapt(factor * rows().x)
        return network(scale)

    return build


def test_numbers_that_a_layer_holds_beside_its_weights_are_its_own():
    builds = [adapted(1.0), adapted(20.0)]
    _, found = share("graph", *builds)
    assert_own_numbers(builds, found, "graph")


def test_numbers_beside_the_weights_that_differ_between_folds_are_refused():
    factors = iter((1.0, 2.0, 3.0))
    trainer = Trainer(lambda: adapted(next(factors))(), Recipe(1, 16, (), "graph"))
    with pytest.raises(NinefoldError, match="fold 1: the model function returned other settings"):
        list(trainer.train(jobs()))


@pytest.mark.parametrize("loss", ["BinaryCrossentropy", ["binary_crossentropy"]])
def test_a_loss_that_is_named_otherwise_gives_the_same_curves(loss):
    wanted, found = (
        list(Trainer(lambda loss=loss: network(loss=loss), Recipe(2, 16)).train(jobs()))
        for loss in ("binary_crossentropy", loss)
    )
    for its, mine in zip(wanted, found, strict=True):
        for name in ("loss", "val_loss"):
            assert mine.history[name] == pytest.approx(its.history[name], rel=1e-6)
        assert mine.validation["loss"] == pytest.approx(its.validation["loss"], rel=1e-6)


@pytest.mark.parametrize("engine", ["auto", "fit"])
def test_a_metric_of_several_numbers_is_refused_by_name(engine):
    def build():
        return network(metrics=[keras.metrics.F1Score()], end=3)

    trainer = Trainer(build, Recipe(1, 16, (), engine))
    with pytest.raises(NinefoldError, match="fold 1: the metric f1_score gives 3 numbers; "):
        list(trainer.train(classes(3)))


def test_what_a_callback_adds_to_the_logs_is_in_the_history():
    falling = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    for engine in ("batched", "graph", "fit"):
        trained = list(Trainer(network, Recipe(2, 16, (falling,), engine)).train(jobs()))
        assert trained[0].history["learning_rate"] == pytest.approx([0.1, 0.05])


@pytest.mark.slow
def test_mixed_precision_trains_every_fold():
    def build():
        with_policy = keras.dtype_policies.DTypePolicy("mixed_float16")
        model = keras.Sequential(
            [keras.Input((4,)), layers.Dense(4, dtype=with_policy), layers.Dense(1, "sigmoid")]
        )
        model.compile(optimizers.LossScaleOptimizer(optimizers.SGD()), "binary_crossentropy")
        return model

    trained = list(Trainer(build, Recipe(2, 16)).train(jobs()))
    assert all(np.isfinite(one.history["val_loss"]).all() for one in trained)
