"""Training as its callers meet it: curves, callbacks, refusals that name the fold."""

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ninefold
from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.learners import make_learner
from ninefold.study.task import Task
from ninefold.study.training import Job, Recipe, Rows, Trained, Trainer, row_orders

load_tensorflow()
import keras  # noqa: E402
from keras import layers, optimizers, regularizers  # noqa: E402
from keras.callbacks import EarlyStopping, ReduceLROnPlateau, TerminateOnNaN  # noqa: E402

BATCH = 16  # of 70 rows the last batch is a short one
ENGINES = ("batched", "graph", "fit")


def rows(number: int = 70, seed: int = 0) -> Rows:
    random = np.random.default_rng(seed)
    x = random.normal(size=(number, 4)).astype("float32")
    y = (x[:, :1] + random.normal(size=(number, 1)) > 0).astype("float32")
    return Rows(x, y, random.uniform(0.5, 2, number).astype("float32"))


def jobs(*seeds: int) -> list[Job]:
    return [
        Job(rows(seed=seed), rows(20, seed=seed + 4), seed, f"repeat 1, fold {number}")
        for number, seed in enumerate(seeds or (1, 2, 3), start=1)
    ]


def compiled(*middle, optimizer=None, loss="binary_crossentropy", end=None, metrics=()):
    end = end or layers.Dense(1, "sigmoid")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(6, "tanh"), *middle, end])
    optimizer = optimizer or optimizers.SGD(0.1, momentum=0.9)
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    return model


def noisy():
    return compiled(
        layers.Dense(5, "relu", kernel_regularizer=regularizers.L2(0.1)),
        layers.BatchNormalization(),
        layers.Dropout(0.3),
        metrics=["accuracy"],
    )


def train(build=compiled, callbacks: Sequence[Any] = (), epochs=2, engine="auto", its=None):
    return list(Trainer(build, Recipe(epochs, BATCH, callbacks, engine)).train(its or jobs()))


def everywhere(*fast: str):
    """Run a test in every engine, all but some of them only among the slow tests."""
    marked = [e if e in fast else pytest.param(e, marks=pytest.mark.slow) for e in ENGINES]
    return pytest.mark.parametrize("engine", marked)


# curves


@cache
def noisy_folds(engine: str) -> list[Trained]:
    return train(noisy, epochs=3, engine=engine)


@everywhere("batched")
def test_curves_are_in_inference_mode_without_penalties_for_either_part(engine):
    for job, trained in zip(jobs(), noisy_folds(engine), strict=True):
        model = noisy()
        model.set_weights(trained.weights)
        assert float(sum(model.losses)) > 0.01, "the network has a penalty"
        for part, curve in ((job.rows, trained.train), (job.validation, trained.validation)):
            p = np.clip(model.predict(part.x, verbose=0).astype(float), 1e-7, 1 - 1e-7)
            losses = -(part.y * np.log(p) + (1 - part.y) * np.log(1 - p))[:, 0]
            # Keras divides a weighted loss by the number of rows
            assert curve["loss"][-1] == pytest.approx(np.mean(losses * part.weight), rel=1e-5)
            assert curve["accuracy"][-1] == pytest.approx(np.mean((p > 0.5) == part.y), rel=1e-6)
            assert list(map(len, curve.values())) == [3, 3]


@everywhere("batched")
def test_the_history_has_the_penalty_that_the_curves_leave_out(engine):
    for trained in noisy_folds(engine):
        model = noisy()
        model.set_weights(trained.weights)
        penalty = trained.history["val_loss"][-1] - trained.validation["loss"][-1]
        assert penalty == pytest.approx(float(sum(model.losses)), rel=1e-3)


@everywhere("batched")
def test_a_seed_decides_everything(engine):
    first, other, again = train(noisy, epochs=2, engine=engine, its=[jobs(s)[0] for s in (1, 2, 1)])
    rounding = 1e-4 if engine == "batched" else 0  # by its place among the networks
    for mine, its in zip(first.weights, again.weights, strict=True):
        np.testing.assert_allclose(mine, its, rtol=rounding, atol=rounding * 0.01)
    for mine, its, others in zip(*(t.history.values() for t in (first, again, other)), strict=True):
        assert mine == pytest.approx(its, rel=rounding, abs=0)
        assert mine != others


