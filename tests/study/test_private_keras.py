"""A Keras whose private modules are others than is known trains exactly, and says so."""

import numpy as np
import pytest

import ninefold
from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.training import private

load_tensorflow()
import keras  # noqa: E402
from keras.src.backend.common import global_state  # noqa: E402

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def network(inputs, outputs):
    model = keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(4, "relu")])
    model.add(keras.layers.Dense(1, "sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["auc"])
    return model


def evaluate(engine="auto"):
    options = {"folds": 3, "repeats": 1, "epochs": 2, "engine": engine}
    return ninefold.evaluate(network, X, Y, **options)


@pytest.fixture
def renewed():
    """Have Keras looked at anew, before a test and after it."""
    private.unknown_keras.cache_clear()
    yield
    private.unknown_keras.cache_clear()


def test_the_keras_that_is_installed_is_known(renewed):
    assert private.unknown_keras() == ""
    assert evaluate().engine == "batched"


@pytest.mark.parametrize(
    ("used", "arguments", "said"),
    [
        (("keras.src.nowhere", "x"), (), "it has no x"),
        (("keras", "Nothing"), (), "it has no Nothing"),
        (("keras", "Model.nothing"), ("self",), "it has no Model.nothing"),
        (("keras", "Model.compute_loss"), ("self", "y"), "its Model.compute_loss takes other"),
        (
            ("keras", "Model.compute_metrics"),
            ("self", "x"),
            "its Model.compute_metrics takes other",
        ),
    ],
)
def test_a_keras_that_lacks_what_is_used_is_not_known(renewed, monkeypatch, used, arguments, said):
    monkeypatch.setitem(private.USED, used, arguments)
    known = f"Keras {keras.__version__} is not known here ({said}"
    assert private.unknown_keras().startswith(known)


def test_with_a_keras_that_is_not_known_fit_trains_and_says_so(renewed, monkeypatch):
    usual = evaluate("fit")
    monkeypatch.setitem(private.USED, ("keras", "Nothing"), ())
    private.unknown_keras.cache_clear()
    with pytest.warns(UserWarning, match=r"is not known here .*: trained by model\.fit"):
        found = evaluate()
    assert (found.engine, found.engine_reason) == ("fit", private.unknown_keras())
    assert found.scores.equals(usual.scores)
    with pytest.raises(NinefoldError, match=r'is not known here .*; engine="graph" compiles'):
        evaluate("graph")


@pytest.mark.parametrize("known", [True, False])
def test_a_network_is_measured_whatever_keras_there_is(known, monkeypatch):
    if not known:
        monkeypatch.setattr(private, "unknown_keras", lambda: "it is another")
    with private.forgotten_variables(), keras.StatelessScope(initialize_variables=False):
        start = keras.Input((3,))
        shared = keras.layers.Dense(5)
        keras.layers.Concatenate()([shared(start), shared(start)])
        left = len(global_state.get_global_attribute("uninitialized_variables", []))
    assert [[part.shape for part in call] for call in private.outputs_of(shared)] == [
        [(None, 5)]
    ] * 2
    kept = global_state.get_global_attribute("uninitialized_variables", [])
    assert len(kept) == (left - 2 if known else left)
    global_state.set_global_attribute("uninitialized_variables", kept[: left - 2])
