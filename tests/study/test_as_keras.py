"""What Keras and a user's own code do that no configuration tells: the numbers are those of a plain
`model.fit` all the same. Each test stands for a kind that was wrong once."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import ninefold
from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.training import row_orders

load_tensorflow()
import keras  # noqa: E402
from keras import layers, losses, optimizers  # noqa: E402

ENGINES = ["auto", "batched", "graph"]
OPTIONS: dict[str, Any] = {"folds": 2, "repeats": 1, "epochs": 4, "prepare": None, "validation": 0}


@pytest.fixture(scope="module")
def numbers():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(90, 4)).astype("float32")
    return X, (X[:, 0] * 2 + X[:, 1] ** 2 + generator.normal(size=90)).astype("float32")


def network(loss: Any = "mse", optimizer: Callable[[], Any] = lambda: optimizers.SGD(0.01),
            *parts: Callable[[], Any], end: str | None = None) -> Callable[[], Any]:  # fmt: skip
    def build():
        model = keras.Sequential([keras.Input((4,)), layers.Dense(6, "tanh")])
        for part in parts:
            model.add(part())
        model.add(layers.Dense(1, end))
        model.compile(optimizer=optimizer(), loss=loss() if callable(loss) else loss)
        return model

    return build


def fitted(build: Callable[[], Any], evaluation: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return what plain `model.fit` predicts out of fold, trained as `evaluation` was: from its
    seeds, on its rows in their order."""
    from ninefold.study.splits import derive_seed

    found = np.zeros(len(X))
    for fold, rows in evaluation.predictions.groupby("fold")["row"]:
        test = rows.to_numpy()
        train = np.setdiff1d(np.arange(len(X)), test)
        seed = derive_seed(1, 0, int(fold), 0)
        keras.utils.set_random_seed(seed)
        model, orders = build(), row_orders(seed, len(train))
        for _ in range(OPTIONS["epochs"]):
            order = train[next(orders)]
            for start in range(0, len(order), 32):
                part = order[start : start + 32]
                model.train_on_batch(X[part], y[part].reshape(-1, 1))
        found[test] = model.predict(X[test], verbose=0)[:, 0]
    return found


def predicted(evaluation: Any) -> np.ndarray:
    return evaluation.predictions.sort_values("row")["prediction"].to_numpy()


def assert_as_keras(builds: dict[str, Callable], X, y, engine: str, within: float = 2e-5) -> None:
    """Variants evaluated together are each what Keras makes of it alone."""
    found = ninefold.evaluate(builds, X, y, engine=engine, **OPTIONS)
    for name, build in builds.items():
        wanted = fitted(build, found[name], X, y)
        np.testing.assert_allclose(
            predicted(found[name]), wanted, rtol=0, atol=within, err_msg=name
        )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "several",
    [
        {"0.05": lambda: losses.Huber(0.05), "5": lambda: losses.Huber(5.0)},
        {"0": lambda: losses.Huber(1.0), "sum": lambda: losses.Huber(1.0)},
        {"log": losses.LogCosh, "mape": losses.MeanAbsolutePercentageError},
    ],
    ids=lambda several: "-".join(several),
)
def test_losses_that_differ_in_what_their_configuration_leaves_out(numbers, several, engine):
    X, y = numbers
    assert_as_keras({name: network(loss) for name, loss in several.items()}, X, y, engine)


def excluding(*names: str) -> Any:
    optimizer = optimizers.AdamW(0.01, weight_decay=0.5)
    if names:
        optimizer.exclude_from_weight_decay(var_names=list(names))
    return optimizer


