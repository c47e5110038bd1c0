"""A model that answers the same for every row is said to (NF112), wherever it occurs."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from test_shows import lines, open_study

from ninefold.study.constant_output import constant_folds, same_answer
from ninefold.study.evaluate import evaluate
from ninefold.study.harness import judge_constant

NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(90, 2))
Y = X[:, 0] + 2000
LABELS = np.where(X[:, 0] + 0.3 * X[:, 1] > -0.3, "yes", "no")


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)


class Timid(ClassifierMixin, BaseEstimator):
    """Predicts one class, with probabilities that differ."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[1])

    def predict_proba(self, X):
        share = 0.6 + 0.1 * np.tanh(X[:, 0])
        return np.column_stack([1 - share, share])


class SometimesConstant(RegressorMixin, BaseEstimator):
    """Answers one number where it is fitted on row 0."""

    def fit(self, X, y):
        self.stuck = X[:, 0].min() == 0
        return self

    def predict(self, X):
        return np.full(len(X), 0.13328) if self.stuck else X[:, 0] / 90


def test_one_number_for_every_row_is_one_answer():
    """In an audit a network that answered 0.13328 for every row was shipped."""
    assert same_answer(np.full((9, 1), 0.13328), spread=2.0) == "0.13328"
    assert same_answer(np.full((9, 1), -0.10614), spread=2.0) == "−0.10614"
    assert (
        same_answer(np.full((9, 2), 0.5), np.zeros(9, int), ("a", "b")) == "the same probabilities"
    )
    assert same_answer(np.linspace([0.6, 0.4], [0.9, 0.1], 9), np.zeros(9, int), ("a", "b")) == (
        "the class 'a'"
    )


@pytest.mark.parametrize(
    "outputs", [np.array([[2000.0], [2000.001]]), np.array([[1.0]]), np.array([[np.nan], [np.nan]])]
)
def test_answers_that_differ_a_little_a_single_row_and_no_numbers_are_none(outputs):
    assert same_answer(outputs, spread=1.0) == ""


def test_folds_in_which_one_number_is_answered_are_counted():
    rows = np.column_stack([np.arange(90), np.zeros(90)])
    found = evaluate(SometimesConstant(), rows, Y, folds=3, repeats=2, prepare=None)
    assert constant_folds(found) == (4, "0.13328")
    whole = evaluate(DummyRegressor(), X, Y, folds=3, repeats=1)
    assert constant_folds(whole)[0] == 3


def test_a_classifier_that_predicts_one_class_in_every_fold_is_counted():
    assert constant_folds(evaluate(Timid(), X, LABELS, folds=3, repeats=1)) == (
        3, "the class 'yes'"
    )  # fmt: skip
    dummy = evaluate(DummyClassifier(), X, LABELS, folds=3, repeats=1)
    assert constant_folds(dummy) == (3, "the same probabilities")


@pytest.mark.parametrize(("model", "y"), [(LinearRegression(), Y), (LogisticRegression(), LABELS)])
def test_a_model_that_learns_something_is_not(model, y):
    assert constant_folds(evaluate(model, X, y, folds=3, repeats=1)) == (0, "")


def test_it_is_noted_where_it_is_evaluated_and_the_constant_itself_is_let_be(tmp_path):
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=Y)
    study = open_study(tmp_path, frame)
    study.evaluate_all({"strongest constant": "constant", "dummy": DummyRegressor()})
    (said,) = lines(study)
    assert said.startswith("'dummy' predicts 2000.")
    assert said.endswith("for every row in 3 of 3 folds (NF112).")
    assert study.evaluations["strongest constant"].engine == judge_constant(study.harness).engine
