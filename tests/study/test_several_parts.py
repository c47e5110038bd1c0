"""Networks of several inputs and outputs: the numbers are those of a plain Keras loop, each output
is scored as a problem of its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import ninefold
from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.splits import derive_seed
from ninefold.study.training import row_orders

load_tensorflow()
import keras  # noqa: E402
from keras import layers  # noqa: E402

OPTIONS: dict[str, Any] = {
    "folds": 2, "repeats": 1, "epochs": 3, "batch_size": 16, "validation": 0,
}  # fmt: skip
CLASSES = 3


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    random = np.random.default_rng(0)
    picture, table = random.normal(size=(60, 6, 6, 1)), random.normal(size=(60, 4))
    price = 2 * table[:, 0] + picture.mean(axis=(1, 2, 3)) + 0.1 * random.normal(size=60)
    kind = np.array(["dear", "cheap", "free"])[np.digitize(price, [-1, 1])]
    return {"X": {"picture": picture, "table": table}, "y": {"price": price, "kind": kind}}


def branches(outputs: dict[str, int], listed: bool = False, **compiled: Any) -> Any:
    picture = keras.Input((6, 6, 1), name="picture")
    table = keras.Input((4,), name="table")
    inputs = [picture, table] if listed else {"table": table, "picture": picture}
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, activation="relu")(picture))
    both = layers.Dense(5, "tanh", kernel_regularizer="l2")(layers.concatenate([seen, table]))
    made = {
        name: layers.Dense(width, "softmax" if width > 1 else None, name=name)(both)
        for name, width in outputs.items()
    }
    if len(made) == 1:
        model = keras.Model(inputs, next(iter(made.values())))
    else:
        model = keras.Model(inputs, list(made.values()) if listed else made)
    model.compile(keras.optimizers.SGD(0.05), **compiled)
    return model


def two_outputs(outputs: dict[str, int], listed: bool = False) -> Any:
    losses = {"price": "mse", "kind": "sparse_categorical_crossentropy"}
    weights = {"price": 0.5, "kind": 2.0}
    metrics = {"kind": ["accuracy"], "price": []}
    if listed:  # Keras takes them in the order of the outputs
        losses, weights, metrics = ([of[name] for name in outputs]
                                    for of in (losses, weights, metrics))  # fmt: skip
    return branches(outputs, listed, loss=losses, loss_weights=weights, metrics=metrics)


def as_told_nothing() -> Any:
    return two_outputs({"price": 1, "kind": CLASSES})


def as_list(outputs: dict[str, int]) -> Any:
    return two_outputs(outputs, listed=True)


def scale(part: np.ndarray, train: np.ndarray) -> np.ndarray:
    axis = None if part.ndim == 4 else 0
    return ((part - part[train].mean(axis)) / part[train].std(axis)).astype("float32")


def cut(parts: Any, numbers: np.ndarray) -> Any:
    return keras.tree.map_structure(lambda part: part[numbers], parts)


def fold_by_fold(build: Callable[[], Any], X: dict, y: Any, frame: pd.DataFrame) -> list[dict]:
    """Train a plain Keras model on the rows outside each test fold, standardised by them, in the
    order that ninefold gives them. Return its outputs for the test rows, and its losses."""
    found = []
    for fold, part in frame.groupby("fold"):
        test = part["row"].to_numpy()
        train = np.setdiff1d(np.arange(60), test)
        scaled = {name: scale(part, train) for name, part in X.items()}
        seed = derive_seed(1, 0, int(fold), 0)
        keras.utils.set_random_seed(seed)
        model, orders = build(), row_orders(seed, len(train))
        histories = []
        for _ in range(OPTIONS["epochs"]):
            order = train[next(orders)]
            history = model.fit(
                cut(scaled, order), cut(y, order), batch_size=16, shuffle=False, verbose=0,
                sample_weight=np.ones(len(order), "float32"),
            ).history  # fmt: skip
            histories.append({name: values[0] for name, values in history.items()})
        outputs = model.predict(cut(scaled, test), verbose=0)
        found.append({"test": test, "outputs": outputs, "history": pd.DataFrame(histories)})
    return found


@pytest.mark.parametrize("engine", ["auto", "graph", "fit"])
@pytest.mark.parametrize("build", [two_outputs, as_list])
def test_several_inputs_and_outputs_are_trained_as_keras_trains_them(build, engine, rows):
    found = ninefold.evaluate(build, rows["X"], rows["y"], engine=engine, **OPTIONS)
    assert list(found) == ["price", "kind"]
    price, kind = found["price"], found["kind"]
    assert price.engine == ("fit" if engine == "fit" else "graph")
    assert (price.protocol.problem, kind.protocol.problem) == ("regression", "multiclass")
    if engine == "fit":  # which orders the rows by itself
        return
    codes = np.unique(rows["y"]["kind"], return_inverse=True)[1]
    y: Any = {"price": rows["y"]["price"][:, None].astype("float32"),
              "kind": codes[:, None].astype("float32")}  # fmt: skip
    y = [y["price"], y["kind"]] if build is as_list else y
    widths = {"price": 1, "kind": CLASSES}
    for one in fold_by_fold(lambda: build(widths), rows["X"], y, price.predictions):
        outputs = one["outputs"]
        wanted = outputs if build is as_list else [outputs["price"], outputs["kind"]]
        here = price.predictions.set_index("row").loc[one["test"]]
        np.testing.assert_allclose(here["prediction"], wanted[0][:, 0], atol=1e-5)
        here = kind.predictions.set_index("row").loc[one["test"]]
        np.testing.assert_allclose(here[["cheap", "dear", "free"]], wanted[1], atol=1e-5)
        history = price.history[price.history["fold"] == here["fold"].iloc[0]]
        for name in ("loss", "price_loss", "kind_loss", "kind_accuracy"):
            mine = history[history["metric"] == name]["train"]
            np.testing.assert_allclose(mine, one["history"][name], rtol=1e-4, err_msg=name)


def test_curves_of_several_outputs_are_the_weighted_losses_without_penalties(rows):
    kept = ninefold.evaluate(
        two_outputs, rows["X"], rows["y"], return_models=True, **OPTIONS | {"epochs": 1}
    )["price"]
    fold = kept.predictions[kept.predictions["fold"] == 0]
    train = np.setdiff1d(np.arange(60), fold["row"])
    X = {name: part[train] for name, part in rows["X"].items()}
    model = kept.models[0].model
    prepared = {k: np.asarray(v, "float32")
                for k, v in kept.models[0].preparation.transform(X).items()}  # fmt: skip
    outputs = {name: np.asarray(part, float) for name, part in model(prepared).items()}
    codes = np.unique(rows["y"]["kind"], return_inverse=True)[1][train]
    mse = np.mean((outputs["price"][:, 0] - rows["y"]["price"][train]) ** 2)
    entropy = -np.log(outputs["kind"][np.arange(len(train)), codes]).mean()
    curve = kept.curves.query("fold == 0").set_index("metric")["train"]
    assert curve["loss"] == pytest.approx(0.5 * mse + 2 * entropy, rel=1e-4)
    assert curve["price_loss"] == pytest.approx(mse, rel=1e-4)
    assert curve["kind_loss"] == pytest.approx(entropy, rel=1e-4)


def test_each_output_has_metrics_of_its_own_and_its_models_predict_on_raw_rows(rows):
    found = ninefold.evaluate(
        {"one": two_outputs, "other": as_list}, rows["X"], rows["y"], return_models=True,
        metrics={"price": "rmse", "kind": ["accuracy", "log_loss"]}, **OPTIONS,
    )  # fmt: skip
    assert list(found) == ["one", "other"]
    for outputs in found.values():
        assert list(outputs["price"].scores) == ["repeat", "fold", "rmse"]
        assert outputs["kind"].protocol.metric == "accuracy"
        for evaluation in outputs.values():
            frame = evaluation.predictions
            part = frame[frame["fold"] == 1]
            X = {name: of[part["row"]] for name, of in rows["X"].items()}
            column = "prediction" if "prediction" in part else "predicted"
            mine, wanted = evaluation.models[1].predict(X), part[column]
            assert np.all(mine == wanted) or np.allclose(mine, wanted, atol=1e-6)


def test_a_mapping_of_one_input_more_is_enough_and_columns_are_prepared_each_by_its_own(rows):
    def build(inputs: dict[str, Any], outputs: int) -> Any:
        assert inputs == {"picture": (6, 6, 1), "table": 4}
        return branches({"kind": outputs}, loss="sparse_categorical_crossentropy")

    frame = pd.DataFrame({"number": rows["X"]["table"][:, 0], "letter": list("abc") * 20})
    X = {"picture": rows["X"]["picture"], "table": frame}
    found = ninefold.evaluate(build, X, rows["y"]["kind"], return_models=True, **OPTIONS)
    fitted = found.models[0].preparation.parts["table"].named_transformers_
    train = np.setdiff1d(np.arange(60), found.predictions.query("fold == 0")["row"])
    mean = fitted["numbers"][-1].mean_[0]
    assert mean == pytest.approx(frame["number"].to_numpy()[train].mean())
    assert found.engine_reason == "several inputs"


def test_numbers_of_tokens_among_several_inputs_go_in_as_they_are():
    def build(inputs: dict[str, Any]) -> Any:
        words, table = keras.Input((5,), name="words"), keras.Input((2,), name="table")
        read = layers.GlobalAveragePooling1D()(layers.Embedding(9, 3)(words))
        end = layers.Dense(1, "sigmoid")(layers.concatenate([read, table]))
        model = keras.Model({"words": words, "table": table}, end)
        model.compile("sgd", "binary_crossentropy")
        return model

    random = np.random.default_rng(0)
    X = {"words": random.integers(0, 9, (40, 5)), "table": random.normal(size=(40, 2))}
    y = np.arange(40) % 2
    found = ninefold.evaluate(build, X, y, return_models=True, **OPTIONS)
    parts = found.models[0].preparation.parts
    assert parts["words"] is None
    assert parts["table"] is not None


def test_the_loss_of_an_output_says_what_its_whole_numbers_are(rows):
    ratings = {"price": np.arange(60) % 5, "kind": np.arange(60) % 3}
    found = ninefold.evaluate(two_outputs, rows["X"], ratings, **OPTIONS)
    assert [one.protocol.problem for one in found.values()] == ["regression", "multiclass"]
    problems = {"price": "regression"}
    said = ninefold.evaluate(two_outputs, rows["X"], ratings, problem=problems, **OPTIONS)
    assert said["price"].protocol.problem == "regression"


def test_a_standardised_target_comes_back_in_its_own_units(rows):
    y = rows["y"] | {"price": 1000 + 500 * rows["y"]["price"]}
    found = ninefold.evaluate(
        two_outputs, rows["X"], y, scale_target=True, **OPTIONS | {"epochs": 30}
    )
    assert found["price"].values("r2").mean() > 0.5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"X": {}}, "X is an empty mapping; expected at least one input"),
        ({"y": {}}, "y is an empty mapping; expected output → y"),
        (
            {"X": {"picture": np.zeros((60, 6, 6, 1)), "table": np.zeros((50, 4))}},
            "the inputs have rows: 'picture' 60, 'table' 50; expected as many of each",
        ),
        (
            {"y": {"price": np.zeros(60), "sort": list("ab") * 30}},
            "the model has the outputs 'price', 'kind' and y 'price', 'sort'; expected the same",
        ),
        (
            {"prepare": {"sound": None}},
            "prepare names the input 'sound'; X has picture, table",
        ),
        ({"metrics": "rmse"}, "metrics='rmse'; expected output → its metrics, of the outputs "),
        ({"metrics": {"sort": "rmse"}}, "metrics names the output 'sort'; y has price, kind"),
        ({"class_weight": "balanced"}, "class_weight is given, and y has several outputs; "),
        ({"build": LogisticRegression()}, "the model is a LogisticRegression; y has several "),
        ({"engine": "batched"}, 'several outputs; engine="batched" takes what can be '),
        ({"y": {"price": np.zeros(60), "kind": ["a"] * 60}}, "the output 'kind': y has one class"),
    ],
)
def test_what_does_not_fit_several_parts_is_refused_in_one_line(changed, message, rows):
    given = {"build": as_told_nothing, **rows, **OPTIONS} | changed
    with pytest.raises(NinefoldError) as error:
        ninefold.evaluate(given.pop("build"), given.pop("X"), given.pop("y"), **given)
    assert str(error.value).removeprefix("repeat 1, fold 1: ").startswith(message)


@pytest.mark.parametrize("as_mapping", [True, False])
def test_one_output_may_be_named_too(as_mapping, rows):
    def build() -> Any:
        start = keras.Input((4,))
        end = layers.Dense(3, "softmax", name="kind")(start)
        model = keras.Model(start, {"kind": end} if as_mapping else end)
        loss = "sparse_categorical_crossentropy"
        model.compile("sgd", {"kind": loss} if as_mapping else loss)
        return model

    X, kind = rows["X"]["table"], rows["y"]["kind"]
    found = ninefold.evaluate(build, X, {"kind": kind}, return_models=True, **OPTIONS)
    assert list(found) == ["kind"]
    if not as_mapping:
        alone = ninefold.evaluate(build, X, kind, engine="graph", **OPTIONS)
        assert found["kind"].predictions.equals(alone.predictions)
    part = found["kind"].predictions.query("fold == 0")
    assert found["kind"].models[0].predict(X[part["row"]]).tolist() == part["predicted"].tolist()


def test_estimators_take_one_input(rows):
    with pytest.raises(NinefoldError, match="a LogisticRegression takes one input; X has several"):
        ninefold.evaluate(LogisticRegression(), rows["X"], rows["y"]["kind"], **OPTIONS)


@pytest.mark.parametrize("engine", ["batched", "graph", "fit"])
def test_callbacks_of_each_fold_are_returned_as_training_left_them(engine):
    def build() -> Any:
        model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    X = np.random.default_rng(0).normal(size=(40, 3))
    stopper = keras.callbacks.EarlyStopping(monitor="loss", patience=1, min_delta=1e9)
    found = ninefold.evaluate(
        build, X, X[:, 0], engine=engine, callbacks=[stopper], return_callbacks=True,
        **OPTIONS | {"epochs": 5},
    )  # fmt: skip
    epochs = [len(rows) for _, rows in found.history.groupby("fold")]
    assert [one.stopped_epoch + 1 for (one,) in found.callbacks] == epochs == [2, 2]
    assert stopper.stopped_epoch == 0
    unasked = ninefold.evaluate(build, X, X[:, 0], callbacks=[stopper], **OPTIONS)
    assert unasked.callbacks == ()