@pytest.mark.parametrize("engine", ENGINES)
def test_weights_that_an_optimizer_does_not_decay(numbers, engine):
    X, y = numbers
    builds = {
        "all": network("mse", excluding),
        "no kernel": network("mse", partial(excluding, "kernel")),
        "no bias": network("mse", partial(excluding, "bias")),
    }
    assert_as_keras(builds, X, y, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_is_scaled(numbers, engine):
    X, y = numbers
    builds = {str(s): network("mse", lambda s=s: optimizers.SGD(0.01, loss_scale_factor=s))
              for s in (None, 64)}  # fmt: skip
    assert_as_keras(builds, X, y, engine)


class Backwards(optimizers.SGD):
    """An optimizer of one's own that does other than its configuration says."""

    def apply_gradients(self, grads_and_vars, **options):
        return super().apply_gradients([(-0.1 * g, v) for g, v in grads_and_vars], **options)


def test_an_optimizer_of_one_s_own_does_what_it_does(numbers):
    X, y = numbers
    assert_as_keras({"own": network("mse", lambda: Backwards(0.01))}, X, y, "auto", within=2e-7)
    with pytest.raises(NinefoldError, match="optimizer Backwards"):
        ninefold.evaluate(
            network("mse", lambda: Backwards(0.01)), X, y, engine="batched", **OPTIONS
        )


class Penalty(layers.Layer):
    """A layer whose configuration does not say how strong it is."""

    def __init__(self, strength):
        super().__init__()
        self.strength = strength

    def call(self, x):
        return x * self.strength


@pytest.mark.parametrize("engine", ENGINES)
def test_layers_of_one_s_own_that_differ(numbers, engine):
    X, y = numbers
    builds = {str(s): network("mse", lambda: optimizers.SGD(0.01), partial(Penalty, s))
              for s in (0.1, 2.0)}  # fmt: skip
    assert_as_keras(builds, X, y, engine)


def test_the_caller_s_random_numbers_go_on_as_if_nothing_had_been(numbers):
    X, y = numbers

    def draw():
        found = random.random(), float(np.random.random()), keras.random.uniform((), seed=None)
        import tensorflow as tf

        return [*map(float, found), float(tf.random.uniform(()))]

    for seeded in (True, False):
        if seeded:
            keras.utils.set_random_seed(3)
        wanted = [draw(), draw()]
        if seeded:
            keras.utils.set_random_seed(3)
        found = [draw()]
        ninefold.evaluate(network(), X, y, **OPTIONS)
        found.append(draw())
        if seeded:
            assert found == wanted
        else:
            assert found[0] != found[1]


def shared_model():
    model = network()()
    return lambda: model


def shared_layer():
    layer = layers.Dense(3)
    return network("mse", lambda: optimizers.SGD(0.01), lambda: layer)


def shared_optimizer():
    optimizer = optimizers.Adam(0.01)
    return network("mse", lambda: optimizer)


@pytest.mark.parametrize("engine", [*ENGINES, "fit"])
@pytest.mark.parametrize(
    ("share", "what"),
    [(shared_model, "model"), (shared_layer, "layer 'dense_"), (shared_optimizer, "optimizer")],
)
def test_what_an_earlier_fold_has_trained_is_refused(numbers, share, what, engine):
    X, y = numbers
    with pytest.raises(NinefoldError, match=f"returned the same {what}.*inside of the function"):
        ninefold.evaluate(share(), X, y, engine=engine, **OPTIONS)


def test_a_layer_that_is_not_trained_may_serve_all_folds(numbers):
    X, y = numbers
    layer = layers.Dense(3, trainable=False)
    found = ninefold.evaluate(
        network("mse", lambda: optimizers.SGD(0.01), lambda: layer), X, y, **OPTIONS
    )
    assert np.isfinite(found.values()).all()


@pytest.mark.parametrize(
    ("weight", "said"),
    [(np.nan, "missing or infinite"), (np.inf, "missing or infinite"), (-1, "negative")],
)
def test_weights_that_mean_nothing_are_refused(numbers, weight, said):
    X, y = numbers
    weights = np.where(np.arange(len(y)) == 3, weight, 1.0)
    with pytest.raises(NinefoldError, match=f"sample_weight has {said} values"):
        ninefold.evaluate(network(), X, y, sample_weight=weights, **OPTIONS)
    with pytest.raises(NinefoldError, match="sample_weight is all 0"):
        ninefold.evaluate(network(), X, y, sample_weight=np.zeros(len(y)), **OPTIONS)


@pytest.mark.parametrize("engine", [*ENGINES, "fit"])
def test_weights_of_classes_do_not_weigh_the_validation_loss(numbers, engine):
    X, y = numbers
    options = {**OPTIONS, "validation": 0.3, "engine": engine}
    build = network("binary_crossentropy", lambda: optimizers.SGD(0.0), end="sigmoid")
    plain = ninefold.evaluate(build, X, y > 1, **options)
    heavy = ninefold.evaluate(build, X, y > 1, class_weight={"True": 50}, **options)
    for part in ("train", "validation"):
        np.testing.assert_allclose(plain.curves[part], heavy.curves[part], rtol=1e-6)
    losses = [e.history[e.history["metric"] == "loss"] for e in (plain, heavy)]
    np.testing.assert_allclose(losses[0]["validation"], losses[1]["validation"], rtol=1e-6)
    assert (losses[1]["train"] > 2 * losses[0]["train"]).all()


def ordinal(y, outputs):
    """A loss that takes codes, and does not say so by its name."""
    codes = keras.ops.cast(y[:, :1], "float32")
    places = keras.ops.arange(3, dtype="float32")
    return keras.ops.mean(keras.ops.abs(codes - places) * outputs, axis=-1)


def gathered(y, outputs):
    codes = keras.ops.squeeze(keras.ops.cast(y, "int32"), -1)  # refuses one column a class
    return -keras.ops.log(keras.ops.sum(keras.ops.one_hot(codes, 3) * outputs, axis=-1))


def crossed(y, outputs):
    return -keras.ops.sum(keras.ops.reshape(y, (-1, 3)) * keras.ops.log(outputs), axis=-1)


def of_three(loss):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "softmax")])
    model.compile(optimizers.SGD(0.1), loss)
    return model


