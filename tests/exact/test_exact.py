"""`make exact` in a reduced form; and that it leaves out nothing that the installed Keras has."""

from pathlib import Path

import keras
import numpy as np
import pytest
from compare import compare, distance
from exact import KINDS, cases_of, unknown

from ninefold.study.training.architecture import LAYERS, OPTIMIZERS
from ninefold.study.training.callbacks import LIGHT

CASES = {f"{case.kind} {case.name}": case for case in cases_of(KINDS)}
ENGINES = {
    "optimizer Adam": "batched",
    "optimizer Muon, nesterov=False": "graph",
    "optimizer MultiOptimizer": "graph",
    "optimizer LossScaleOptimizer": "fit",
    "loss Huber, delta=0.1, weights of rows": "batched",
    "loss Dice, reduction=sum": "graph",
    "layer Dense, each activation": "batched",
    "layer GRU": "batched",
    "layer Bidirectional, LSTM": "graph",
    "callback EarlyStopping, restored": "batched",
    "callback SwapEMAWeights": "fit",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_public_class_of_keras_is_trained_with_or_left_out_for_a_reason(kind):
    cases, _ = KINDS[kind]
    assert unknown(kind) == [], f"give each a case in {cases.__name__}, or a reason"
    trained = {case.name.split(",")[0] for case in cases.cases()}
    assert trained == set(cases.COVERED)
    assert trained.isdisjoint(cases.NOT_APPLICABLE)


def test_a_class_that_keras_gets_is_unknown(monkeypatch):
    class Novel(keras.layers.Layer):
        pass

    monkeypatch.setattr(keras.layers, "Novel", Novel, raising=False)
    assert unknown("layer") == ["Novel"]


def test_a_difference_is_relative_where_numbers_are_large_and_endless_where_one_is_missing():
    assert distance([0.1, 2000.0], [0.1, 1000.0]) == 1
    assert distance([0.25], [0.0]) == 0.25
    assert distance([np.nan, np.inf], [np.nan, np.inf]) == 0
    assert distance([np.nan], [1.0]) == distance([1.0, 2.0], [1.0]) == np.inf


def test_the_page_about_the_engine_names_all_that_may_be_a_batch():
    page = (Path(__file__).parents[2] / "docs" / "engine.md").read_text("utf-8")
    missing = [name for name in LAYERS | OPTIMIZERS | LIGHT if f"`{name}" not in page]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "engine"), ENGINES.items())
def test_what_keras_has_is_trained_as_keras_does(name, engine):
    kind, _, called = name.partition(" ")
    if not hasattr(KINDS[kind][1], called.split(",")[0]):
        pytest.skip(f"Keras {keras.__version__} has it not")
    outcome = compare(CASES[name])
    assert (outcome.verdict, outcome.engine) == ("ok", engine), outcome