@everywhere("batched")
def test_a_row_of_no_weight_teaches_nothing(engine):
    data, off = rows(), rows()
    off.y[:10] = 1 - off.y[:10]
    data.weight[:10] = off.weight[:10] = 0
    first, other = train(engine=engine, its=[Job(part, None, 1) for part in (data, off)])
    assert first.train["loss"] == other.train["loss"]


@everywhere("batched")
def test_folds_of_any_size_give_no_nan(engine):
    sizes = (64, 65, 70, 33, 5)  # full batches, a last one of one row, less than a batch
    its = [Job(rows(number), rows(number // 4), number) for number in sizes]
    trainer = Trainer(noisy, Recipe(2, BATCH, engine=engine))
    for trained in trainer.train(its):
        assert np.isfinite(trained.train["loss"] + trained.validation["loss"]).all()
        assert np.isfinite(trainer.predict(trained, rows(7).x)[0]).all()


@pytest.mark.slow
def test_predictions_are_those_of_the_model_with_the_weights_that_were_trained():
    trainer = Trainer(noisy, Recipe(2, BATCH))
    found = list(trainer.train(jobs()))
    for trained in reversed(found):
        outputs = trainer.predict(trained, rows().x)[0]
        model = noisy()
        model.set_weights(trained.weights)
        np.testing.assert_allclose(outputs, model(rows().x, training=False), rtol=1e-5)


def test_the_order_of_rows_is_another_one_each_epoch_and_recorded_by_the_seed():
    first, second = (order for order, _ in zip(row_orders(3, 20), range(2), strict=False))
    assert sorted(first) == sorted(second) == list(range(20))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, next(row_orders(3, 20)))


# callbacks


class Watch(keras.callbacks.Callback):
    """Notes what it is shown; a copy of it is used for each network, the list is theirs all."""

    calls: list = []  # noqa: RUF012

    def on_train_begin(self, logs=None):
        self.calls.append(("begin", self.params["epochs"]))

    def on_epoch_end(self, epoch, logs=None):
        rate = round(float(self.model.optimizer.learning_rate), 4)
        self.calls.append((epoch, rate, *sorted(logs)))

    def on_train_end(self, logs=None):
        self.calls.append(("end", *sorted(logs)))


@pytest.mark.parametrize("engine", ["auto", "fit"])
def test_callbacks_see_what_keras_shows_them_and_each_network_has_its_own(engine):
    Watch.calls.clear()
    drop = ReduceLROnPlateau(patience=1, factor=0.5, min_delta=10)
    train(callbacks=[drop, Watch()], epochs=4, engine=engine, its=jobs(1, 1))
    # the plateau writes the rate into an epoch's logs; an earlier network's rate is gone
    names = ("learning_rate", "loss", "val_loss")
    seen = [(0, 0.1), (1, 0.05), (2, 0.025), (3, 0.0125)]
    one = [("begin", 4), *((*call, *names) for call in seen), ("end", *names[1:])]
    assert Watch.calls == one * 2


@everywhere("batched")
def test_early_stopping_restores_the_best_weights_of_each_network(engine):
    stop = EarlyStopping(patience=2, restore_best_weights=True)
    for job, trained in zip(jobs(), train(callbacks=[stop], epochs=60, engine=engine), strict=True):
        losses = trained.validation["loss"]
        assert len(losses) == np.argmin(losses) + 3 < 60
        model, held = compiled(), job.validation
        model.set_weights(trained.weights)
        loss = model.evaluate(held.x, held.y, sample_weight=held.weight, verbose=0)
        assert loss == pytest.approx(min(losses), rel=1e-4)


def test_a_callback_on_batches_sees_them_by_fit():
    batches = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: batches.append(b))
    train(callbacks=[count])
    assert batches == [0, 1, 2, 3, 4] * 6


class Twice(layers.Layer):
    def call(self, x):
        return 2 * x


@pytest.mark.parametrize("engine", ["batched", "graph"])
def test_training_that_explodes_ends_at_the_first_epoch_that_is_not_finite(engine, capsys):
    def build():
        return compiled(optimizer=optimizers.SGD(1e30), loss="mse", end=layers.Dense(1))

    for trained in train(build, [TerminateOnNaN()], epochs=9, engine=engine):
        losses = trained.history["loss"]
        assert len(losses) < 4
        assert np.isfinite(losses).tolist() == [True] * (len(losses) - 1) + [False]
    assert "Invalid loss" in capsys.readouterr().out


# refusals


def several():
    x = keras.Input((4,))
    model = keras.Model(x, [layers.Dense(2, "softmax")(x), layers.Dense(1)(x)])
    model.compile(loss="mse")
    return model


REFUSED = {
    "returned str; expected a compiled Keras model": lambda: "network",
    "not compiled; call model.compile": lambda: keras.Sequential([keras.Input((4,))]),
    "several losses; expected one output with one loss": lambda: compiled(loss=["mse", "mae"]),
    "compiled without a loss; expected one": lambda: compiled(loss=None),
}


@pytest.mark.parametrize("line", REFUSED)
@everywhere("batched")
def test_a_model_that_cannot_be_trained_is_one_line_that_names_the_fold(line, engine):
    with pytest.raises(NinefoldError, match=f"^repeat 1, fold 1: .*{line}"):
        train(REFUSED[line], engine=engine)


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_epoch_end"])
@everywhere("batched")
def test_a_callback_that_raises_is_one_line_that_names_the_fold(hook, engine):
    def fail(*args, **options):
        raise KeyError("sensitivity")

    callback = keras.callbacks.LambdaCallback(**{hook: fail})
    with pytest.raises(NinefoldError, match=r"^repeat 1, fold 1: KeyError: 'sensitivity'$"):
        train(callbacks=[callback], engine=engine)


@everywhere("batched")
def test_a_function_that_fails_later_is_one_line_that_names_the_fold(engine):
    made = []

    def build():
        made.append(1)
        if len(made) > 2:
            raise ValueError("no more")
        return compiled()

    with pytest.raises(NinefoldError, match=r"^repeat 1, fold [23]: ValueError: no more$"):
        train(build, engine=engine)


@everywhere("batched", "graph")
def test_an_architecture_that_changes_between_folds_is_one_line_that_names_the_fold(engine):
    widths = iter(range(3, 20))
    match = r"^repeat 1, fold [123]: the model function returned another architecture .* arguments"
    with pytest.raises(NinefoldError, match=match):
        train(lambda: compiled(layers.Dense(next(widths))), engine=engine)


@pytest.mark.parametrize("engine", ["batched", "graph"])
def test_memory_that_runs_out_is_one_line_that_names_the_fold(engine, monkeypatch):
    import tensorflow as tf

    trainer = Trainer(compiled, Recipe(1, BATCH, engine=engine))
    list(trainer.train(jobs()))
    model = trainer._compiled

    def fail(*args):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    if engine == "graph":
        monkeypatch.setattr(model, "epoch", fail)
    else:
        monkeypatch.setattr("ninefold.study.training.batch_run.State.act", fail)
    with pytest.raises(NinefoldError) as caught:
        list(trainer.train(jobs()))
    line = str(caught.value)
    assert line.startswith("repeat 1, fold 1")
    assert "training ran out of memory; " in line
    assert "use smaller batches" in line


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch_size": 0}])
def test_a_recipe_for_nothing_is_refused(change):
    with pytest.raises(NinefoldError, match=r"(epochs|batch_size)=0; expected a whole number"):
        Recipe(**{"epochs": 1, "batch_size": 1} | change)


def test_an_unknown_engine_is_refused():
    with pytest.raises(NinefoldError, match="engine='jax'; expected one of auto, batched, "):
        Recipe(1, BATCH, engine="jax")


# targets


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


def test_a_network_that_is_built_by_its_first_rows_is_looked_at_with_some():
    def build():
        model = keras.Sequential([layers.Dense(1, "sigmoid")])
        model.compile(loss="binary_crossentropy")
        return model

    found = Trainer(build, Recipe(1, BATCH)).shape_targets(np.array([0, 1]), 2, rows().x)
    assert found.tolist() == [[0], [1]]


# through `evaluate`


SMALL: dict[str, Any] = {"folds": 3, "repeats": 1, "epochs": 2}


def data(number: int = 60) -> tuple[np.ndarray, np.ndarray]:
    return rows(number).x, rows(number).y[:, 0].astype(int)


MISFITS = {
    "the network has 3 outputs; expected 2, one a class": (3, "binary_crossentropy", 2),
    "the network has 2 outputs; expected 3, one a class": (
        2, "sparse_categorical_crossentropy", 3,
    ),
    "the network has 2 outputs; expected 1 for a regression": (2, "mse", 0),
}  # fmt: skip


@pytest.mark.parametrize("line", MISFITS)
def test_outputs_that_do_not_fit_the_target_are_one_line_that_names_the_fold(line):
    width, loss, classes = MISFITS[line]
    X, _ = data()
    y = np.arange(60) % classes if classes else X[:, 0] * 1.5
    with pytest.raises(NinefoldError, match=f"^repeat 1, fold 1: {line}$"):
        ninefold.evaluate(lambda: compiled(end=layers.Dense(width), loss=loss), X, y, **SMALL)


def test_several_outputs_are_one_line_that_names_the_fold():
    with pytest.raises(
        NinefoldError, match=r"^repeat 1, fold 1: .* several outputs; expected one, or y as a map"
    ):
        ninefold.evaluate(several, *data(), **SMALL)


def test_a_model_of_two_metrics_and_three_callbacks_is_evaluated_on_a_frame():
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "size": np.where(random.random(80) < 0.1, np.nan, random.normal(size=80)),
            "colour": pd.Series(random.choice(["red", "blue"], 80)).mask(random.random(80) < 0.1),
        }
    )

    def build(inputs):
        model = keras.Sequential([keras.Input((inputs,)), layers.Dense(1, "sigmoid")])
        model.compile(loss="binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
        return model

    callbacks = [
        EarlyStopping(monitor="val_auc", mode="max", patience=1, restore_best_weights=True),
        ReduceLROnPlateau(patience=1),
        TerminateOnNaN(),
    ]
    y = np.where(random.random(80) < 0.5, "yes", "no")
    found = ninefold.evaluate(build, frame, y, callbacks=callbacks, **SMALL | {"epochs": 9})
    assert found.engine == "batched"
    assert {"loss", "accuracy", "auc"} <= set(found.curves["metric"])
    assert found.curves["epoch"].max() < 9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "engine"),
    [
        (lambda: compiled(layers.Reshape((6, 1)), layers.GRU(2, dropout=0.1)), "graph"),
        (lambda: compiled(Twice()), "graph"),
        (noisy, "batched"),
    ],
)
def test_any_network_is_evaluated_and_the_engine_is_told(build, engine):
    found = ninefold.evaluate(build, *data(), **SMALL)
    assert (found.engine, found.fits, bool(found.engine_reason)) == (engine, 3, True)


