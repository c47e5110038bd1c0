"""The compiled epoch against plain Keras: the same numbers, the same callbacks, clear refusals."""

from functools import cache

import numpy as np
import pytest

from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.training import Recipe, Rows, Trainer

load_tensorflow()
import keras  # noqa: E402
from keras import layers, optimizers, regularizers  # noqa: E402

EPOCHS, BATCH = 3, 16  # of 70 rows the last batch is a short one


def rows(number=70, seed=0, outputs=1) -> Rows:
    random = np.random.default_rng(seed)
    x = random.normal(size=(number, 4)).astype("float32")
    y = (x[:, :1] + random.normal(size=(number, 1)) > 0).astype("float32")
    weight = random.uniform(0.5, 2, number).astype("float32")
    return Rows(x, np.hstack([y] * outputs), weight)


def compiled(*middle, optimizer="sgd", loss="binary_crossentropy", end=None, metrics=()):
    end = end or layers.Dense(1, "sigmoid")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(6, "tanh"), *middle, end])
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    return model


def schedule():
    return optimizers.schedules.ExponentialDecay(0.05, 4, 0.7)


NETWORKS = {
    "momentum": lambda: compiled(optimizer=optimizers.SGD(0.1, momentum=0.9)),
    "all at once": lambda: compiled(
        layers.Dense(5, "relu", kernel_regularizer=regularizers.L2(0.01)),
        layers.BatchNormalization(),
        layers.GaussianNoise(0.1),
        layers.Dropout(0.3),
        optimizer=optimizers.Adam(schedule(), clipnorm=1.0),
    ),
    "adam": lambda: compiled(optimizer=optimizers.Adam(0.01)),
    "dropout": lambda: compiled(layers.Dropout(0.4)),
    "batch normalisation": lambda: compiled(layers.BatchNormalization()),
    "penalty": lambda: compiled(layers.Dense(3, kernel_regularizer=regularizers.L2(0.1))),
    "schedule": lambda: compiled(optimizer=optimizers.SGD(schedule())),
    "weight decay": lambda: compiled(optimizer=optimizers.AdamW(0.01, weight_decay=0.1)),
}
FAST = ("all at once",)


def weights(model) -> list[np.ndarray]:
    return [np.array(v) for v in model.get_weights()]


def mean_loss(model, part: Rows) -> float:
    p = np.clip(model.predict(part.x, verbose=0).astype(float), 1e-7, 1 - 1e-7)
    losses = -(part.y * np.log(p) + (1 - part.y) * np.log(1 - p))
    return float(np.mean(losses[:, 0] * part.weight))  # Keras divides by the number of rows


def plain_keras(build, data: Rows, seed: int):
    """Train by `model.fit`, an epoch at a time, in the trainer's order of rows."""
    keras.utils.set_random_seed(seed)
    model, orders, losses = build(), np.random.default_rng(seed), []
    for _ in range(EPOCHS):
        order = orders.permutation(len(data.x))
        model.fit(
            data.x[order], data.y[order], sample_weight=data.weight[order],
            batch_size=BATCH, shuffle=False, verbose=0,
        )  # fmt: skip
        losses.append(mean_loss(model, data))
    return model, losses


@pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS]
)
def test_weights_are_those_of_plain_keras_bit_for_bit_and_curves_are_its_losses(name):
    data = rows()
    trainer = Trainer(NETWORKS[name], Recipe(EPOCHS, BATCH))
    trainer.train(rows(60, seed=9), None, seed=3)  # an earlier fold leaves no trace
    trained = trainer.train(data, None, seed=7)
    model, losses = plain_keras(NETWORKS[name], data, seed=7)
    for found, expected in zip(weights(trainer.model), weights(model), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert trained.train["loss"] == pytest.approx(losses, rel=1e-5)
    np.testing.assert_allclose(trainer.predict(data.x), model(data.x, training=False), rtol=1e-6)


@cache
def noisy() -> Trainer:
    return Trainer(NETWORKS["all at once"], Recipe(EPOCHS, BATCH))


def test_a_seed_decides_everything():
    runs = []
    for seed in (1, 2, 1):
        trained = noisy().train(rows(), rows(20, seed=5), seed)
        runs.append((trained.train, trained.validation, weights(noisy().model)))
    first, other, again = runs
    assert first[:2] == again[:2]
    assert all(map(np.array_equal, first[2], again[2]))
    assert first[0] != other[0]


def test_folds_of_unequal_size_are_traced_once_and_give_no_nan():
    trainer = Trainer(NETWORKS["momentum"], Recipe(2, BATCH))
    for number in (64, 65, 70, 33, 5):  # full batches, a last one of one row, less than a batch
        trained = trainer.train(rows(number), rows(number // 4), seed=number)
        assert np.isfinite(trained.train["loss"] + trained.validation["loss"]).all()
        assert np.isfinite(trainer.predict(rows(number // 3).x)).all()
    for function in (trainer._epoch, trainer._measure, trainer._outputs):
        assert function.experimental_get_tracing_count() == 1


def test_curves_are_in_inference_mode_without_penalties_for_either_part():
    other = rows(30, seed=8)
    trained = noisy().train(rows(), other, seed=1)
    model = noisy().model
    assert model.losses, "the network has a penalty"
    assert trained.train["loss"][-1] == pytest.approx(mean_loss(model, rows()), rel=1e-5)
    assert trained.validation["loss"][-1] == pytest.approx(mean_loss(model, other), rel=1e-5)
    assert list(map(len, (trained.train["loss"], trained.validation["loss"]))) == [EPOCHS] * 2


def test_metrics_that_the_model_was_compiled_with_have_curves():
    trainer = Trainer(lambda: compiled(metrics=["accuracy"]), Recipe(2, BATCH))
    for number in (70, 50):
        data = rows(number)
        trained = trainer.train(data, rows(20, seed=2), seed=1)
        right = (trainer.predict(data.x) > 0.5) == data.y
        assert trained.train["accuracy"][-1] == pytest.approx(right.mean())
        assert len(trained.validation["accuracy"]) == 2


def test_a_row_of_no_weight_teaches_nothing():
    data, off = rows(), rows()
    off.y[:10] = 1 - off.y[:10]
    data.weight[:10] = off.weight[:10] = 0
    trainer = Trainer(NETWORKS["momentum"], Recipe(2, BATCH))
    assert trainer.train(data, None, 1).train == trainer.train(off, None, 1).train


@pytest.mark.slow
def test_an_average_of_weights_that_an_optimizer_keeps_is_used_in_the_end():
    def build():
        optimizer = optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9)
        return compiled(optimizer=optimizer)

    found = []
    for engine in ("graph", "fit"):  # a single batch: the order of rows does not matter
        trainer = Trainer(build, Recipe(4, 100, engine=engine))
        trainer.train(rows(), None, 1)
        found.append(trainer.predict(rows().x))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


# callbacks


def curves(*callbacks, epochs=30, build=None, validation=None):
    trainer = Trainer(build or NETWORKS["momentum"], Recipe(epochs, BATCH, callbacks))
    trained = trainer.train(rows(), validation or rows(20, seed=5), 1)
    return trainer, trained


def test_early_stopping_ends_training_and_restores_the_best_weights_for_each_fold():
    stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    trainer = Trainer(NETWORKS["momentum"], Recipe(60, BATCH, [stop]))
    assert trainer.engine == "graph"
    for seed in (1, 2):
        validation = rows(20, seed=seed + 4)
        losses = trainer.train(rows(), validation, seed).validation["loss"]
        assert len(losses) == np.argmin(losses) + 3 < 60
        assert mean_loss(trainer.model, validation) == pytest.approx(min(losses), rel=1e-5)


def test_a_plateau_lowers_the_rate_and_the_next_fold_begins_with_the_first_one():
    seen = []

    class Rates(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(float(self.model.optimizer.learning_rate))

    drop = keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=10)
    trainer = Trainer(NETWORKS["momentum"], Recipe(4, BATCH, [drop, Rates()]))
    for _ in range(2):
        trainer.train(rows(), rows(20), 1)
    assert trainer.engine == "graph"
    assert seen == pytest.approx([0.1, 0.1, 0.05, 0.025] * 2)


def test_a_callback_of_the_users_sees_what_keras_would_show_it():
    calls = []

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            calls.append(("begin", self.params["epochs"]))

        def on_epoch_end(self, epoch, logs=None):
            calls.append((epoch, sorted(logs)))
            if epoch == 1:
                self.model.stop_training = True

        def on_train_end(self, logs=None):
            calls.append(("end", sorted(logs)))

    curves(Watch())
    names = ["loss", "val_loss"]
    assert calls == [("begin", 30), (0, names), (1, names), ("end", names)]


@pytest.mark.slow
def test_callbacks_are_copied_for_each_training():
    class Once(keras.callbacks.Callback):
        used = False

        def on_train_begin(self, logs=None):
            assert not self.used
            self.used = True

    trainer = Trainer(NETWORKS["momentum"], Recipe(1, BATCH, [Once()]))
    for seed in (1, 2):
        trainer.train(rows(), None, seed)


@pytest.mark.parametrize("kind", ["lambda", pytest.param("class", marks=pytest.mark.slow)])
def test_a_callback_on_batches_is_served_by_fit(kind):
    batches = []

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            batches.append(batch)

    given = {
        "class": Count(),
        "lambda": keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: batches.append(batch)
        ),
    }
    trainer, trained = curves(given[kind], epochs=2)
    assert trainer.engine == "fit"
    assert batches == [0, 1, 2, 3, 4] * 2
    assert mean_loss(trainer.model, rows()) == pytest.approx(trained.train["loss"][-1], rel=1e-5)
    assert len(trained.validation["loss"]) == 2


def test_an_epoch_callback_made_of_functions_stays_in_the_graph():
    seen = []
    trainer, _ = curves(
        keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(logs["val_loss"])),
        epochs=2,
    )
    assert trainer.engine == "graph"
    assert len(seen) == 2


@pytest.mark.slow
def test_fit_early_stops_on_the_curves_and_repeats_itself_from_a_seed():
    stop = keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    trainer = Trainer(NETWORKS["momentum"], Recipe(60, BATCH, [stop], engine="fit"))
    runs = [trainer.train(rows(), rows(20, seed=5), 1).validation["loss"] for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(runs[0]) == np.argmin(runs[0]) + 2


def test_training_that_explodes_ends_at_the_first_nan(capsys):
    class Nan(layers.Layer):
        def call(self, x):
            return x / 0.0 * 0.0

    trainer, trained = curves(keras.callbacks.TerminateOnNaN(), build=lambda: compiled(Nan()))
    assert trainer.engine == "fit"
    assert len(trained.train["loss"]) == 1
    assert "Invalid loss" in capsys.readouterr().out


# refusals


@pytest.mark.parametrize(
    ("build", "line"),
    [
        (lambda: "network", "the model function returned str; expected a compiled Keras model"),
        (lambda: keras.Sequential([keras.Input((4,)), layers.Dense(1)]), "not compiled; call"),
        (lambda: compiled(loss=["mse"]), "several losses; expected one output with one loss"),
    ],
)
def test_a_model_that_cannot_be_trained_is_one_clear_line(build, line):
    with pytest.raises(NinefoldError, match=line):
        Trainer(build, Recipe(1, BATCH)).train(rows(), None, 1)


def test_a_network_that_is_built_by_its_first_rows_is_looked_at_with_some():
    def build():
        model = keras.Sequential([layers.Dense(1, "sigmoid")])
        model.compile(loss="binary_crossentropy")
        return model

    found = Trainer(build, Recipe(1, BATCH)).shape_targets(np.array([0, 1]), 2, rows().x)
    assert found.tolist() == [[0], [1]]


def test_several_outputs_are_refused():
    def build():
        x = keras.Input((4,))
        model = keras.Model(x, [layers.Dense(2, "softmax")(x), layers.Dense(1)(x)])
        model.compile(loss="mse")
        return model

    with pytest.raises(NinefoldError, match="several outputs; expected one"):
        Trainer(build, Recipe(1, BATCH)).shape_targets(np.array([0, 1]), 2, rows().x)


def test_the_graph_refuses_a_callback_on_batches():
    with pytest.raises(NinefoldError, match="TerminateOnNaN is called on batches; "):
        Trainer(compiled, Recipe(1, BATCH, [keras.callbacks.TerminateOnNaN()], "graph"))


def test_an_unknown_engine_is_refused():
    with pytest.raises(NinefoldError, match="engine='jax'; expected one of auto, graph, fit"):
        Trainer(compiled, Recipe(1, BATCH, engine="jax"))


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch_size": 0}])
def test_a_recipe_for_nothing_is_refused(change):
    with pytest.raises(NinefoldError, match=r"(epochs|batch_size)=0; expected 1 or more"):
        Recipe(**{"epochs": 1, "batch_size": 1} | change)


def test_what_the_loss_compares_with_has_one_column_or_one_for_each_class():
    codes = np.array([0, 2, 1])

    def targets(end, loss, y=codes, classes=3):
        trainer = Trainer(lambda: compiled(end=end, loss=loss), Recipe(1, BATCH))
        return trainer.shape_targets(y, classes, rows().x).tolist()

    three, one = layers.Dense(3, "softmax"), layers.Dense(1, "sigmoid")
    sparse = keras.losses.SparseCategoricalCrossentropy(name="mine")
    for loss in ("sparse_categorical_crossentropy", sparse):
        assert targets(three, loss) == [[0], [2], [1]]
    assert targets(three, "categorical_crossentropy") == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert targets(one, "binary_crossentropy", codes % 2, 2) == [[0], [0], [1]]
    assert targets(one, "mse", np.array([0.5]), 1) == [[0.5]]