def test_a_loss_of_one_s_own_is_given_the_targets_that_it_takes(numbers):
    X, y = numbers
    codes = np.digitize(y, [-0.5, 1.5])
    alike = ["sparse_categorical_crossentropy", "categorical_crossentropy", gathered, crossed]
    found = [ninefold.evaluate(partial(of_three, loss), X, codes, **OPTIONS) for loss in alike]
    for other in found[1:]:
        np.testing.assert_allclose(other.scores["log_loss"], found[0].scores["log_loss"], rtol=1e-4)
    with pytest.warns(UserWarning, match="the loss ordinal takes codes"):
        ninefold.evaluate(partial(of_three, ordinal), X, codes, **OPTIONS)
    named = ninefold.evaluate(partial(of_three, ordinal), X, codes, targets="codes", **OPTIONS)
    keras.utils.set_random_seed(0)
    model = of_three(ordinal)
    model.fit(X, codes.reshape(-1, 1), epochs=4, verbose=0)
    assert named.curves["train"].iloc[-1] == pytest.approx(
        model.evaluate(X, codes.reshape(-1, 1), verbose=0), rel=0.3
    )


def generalized(y, outputs):
    codes = keras.ops.squeeze(keras.ops.cast(y, "int32"), -1)
    likely = keras.ops.sum(keras.ops.one_hot(codes, 3) * outputs, axis=-1)
    return (1 - keras.ops.power(likely, 0.5)) / 0.5


def test_a_loss_that_takes_codes_without_a_column_is_given_them(numbers):
    X, y = numbers
    codes, options = np.digitize(y, [-0.5, 1.5]), {**OPTIONS, "targets": "codes"}
    kept, own = (
        ninefold.evaluate(partial(of_three, loss), X, codes, **options)
        for loss in (losses.CategoricalGeneralizedCrossEntropy(0.5), generalized)
    )
    np.testing.assert_allclose(kept.scores["log_loss"], own.scores["log_loss"], rtol=1e-4)


def test_a_loss_of_columns_is_trained_without_weights_of_rows(numbers):
    X, y = numbers
    codes = np.digitize(y, [-0.5, 1.5])
    build = partial(of_three, losses.CosineSimilarity(axis=0))
    assert ninefold.evaluate(build, X, codes, **OPTIONS).engine == "graph"