@pytest.mark.slow
def test_images_are_evaluated():
    def build(inputs, outputs):
        model = keras.Sequential(
            [keras.Input(inputs), layers.Conv2D(2, 3), layers.Flatten(),
             layers.Dense(outputs, "softmax")]
        )  # fmt: skip
        model.compile(loss="sparse_categorical_crossentropy")
        return model

    images = np.random.default_rng(1).normal(size=(60, 6, 6, 1))
    found = ninefold.evaluate(build, images, np.arange(60) % 3, **SMALL)
    assert found.engine == "batched-xla"
    assert np.isfinite(found.predictions[["0", "1", "2"]].to_numpy()).all()


def test_weights_of_classes_are_those_of_fit():
    X, y = data(40)
    task = Task(X, y, ("0", "1"), np.ones(40), {"0": 1.0, "1": 3.0})
    part = np.arange(40)
    learner = make_learner(compiled, task, None, Recipe(3, BATCH, engine="graph"))
    fitted = learner.fit(part, part[:0], seed=5)

    class InOrder(keras.utils.PyDataset):
        orders, order = row_orders(5, 40), part

        def __len__(self):
            return 3

        def on_epoch_end(self):
            self.order = next(self.orders)

        def __getitem__(self, batch):
            some = self.order[batch * BATCH : (batch + 1) * BATCH]
            return X[some], y[some, None]

    keras.utils.set_random_seed(5)
    model = compiled()
    model.fit(InOrder(), epochs=3, shuffle=False, verbose=0, class_weight={0: 1.0, 1: 3.0})
    for found, wanted in zip(fitted.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("engine", ["batched", "graph"])
def test_training_one_network_after_another_writes_nothing_where_a_notebook_shows_it(
    engine, caplog
):
    logger = logging.getLogger("tensorflow")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.WARNING, "tensorflow"):
            for units in range(3, 10):  # TensorFlow warns of the fifth that traces the same lines
                train(
                    lambda u=units: compiled(layers.Dense(u), layers.Dropout(0.2)),
                    engine=engine,
                    epochs=1,
                )
    finally:
        logger.removeHandler(caplog.handler)
    assert caplog.messages == []
