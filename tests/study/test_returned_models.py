"""`return_models` gives each fold's model, which predicts on raw rows what it did out of fold."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from ninefold import average, evaluate
from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow

load_tensorflow()
import keras  # noqa: E402

RANDOM = np.random.default_rng(0)
X = pd.DataFrame(
    {"size": RANDOM.normal(50, 9, 90), "kind": np.array(["a", "b", "c"])[np.arange(90) % 3]}
)
NAMED = np.where(X["size"] + 20 * (X["kind"] == "b") > 55, "yes", "no")
NUMBERS = X["size"].to_numpy() * 3 + 1000
SMALL = {"folds": 3, "repeats": 2, "epochs": 2, "return_models": True}


def network(inputs, outputs):
    model = keras.Sequential(
        [keras.Input((inputs,)), keras.layers.Dense(4, "tanh"),
         keras.layers.Dense(outputs, "softmax" if outputs > 1 else None)]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy" if outputs > 1 else "mse")
    return model


@pytest.mark.parametrize("engine", ["batched", "graph", "fit"])
@pytest.mark.parametrize("y", [NAMED, NUMBERS], ids=["classes", "numbers"])
def test_a_networks_models_predict_on_raw_rows_what_they_did_out_of_fold(y, engine):
    must_predict_again(evaluate(network, X, y, engine=engine, **SMALL), y)


@pytest.mark.parametrize(
    ("model", "y"),
    [(LogisticRegression(), NAMED), (LinearRegression(), NUMBERS), (LinearSVC(), NAMED)],
)
def test_an_estimators_models_do_too(model, y):
    must_predict_again(evaluate(model, X, y, **SMALL), y)


def must_predict_again(found, y):
    places = found.scores[["repeat", "fold"]].to_numpy()
    assert len(found.models) == len(places) == 6
    for model, (repeat, fold) in zip(found.models, places, strict=True):
        table = found.predictions
        part = table[(table["repeat"] == repeat) & (table["fold"] == fold)]
        rows = X.iloc[part["row"]]
        if "prediction" in part:
            assert model.predict(rows) == pytest.approx(part["prediction"].to_numpy())
            continue
        assert model.predict(rows).tolist() == part["predicted"].tolist()
        if "yes" in part:
            assert model.predict_proba(rows) == pytest.approx(part[["no", "yes"]].to_numpy())
        else:
            with pytest.raises(NinefoldError, match="the model gives no probabilities"):
                model.predict_proba(rows)


def test_each_folds_network_is_one_of_its_own():
    found = evaluate(network, X, NAMED, **SMALL)
    first, second = found.models[0].model, found.models[1].model
    assert first is not second
    assert first is found.models[0].model
    prepared = found.models[0].preparation.transform(X).astype("float32")
    expected = found.models[0].predict_proba(X)
    assert first.predict(prepared, verbose=0) == pytest.approx(expected, abs=1e-6)
    assert not np.allclose(second.get_weights()[0], first.get_weights()[0])


def test_they_are_kept_only_if_asked_for():
    kept = evaluate(LogisticRegression(), X, NAMED, folds=3, repeats=1)
    assert kept.models == ()
    assert average([kept, kept]).models == ()
