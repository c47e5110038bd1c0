"""The models that every section evaluates: what they must hold to, and that each setting acts."""

import inspect

import numpy as np
import pytest

from {{ cookiecutter.package }}.models import network, simple_models

KEYWORDS = {
    name: parameter.default
    for name, parameter in inspect.signature(network).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY
}
# A value of your own for a keyword that takes text or an object: {"activation": "tanh"}.
OTHERS = {"activation": "tanh"}


def another(name, value):
    """Return a value for a keyword other than its default."""
    if name in OTHERS:
        return OTHERS[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2 or 0.1
    if isinstance(value, tuple):
        return (*value, 4)
    pytest.fail(f"add a value for '{name}' to OTHERS")


def description(model):
    """Return all that distinguishes a compiled network from another, but its names."""
    layers = [layer.get_config() | {"name": ""} for layer in model.layers]
    return str((layers, model.optimizer.get_config(), model.loss))


@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_the_network_is_compiled_and_as_wide_as_it_is_told(outputs):
    model = network(7, outputs)
    assert model.input_shape == (None, 7)
    assert model.output_shape == (None, outputs)
    assert model.compiled


@pytest.mark.parametrize("outputs", [2, 5])
def test_class_probabilities_add_up_to_one(outputs):
    rows = np.random.default_rng(1).normal(size=(3, 7)).astype("float32")
    assert np.allclose(network(7, outputs)(rows).numpy().sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", KEYWORDS)
def test_every_keyword_changes_the_network(name):
    changed = network(7, 2, **{name: another(name, KEYWORDS[name])})
    assert description(changed) != description(network(7, 2))


@pytest.mark.parametrize("outputs", [1, 2])
def test_every_simple_model_learns_a_rule(outputs):
    x = np.random.default_rng(1).normal(size=(60, 2))
    y = x[:, 0] if outputs == 1 else (x[:, 0] > 0).astype(int)
    for name, model in simple_models(outputs).items():
        assert model.fit(x, y).score(x, y) > 0.1, name
