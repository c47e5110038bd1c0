"""What `evaluate` cannot take is one line that names the argument."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, cross_val_score
from sklearn.preprocessing import StandardScaler

import ninefold
from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow

load_tensorflow()
import keras  # noqa: E402
from keras import layers, losses  # noqa: E402

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def network(loss="binary_crossentropy", end="sigmoid", **options):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1, end, name="out")])
    model.compile("sgd", loss, **options)
    return model


def changed(value, where=(3, 1)):
    numbers = X.copy()
    numbers[where] = value
    return numbers


WRONG = {
    "splitter='kfold'": {"splitter": "kfold"},
    "splitter=3.5": {"splitter": 3.5},
    "cannot split these 60 rows": {"splitter": [1, 2, 3]},
    "trains and tests on the same row": {"splitter": [(np.arange(30), np.arange(30))]},
    "folds=2.5": {"folds": 2.5},
    "folds=1;": {"folds": 1},
    "folds=True": {"folds": True},
    "repeats=0": {"repeats": 0},
    "epochs=None": {"epochs": None},
    "batch_size=None": {"batch_size": None},
    "batch_size=0": {"batch_size": 0},
    "seed=-1": {"seed": -1},
    "seed=None": {"seed": None},
    "validation='x'": {"validation": "x"},
    "validation=1.5": {"validation": 1.5},
    "engine='fast'": {"engine": "fast"},
    "the model is a Sequential of Keras": {"build": network()},
    "the model function returned NoneType": {"build": lambda: None},
    "the model is a int": {"build": 3},
    "X is a sparse matrix": {"X": scipy.sparse.csr_matrix(X)},
    "X has infinite values": {"X": changed(np.inf)},
    "X has missing values": {"X": changed(np.nan).reshape(60, 3, 1)},
    "y has infinite values": {"y": np.where(Y, np.inf, 0.5)},
    "y has missing values": {"y": np.where(Y, np.nan, 0.5)},
    "the loss is a dict": {"build": partial(network, {"out": "mse"})},
    "the model has several losses": {"build": partial(network, ["mse", "mse"])},
    "metric '<lambda>'": {"metrics": [lambda y, found: 1 / 0]},
    "metrics=3; expected a metric": {"metrics": 3},
    "is no metric with a name": {"metrics": [partial(f1_score, pos_label=1)]},
    "model_seed=-1": {"model_seed": -1},
    "return_models='x'": {"return_models": "x"},
    "callbacks holds 3": {"callbacks": 3},
    "EarlyStopping'>; expected callbacks": {"callbacks": [keras.callbacks.EarlyStopping]},
    "build is an empty mapping": {"build": {}},
    "the model function needs an argument 'width'": {"build": lambda width: network()},
    "returned LogisticRegression; expected": {"build": lambda inputs: LogisticRegression()},
    "X has no rows": {"X": X[:0], "y": Y[:0]},
    "sample_weight has values that are no numbers": {"sample_weight": ["a"] * 60},
    "class_weight has missing or infinite": {"class_weight": {0: np.nan}},
    "class_weight has negative": {"class_weight": {0: -1}},
    "class_weight is all 0": {"class_weight": {0: 0, 1: 0}},
    "class_weight has values that are no": {"class_weight": {0: "a"}},
    "class_weight=[0, 1]; expected class": {"class_weight": [0, 1]},
    "class_weight=3; expected class": {"class_weight": 3},
    "y has labels of several types: 1 (int) and '1' (str)": {"y": ["1", *Y[1:].tolist()]},
    "y has missing values; ": {"y": [np.nan, *(["a", "b"] * 30)[1:]]},
    "y has dates": {"y": np.arange(60).astype("datetime64[D]")},
    "y has values of the type list": {"y": [[1], [1, 2]] * 30},
    "splitter=<class": {"splitter": KFold},
    "[] makes no fold": {"splitter": []},
    "200 cannot split these 60 rows": {"splitter": 200},
    "there is no row 60": {"splitter": [(np.arange(30), np.arange(31, 61))]},
    "expected numbers of rows": {"splitter": [(np.arange(30) / 2, np.arange(30, 60))]},
    "scale_target=<class": {"scale_target": StandardScaler},
    "the loss of the network is nan before any training": {
        "build": partial(network, lambda y, found: found * np.nan)
    },
}  # fmt: skip


@pytest.mark.parametrize("said", WRONG)
def test_an_argument_that_is_wrong_is_one_line_that_names_it(said):
    given = {"build": LogisticRegression(), "X": X, "y": Y, "folds": 3, "repeats": 1, **WRONG[said]}
    if {"batch_size", "epochs"} & given.keys():
        given["build"] = network
    with pytest.raises(NinefoldError) as error:
        ninefold.evaluate(given.pop("build"), given.pop("X"), given.pop("y"), **given)
    line = str(error.value)
    assert said in line or "metric" in said
    assert "\n" not in line
    assert "TypeError" not in line
    assert len(line) < 250


@pytest.mark.parametrize(
    "loss",
    [
        partial(losses.binary_crossentropy, label_smoothing=0.1),
        [losses.BinaryCrossentropy()],
        losses.BinaryCrossentropy(label_smoothing=0.1),
    ],
    ids=["partial", "list", "object"],
)
def test_a_loss_may_be_a_partial_function_or_in_a_list(loss):
    options = {"folds": 3, "repeats": 1, "epochs": 2}
    found = ninefold.evaluate(partial(network, loss), X, Y, **options)
    if isinstance(loss, list):
        assert (found.scores == ninefold.evaluate(network, X, Y, **options).scores).all().all()
    else:
        smooth = losses.BinaryCrossentropy(label_smoothing=0.1)
        wanted = ninefold.evaluate(partial(network, smooth), X, Y, **options)
        np.testing.assert_allclose(found.scores, wanted.scores, rtol=1e-4)


def test_splits_may_be_given_as_to_cross_val_score():
    first, second = np.arange(30), np.arange(30, 60)
    pairs = [(first, second), (second, first)]
    for splitter in (pairs, iter(pairs), 3):
        options = {"splitter": splitter, "validation": 0, "prepare": None}
        found = ninefold.evaluate(LogisticRegression(), X, Y, **options)
        wanted = cross_val_score(LogisticRegression(), X, Y, cv=3 if splitter == 3 else pairs)
        np.testing.assert_allclose(found.scores["accuracy"], wanted)


def test_logits_are_known_for_such_in_a_loss_in_a_list():
    options = {"folds": 3, "repeats": 1, "epochs": 2}
    logits = losses.BinaryCrossentropy(from_logits=True)
    several = {"alone": partial(network, logits, None), "list": partial(network, [logits], None)}
    found = ninefold.evaluate(several, X, Y, **options)
    np.testing.assert_allclose(found["alone"].scores, found["list"].scores, rtol=1e-4)


def test_rows_of_a_fold_may_be_counted_from_the_end_or_masked():
    rows = np.arange(60)
    plain = [(rows[:40], rows[40:]), (rows[20:], rows[:20])]
    others = [(rows[:40], rows[40:] - 60), (rows >= 20, rows < 20)]
    options = {"X": X, "y": Y, "validation": 0}
    one, other = (
        ninefold.evaluate(LogisticRegression(), splitter=splits, **options)
        for splits in (plain, others)
    )
    assert one.predictions.equals(other.predictions)
    leak = [(rows, rows[40:] - 60)]
    with pytest.raises(NinefoldError, match="trains and tests on the same row"):
        ninefold.evaluate(LogisticRegression(), splitter=leak, **options)


@pytest.mark.parametrize(
    ("y", "weights"),
    [
        (Y + 1.0, {2: 10}),
        (Y + 1, {2.0: 10}),
        (Y == 1, {1: 10}),
        (Y, {True: 10}),
        (Y, pd.Series({1: 10})),
        (np.where(Y, "1", "0"), {1: 10}),
    ],
)
def test_a_weight_is_that_of_the_class_that_equals_its_key(y, weights):
    expected = ninefold.evaluate(LogisticRegression(class_weight={1: 10}), X, Y, folds=3, repeats=1)
    found = ninefold.evaluate(LogisticRegression(), X, y, class_weight=weights, folds=3, repeats=1)
    assert found.values("log_loss") == pytest.approx(expected.values("log_loss"), rel=1e-4)
