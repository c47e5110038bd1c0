"""Callbacks between epochs keep the compiled epoch, and do there what they do under `model.fit`."""

import copy
import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ninefold
from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.training import Job, Recipe, Rows, Trained, Trainer, row_orders

load_tensorflow()
import keras  # noqa: E402
from keras import layers, optimizers  # noqa: E402
from keras.callbacks import (  # noqa: E402
    BackupAndRestore,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
)

BATCH, EPOCHS = 16, 4


def rows(number: int = 40, seed: int = 0) -> Rows:
    random = np.random.default_rng(seed)
    x = random.normal(size=(number, 4)).astype("float32")
    y = (x[:, :1] + random.normal(size=(number, 1)) > 0).astype("float32")
    return Rows(x, y, np.ones(number, "float32"))


def jobs(number: int = 2) -> list[Job]:
    return [
        Job(rows(40 + 10 * s, s), rows(12, 9 + s), s, f"repeat 1, fold {s + 1}")
        for s in range(number)
    ]


def network() -> Any:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, "tanh"),
            layers.Dropout(0.1),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model


class InOrder(keras.utils.PyDataset):
    """The rows of a job in the order that is recorded for each epoch."""

    def __init__(self, job: Job):
        super().__init__()
        self._rows, self._orders = job.rows, row_orders(job.seed, len(job.rows))
        self._order = np.arange(len(job.rows))

    def __len__(self) -> int:
        return -(-len(self._rows) // BATCH)

    def on_epoch_end(self) -> None:  # which Keras calls before the first epoch as well
        self._order = next(self._orders)

    def __getitem__(self, batch: int) -> tuple:
        part = self._order[batch * BATCH : (batch + 1) * BATCH]
        return self._rows.x[part], self._rows.y[part], self._rows.weight[part]


def fit(job: Job, callbacks: list[Any], build: Callable = network) -> Trained:
    keras.utils.set_random_seed(job.seed)
    model, held = build(), job.validation
    history = model.fit(
        InOrder(job), epochs=EPOCHS, shuffle=False, verbose=0, validation_batch_size=BATCH,
        validation_data=(held.x, held.y, held.weight), callbacks=copy.deepcopy(callbacks),
    )  # fmt: skip
    return Trained(history=history.history, weights=model.get_weights())


def train(callbacks: list[Any], engine: str = "auto", build: Callable = network) -> Any:
    trainer = Trainer(build, Recipe(EPOCHS, BATCH, tuple(callbacks), engine))
    return list(trainer.train(jobs())), trainer.choice.engine


def assert_as_fit(callbacks: list[Any], engine: str = "graph", build: Callable = network) -> None:
    found, chosen = train(callbacks, build=build)
    assert chosen == engine
    for job, mine in zip(jobs(), found, strict=True):
        wanted = fit(job, callbacks, build)
        assert set(mine.history) == set(wanted.history)
        for name, values in wanted.history.items():
            assert mine.history[name] == pytest.approx(values, rel=1e-4), name
        for one, other in zip(mine.weights, wanted.weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


class Meddle(keras.callbacks.Callback):
    """Reads weights, evaluates, predicts, changes weights and the rate, stops."""

    def on_epoch_end(self, epoch, logs=None):
        model, held = self.model, rows(12, 9)
        logs["norm"] = float(sum(np.abs(part).sum() for part in model.get_weights()))
        logs["again"] = model.evaluate(held.x, held.y, verbose=0)[0]
        logs["mean"] = float(model.predict(held.x, verbose=0).mean())
        logs["steps"] = float(self.params["steps"])
        model.optimizer.learning_rate = 0.5 * float(model.optimizer.learning_rate)
        model.layers[0].kernel.assign(0.9 * model.layers[0].kernel)
        model.stop_training = epoch == 2


class StopAtOnce(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


class Freeze(keras.callbacks.Callback):
    """Freezes a layer, before the first epoch or after the second, where only a train function
    that is made anew heeds it."""

    def __init__(self, at_first: bool = False, anew: bool = False):
        super().__init__()
        self.at_first, self.anew = at_first, anew

    def on_train_begin(self, logs=None):
        self.model.layers[0].trainable = not self.at_first

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.layers[0].trainable = False
            if self.anew:
                self.model.make_train_function(force=True)


@pytest.mark.parametrize(
    ("callback", "engine"),
    [
        (Meddle(), "graph"),
        (StopAtOnce(), "graph"),
        (Freeze(), "graph"),
        (Freeze(at_first=True), "graph"),
        (Freeze(anew=True), "graph"),
        (ReduceLROnPlateau(patience=1, min_delta=10), "batched"),
        (LearningRateScheduler(lambda epoch, rate: rate / 2), "batched"),
        (EarlyStopping(patience=1, restore_best_weights=True), "batched"),
        (LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(seen=epoch)), "batched"),
    ],
)
def test_what_a_callback_does_between_epochs_is_what_it_does_under_fit(callback, engine):
    assert_as_fit([callback], engine)


class FreezeInSecondFold(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.model.layers[0].trainable = self.params["steps"] < 4


def test_a_callback_that_acts_in_one_fold_alone_acts_there():
    assert_as_fit([FreezeInSecondFold()])


class CompileAgain(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.compile("sgd", "mse")


def test_a_model_that_a_callback_compiles_is_refused_for_fit_fails_with_it():
    with pytest.raises(NinefoldError, match="fold 1: a callback compiled the model; "):
        train([CompileAgain()])


def test_a_callback_that_changes_nothing_has_the_epoch_traced_once(monkeypatch):
    from ninefold.study.training.one_by_one import CompiledModel

    traced = []
    trace = CompiledModel._trace
    monkeypatch.setattr(CompiledModel, "_trace", lambda self: (traced.append(1), trace(self)))
    train([Meddle()])
    assert traced == [1]


# files


def parts() -> list[str]:
    return [f"repeat-1-fold-{number}" for number in (1, 2)]


@pytest.mark.parametrize("engine", ["batched", "graph", "fit"])
def test_a_log_of_each_fold_holds_what_fit_logs(engine, tmp_path):
    train([CSVLogger(tmp_path / "log.csv")], engine)
    assert {p.name for p in tmp_path.iterdir()} == {f"log-{part}.csv" for part in parts()}
    for job, part in zip(jobs(), parts(), strict=True):
        if engine == "fit":  # which shuffles by itself
            continue
        fit(job, [CSVLogger(tmp_path / "wanted.csv")])
        found, wanted = (
            list(csv.reader((tmp_path / name).read_text().splitlines()))
            for name in (f"log-{part}.csv", "wanted.csv")
        )
        assert found[0] == wanted[0]
        np.testing.assert_allclose(
            np.array(found[1:], float), np.array(wanted[1:], float), rtol=1e-5
        )


@pytest.mark.parametrize("name", ["best.weights.h5", "{epoch:02d}-{val_loss:.1f}.keras"])
def test_checkpoints_of_each_fold_hold_the_weights_that_fit_saves(name, tmp_path):
    def checkpoint(path: Path) -> ModelCheckpoint:
        return ModelCheckpoint(path, save_best_only=True, save_weights_only="weights" in name)

    _, engine = train([checkpoint(tmp_path / "found" / name)])
    assert engine == "graph"
    suffix = name[name.index(".weights") if "weights" in name else -6 :]
    for job, part in zip(jobs(), parts(), strict=True):
        fit(job, [checkpoint(tmp_path / part / name)])
        wanted = sorted((tmp_path / part).iterdir())
        assert wanted
        for path in wanted:
            own = tmp_path / "found" / f"{path.name.removesuffix(suffix)}-{part}{suffix}"
            for one, other in zip(weights_in(own), weights_in(path), strict=True):
                np.testing.assert_array_equal(one, other)


def weights_in(path: Path) -> list[np.ndarray]:
    if path.suffix == ".keras":
        return keras.saving.load_model(path).get_weights()
    model = network()
    model.optimizer.build(model.trainable_variables)
    model.load_weights(path)
    return model.get_weights()


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    import tensorflow as tf

    found: dict[str, list[tuple[int, float]]] = {}
    for path in sorted(folder.rglob("events*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    number = float(tf.make_ndarray(value.tensor))
                    place = f"{path.parent.name}/{value.tag}"
                    found.setdefault(place, []).append((event.step, number))
    return found


def test_tensorboard_gets_the_scalars_that_fit_writes(tmp_path):
    _, engine = train([TensorBoard(tmp_path / "found", histogram_freq=1)])
    assert engine == "graph"
    for job, part in zip(jobs(), parts(), strict=True):
        fit(job, [TensorBoard(tmp_path / part, histogram_freq=1)])
        found, wanted = scalars(tmp_path / "found" / part), scalars(tmp_path / part)
        assert "validation/evaluation_loss_vs_iterations" in wanted
        assert found.keys() == wanted.keys()
        for name, points in wanted.items():
            assert [step for step, _ in found[name]] == [step for step, _ in points]
            values = [[value for _, value in one] for one in (found[name], points)]
            assert values[0] == pytest.approx(values[1], rel=1e-5), name


class Interrupt(keras.callbacks.Callback):
    interrupt = True

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2 and self.interrupt:
            raise KeyboardInterrupt


def test_an_interrupted_fold_goes_on_from_its_backup(tmp_path, monkeypatch):
    callbacks = [BackupAndRestore(tmp_path / "backup"), Interrupt()]
    with pytest.raises(KeyboardInterrupt):
        train(callbacks, "graph")
    assert [path.name for path in (tmp_path / "backup").iterdir()] == parts()[:1]
    monkeypatch.setattr(Interrupt, "interrupt", False)
    found, _ = train(callbacks, "graph")
    assert [len(one.history["loss"]) for one in found] == [2, 4]
    whole = fit(jobs()[0], [])
    assert found[0].history["val_loss"] == pytest.approx(whole.history["val_loss"][2:], rel=0.2)


def test_variants_write_files_of_their_own(tmp_path):
    X, y = rows(40).x, rows(40).y[:, 0].astype(int)
    ninefold.evaluate(
        {"a/b": network, "a b": network, "a-b": network}, X, y, folds=2, repeats=1, epochs=1,
        callbacks=[CSVLogger(tmp_path / "log.csv")],
    )  # fmt: skip
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {
        f"log-{name}-{part}.csv" for name in ("a%2Fb", "a b", "a-b") for part in parts()
    }