def test_a_loss_that_takes_no_targets_says_what_it_said(numbers):
    X, y = numbers

    def failing(y, outputs):
        raise ValueError("I take nothing")

    with pytest.raises(NinefoldError, match="the loss failing: ValueError: I take nothing"):
        ninefold.evaluate(partial(of_three, failing), X, np.digitize(y, [-0.5, 1.5]), **OPTIONS)


@pytest.mark.parametrize("engine", ["auto", "graph"])
@pytest.mark.parametrize("loss", [losses.Dice, losses.Tversky])
def test_a_loss_that_is_no_mean_over_rows_is_watched_as_keras_does(numbers, loss, engine):
    X, y = numbers
    stop = keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    options = {**OPTIONS, "validation": 0.3, "epochs": 20, "engine": engine, "callbacks": [stop]}
    build = network(loss, lambda: optimizers.Adam(0.05), end="sigmoid")
    found = ninefold.evaluate(build, X, y > 1, **options)
    wanted = ninefold.evaluate(build, X, y > 1, **{**options, "engine": "fit"})
    assert found.engine == "graph"
    np.testing.assert_allclose(found.history["validation"], wanted.history["validation"], rtol=1e-5)
    with pytest.raises(NinefoldError, match="its loss is not a mean over rows"):
        ninefold.evaluate(build, X, y > 1, **{**options, "engine": "batched"})


def test_a_loss_that_ignores_a_class_is_a_mean_over_the_rows_of_others(numbers):
    X, y = numbers
    codes = np.digitize(y, [-0.5, 1.5])
    build = partial(of_three, losses.SparseCategoricalCrossentropy(ignore_class=1))
    options = {**OPTIONS, "validation": 0.3}
    found = ninefold.evaluate(build, X, codes, **options)
    wanted = ninefold.evaluate(build, X, codes, **{**options, "engine": "fit"})
    assert found.engine == "graph"
    np.testing.assert_allclose(found.history["validation"], wanted.history["validation"], rtol=1e-5)


class Whole(losses.Loss):
    """One number for a batch: weights of 1 would make it as many."""

    def call(self, y, outputs):
        return keras.ops.mean(keras.ops.square(y - outputs))


@pytest.mark.parametrize("engine", ["auto", "graph"])
def test_without_weights_of_rows_keras_is_given_none(numbers, engine):
    X, y = numbers
    assert_as_keras({"sum": network(lambda: Whole(reduction="sum"))}, X, y, engine)


class FromTheGuide(keras.Model):
    """Takes (x, y) apart, as Keras's guide to a `train_step` of one's own does."""

    def __init__(self):
        super().__init__()
        self.end = layers.Dense(1)

    def call(self, x):
        return self.end(x)

    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            outputs = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=outputs)
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        return self.measure(loss, y, outputs)

    def test_step(self, data):
        x, y = data
        outputs = self(x, training=False)
        return self.measure(self.compute_loss(y=y, y_pred=outputs), y, outputs)

    def measure(self, loss, y, outputs):
        first, *others = self.metrics
        first.update_state(loss)
        for metric in others:
            metric.update_state(y, outputs)
        return {metric.name: metric.result() for metric in self.metrics}


def test_a_train_step_of_one_s_own_may_take_no_weights(numbers):
    X, y = numbers

    def build():
        model = FromTheGuide()
        model.compile(optimizers.SGD(0.01), "mse", metrics=["mae"])
        return model

    with pytest.warns(UserWarning, match="FromTheGuide has a train_step"):
        found = ninefold.evaluate(build, X, y, **{**OPTIONS, "validation": 0.2})
    assert found.engine == "fit"
    assert np.isfinite(found.history[["train", "validation"]]).all(axis=None)


def several_optimizers():
    rest = optimizers.SGD(0.01)
    kinds = optimizers.OptimizerMap(rest, {".*bias": optimizers.Adam(0.02)})
    return optimizers.MultiOptimizer(kinds)


@pytest.mark.parametrize("engine", ["auto", "graph"])
def test_several_optimizers_train_what_they_are_for(numbers, engine):
    X, y = numbers
    assert_as_keras({"several": network("mse", several_optimizers)}, X, y, engine)
