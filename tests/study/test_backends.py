"""Keras set to another backend than TensorFlow: all but networks works, which say what to set."""

import json
import os
import subprocess
import sys

import keras
import pytest

from ninefold.errors import NinefoldError
from ninefold.quiet import _must_work_with_tensorflow

ESTIMATORS = """
import ninefold
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True, as_frame=True)
models = {strength: LogisticRegression(C=float(strength)) for strength in ("1", "2")}
found = ninefold.evaluate(models, X, y, folds=2, repeats=1)
print(len(ninefold.compare(found, control="1")))
"""
NETWORK = """
import ninefold
from sklearn.datasets import load_iris
X, y = load_iris(return_X_y=True, as_frame=True)
def network(inputs, outputs):
    import keras
try:
    ninefold.evaluate(network, X, y, folds=2, repeats=1)
except ninefold.NinefoldError as error:
    print(error)
"""
TODO = "training and predicting need that; set KERAS_BACKEND=tensorflow before Keras is imported"


@pytest.fixture(params=["jax", "torch", "nonsense", "keras.json"])
def python(request, tmp_path):
    """Return a function that runs Python where Keras is set to a backend that is not installed,
    and gives what it prints."""
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": request.param}
    if request.param == "keras.json":
        (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
        del environment["KERAS_BACKEND"]

    def run(source):
        command = [sys.executable, "-c", source]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_estimators_are_evaluated_and_compared_under_any_backend(python):
    assert python(ESTIMATORS) == "1\n"


def test_a_network_says_in_one_line_what_to_set(python):
    (line,) = python(NETWORK).splitlines()
    assert "Keras does not work with TensorFlow here (" in line
    assert line.endswith(f"); {TODO}")


def test_a_backend_that_is_installed_is_named(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(NinefoldError) as refused:
        _must_work_with_tensorflow()
    assert str(refused.value) == (
        f"Keras does not work with TensorFlow here (its backend is jax); {TODO}"
    )
