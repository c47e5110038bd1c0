"""A record gives an estimator back as it was, or says that it cannot."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils import all_estimators

from ninefold.errors import NinefoldError
from ninefold.plain_json import pretty
from ninefold.study.blueprints import build_from, draw_blueprint


def again(estimator, package=""):
    """Return what a record gives back."""
    drawn = draw_blueprint(estimator, package)
    assert drawn is not None
    kept = json.loads(pretty(drawn))
    assert kept == drawn
    return build_from(kept, package)


class Own(BaseEstimator):
    def __init__(self, rate=0.1):
        self.rate = rate


@pytest.mark.parametrize(
    "estimator",
    [
        TransformedTargetRegressor(SVR(), transformer=StandardScaler()),
        CalibratedClassifierCV(SVC(), ensemble=False),
        make_pipeline(StandardScaler(), OneHotEncoder(), LogisticRegression(C=0.123456789)),
        SimpleImputer(missing_values=np.nan),
        Ridge(alpha=np.float64(1 / 3), max_iter=np.int64(7)),
        Ridge(alpha=math.inf),
        HistGradientBoostingClassifier(monotonic_cst={"a": 1}, categorical_features=[0, 2]),
        LogisticRegression(class_weight={0: 1.5, 1: 0.1 + 0.2}),
        VotingClassifier([("a", GaussianNB(priors=np.array([0.1, 0.9]))), ("b", "drop")]),
        GaussianProcessRegressor(RBF(0.7) + WhiteKernel()),
        LogisticRegression(random_state=2**70),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_estimator_comes_back_with_equal_parameters(estimator):
    found = again(estimator)
    assert type(found) is type(estimator)
    assert draw_blueprint(found) == draw_blueprint(estimator)


def test_nan_and_every_digit_come_back():
    assert math.isnan(again(SimpleImputer(missing_values=np.nan)).missing_values)
    assert again(Ridge(alpha=np.float64(1 / 3))).alpha == 1 / 3


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
))  # fmt: skip
def test_whatever_plain_value_a_parameter_has_comes_back(value):
    assert again(Ridge(alpha=value)).alpha == value


def test_every_classifier_and_regressor_of_scikit_learn_comes_back():
    for kind in ("classifier", "regressor"):
        for _, each in all_estimators(kind):
            try:
                made = each()
            except (TypeError, FutureWarning):  # it needs another estimator, or is on its way out
                continue
            assert type(again(made)) is each


@pytest.mark.parametrize(
    "estimator",
    [
        Own(),
        make_pipeline(Own(), Ridge()),
        make_pipeline(FunctionTransformer(np.log1p), Ridge()),
        FrozenEstimator(Ridge().fit([[0], [1]], [0, 1])),
        Ridge(random_state=np.random.RandomState(1)),
        StandardScaler().set_output(transform="pandas"),
        Ridge(alpha="half a character: \ud800"),
        Ridge,
        "constant",
        None,
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_a_record_cannot_give_back_has_no_blueprint(estimator):
    assert draw_blueprint(estimator) is None


def test_a_class_of_the_study_s_own_package_comes_back():
    package = __name__.split(".")[0]
    assert again(Own(rate=0.3), package).rate == 0.3


@pytest.mark.parametrize(
    ("blueprint", "line"),
    [
        ({"class": "os:system", "parameters": {}}, "there is no estimator 'os:system'"),
        ({"class": "sklearn.svm:SVG", "parameters": {}}, "there is no estimator 'sklearn.svm:SVG'"),
        ({"class": "sklearn.nothing:A", "parameters": {}}, "there is no estimator"),
        ({"class": "sklearn.utils:all_estimators", "parameters": {}}, "there is no estimator"),
        ({"class": "sklearn.svm:SVC", "parameters": {"c": 1}}, "cannot be built from its record"),
        ({"class": "sklearn.svm:SVC", "parameters": {"C": {"x": 1}}}, "cannot be built"),
        ({"class": "sklearn.svm:SVC", "parameters": {"C": {"type": "save"}}}, "cannot be built"),
        ({"class": "sklearn.svm:SVC"}, "cannot be built from its record"),
        ({}, "there is no estimator 'None'"),
    ],
)
def test_a_strange_blueprint_is_one_clear_line(blueprint, line):
    with pytest.raises(NinefoldError, match=line):
        build_from(blueprint)
