"""An estimator under `evaluate` sees what scikit-learn would show it, and is scored as
`cross_val_score` scores it: labels, pipelines, thresholds, weights, missing values, sparse rows."""

import warnings
from inspect import Parameter, signature

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    KFold,
    LeaveOneGroupOut,
    StratifiedGroupKFold,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils import all_estimators

from ninefold import evaluate
from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS

X, Y = make_classification(120, 6, flip_y=0.2, random_state=3)
FOLDS = StratifiedKFold(4, shuffle=True, random_state=1)
SCORERS = {  # those of scikit-learn that a default call computes; of two classes, else of more
    "accuracy": ("accuracy", "accuracy"),
    "balanced_accuracy": ("balanced_accuracy", "balanced_accuracy"),
    "f1": ("f1", "f1_macro"),
    "roc_auc": ("roc_auc", "roc_auc_ovr"),
    "average_precision": ("average_precision", ""),
    "log_loss": ("neg_log_loss", "neg_log_loss"),
    "brier": ("neg_brier_score", ""),
    "rmse": ("neg_root_mean_squared_error",) * 2,
    "mae": ("neg_mean_absolute_error",) * 2,
    "r2": ("r2", "r2"),
}


def judged(model, rows=X, y=Y, splitter=FOLDS, **options):
    return evaluate(
        model, rows, y, splitter=splitter, prepare=None, **options
    )  # fmt: skip


def must_score_as_scikit_learn(model, rows=X, y=Y, splitter=FOLDS, **options):
    """Compare every score with `cross_val_score`; return how many were."""
    found = judged(model, rows, y, splitter, **options)
    several = len(found.protocol.classes) > 2
    compared = 0
    for name in found.protocol.metrics:
        scorer = SCORERS[name][several]
        its_own_positive = name in ("f1", "average_precision", "brier") and not several
        if not scorer or (its_own_positive and set(np.unique(y)) != {0, 1}):
            continue  # scikit-learn looks for a label 1
        expected = cross_val_score(model, rows, y, cv=splitter, scoring=scorer)
        expected = np.abs(expected) if not METRICS[name].greater_is_better else expected
        np.testing.assert_allclose(found.values(name), expected, rtol=1e-6, atol=1e-9)
        compared += 1
    return compared


NAMED = np.array(["no", "yes"])[Y]
PIPELINE = make_pipeline(StandardScaler(), LogisticRegression(class_weight={"yes": 10}))
AS_GIVEN = {
    "keys of classes are y's": (LogisticRegression(class_weight={1: 10}), Y + 1),
    "a constant is y's": (DummyClassifier(strategy="constant", constant=2), Y + 1),
    "names": (PIPELINE, NAMED),
    "booleans": (LogisticRegression(class_weight={True: 5}), Y == 1),
    "a threshold": (FixedThresholdClassifier(LogisticRegression(), threshold=0.1), Y),
    "a threshold that is tuned": (
        TunedThresholdClassifierCV(LogisticRegression(), cv=3, random_state=0), Y,
    ),
    "a threshold by its label": (
        FixedThresholdClassifier(LogisticRegression(), threshold=0.3, pos_label="no"), NAMED,
    ),
    "decisions": (SVC(), Y),
    "linear decisions": (LinearSVC(random_state=0), Y),
    "answers alone": (
        VotingClassifier([("a", LogisticRegression()), ("b", KNeighborsClassifier())]), Y,
    ),
    "a search": (GridSearchCV(LogisticRegression(), {"C": [0.01, 1]}, cv=3), Y),
    "a stack": (
        StackingClassifier([("a", LogisticRegression()), ("b", KNeighborsClassifier())], cv=3), Y,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AS_GIVEN)
def test_an_estimator_means_by_a_label_what_scikit_learn_means(name):
    model, y = AS_GIVEN[name]
    assert must_score_as_scikit_learn(model, y=y) >= 3


def test_what_is_predicted_is_what_the_estimator_answers_not_what_is_likeliest():
    found = judged(FixedThresholdClassifier(LogisticRegression(), threshold=0.1))
    likeliest = found.predictions[["0", "1"]].to_numpy().argmax(axis=1)
    answered = found.predictions["predicted"].astype(int).to_numpy()
    assert (answered > likeliest).sum() > 10
    right = pd.Series(answered == Y[found.predictions["row"]])
    by_fold = right.groupby(found.predictions["fold"].to_numpy()).mean()
    assert by_fold.tolist() == pytest.approx(found.values("accuracy").tolist())
    assert found.confusion().to_numpy().sum(axis=0)[1] == answered.sum()


def test_what_needs_probabilities_is_absent_if_there_are_none():
    found = judged(LinearSVC(random_state=0))
    assert found.protocol.metric == "accuracy"  # log loss would decide
    assert not {"log_loss", "brier"} & {*found.scores, *found.protocol.metrics}
    assert list(found.predictions) == ["repeat", "fold", "row", "predicted"]
    assert found.to_record()["calibration_error"] is None
    with pytest.raises(NinefoldError, match="no metric 'log_loss' was computed"):
        found.values("log_loss")
    with pytest.raises(NinefoldError, match="the model gives no probabilities"):
        found.calibration()


def test_variants_are_judged_by_a_metric_that_all_of_them_allow():
    found = judged({"machine": LinearSVC(random_state=0), "logistic": LogisticRegression()})
    assert [e.protocol.metric for e in found.values()] == ["accuracy"] * 2
    assert "log_loss" in found["logistic"].scores


@pytest.mark.parametrize(
    ("model", "metric", "line"),
    [
        (LinearSVC(), "log_loss", "LinearSVC gives no probabilities; log loss is computed from"),
        (VotingClassifier([("a", LinearSVC())]), "roc_auc", "VotingClassifier gives no decision"),
    ],
)
def test_a_metric_that_is_asked_for_and_cannot_be_is_one_line(model, metric, line):
    with pytest.raises(NinefoldError, match=line):
        judged(model, metrics=[metric])


def test_of_three_classes_decisions_rank_each_against_the_rest():
    rows, y = load_iris(return_X_y=True)
    rows = rows + np.random.default_rng(0).normal(0, 1, rows.shape)
    found = judged(LinearSVC(random_state=0), rows, y)
    expected = []
    for train, test in FOLDS.split(rows, y):
        decision = (
            LinearSVC(random_state=0).fit(rows[train], y[train]).decision_function(rows[test])
        )
        ranks = decision.argsort(axis=0).argsort(axis=0)
        each = []
        for k in range(3):
            true = y[test] == k
            pairs = ranks[true, k][:, None] > ranks[~true, k]
            each.append(pairs.mean())
        expected.append(np.mean(each))
    np.testing.assert_allclose(found.values("roc_auc"), expected, rtol=1e-12)


def many_classes():
    return make_classification(
        120, 6, n_classes=4, n_informative=5, n_redundant=0, random_state=0
    )  # fmt: skip


SKIPPED = {  # they need several targets, or inputs that are not a table of numbers
    "ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain",
    "CategoricalNB", "IsotonicRegression", "MultiTaskElasticNet", "MultiTaskElasticNetCV",
    "MultiTaskLasso", "MultiTaskLassoCV",
}  # fmt: skip
INSIDE = {"classifier": LogisticRegression(), "regressor": Ridge()}
SMALL = {
    "n_estimators": 5, "random_state": 0, "n_restarts_optimizer": 0, "n_components": 1,
    "radius": 1e3, "max_iter": 20, "cv": 2,
}  # fmt: skip
REGRESSION, TARGET = make_regression(120, 6, noise=20, random_state=1)
TARGET = np.floor(np.abs(TARGET) / 50) + 0.5  # positive, as some distributions ask for
PLAIN = [
    (name, kind)
    for kind in INSIDE
    for name, _ in all_estimators(type_filter=kind)
    if name not in SKIPPED
]


def made(name: str, kind: str):
    """Return an estimator as small as it comes."""
    cls, inner = dict(all_estimators(type_filter=kind))[name], INSIDE[kind]
    asked = signature(cls).parameters
    given = {}
    needs_one = "estimator" in asked and asked["estimator"].default is Parameter.empty
    if needs_one or name == "SelfTrainingClassifier":
        given = {"estimator": inner}
    if "estimators" in asked:
        given = {"estimators": [("inner", inner)]}
    small = {key: value for key, value in SMALL.items() if key in asked}
    if name == "OrthogonalMatchingPursuitCV":
        del small["max_iter"]  # it counts features there
    return cls(**given, **small)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), PLAIN)
@pytest.mark.filterwarnings("ignore")
def test_every_estimator_of_scikit_learn_scores_as_under_cross_val_score(name, kind):
    rows, y = (np.abs(X), Y) if kind == "classifier" else (REGRESSION, TARGET)
    splitter = FOLDS if kind == "classifier" else KFold(3, shuffle=True, random_state=0)
    assert must_score_as_scikit_learn(made(name, kind), rows, y, splitter) >= 3


@pytest.mark.parametrize(
    "weights", [{"sample_weight": np.arange(120) % 3 + 0.5}, {"class_weight": {0: 1, 1: 6}}]
)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: GridSearchCV(make_pipeline(StandardScaler(), model), {}, cv=3),
    ],
)  # fmt: skip
def test_weights_reach_the_last_step_of_a_pipeline(wrap, weights):
    model = wrap(LogisticRegression())
    found = judged(model, metrics=["accuracy", "log_loss"], **weights)
    weight = weights.get("sample_weight", np.where(Y == 1, 6, 1))
    for fold, (train, test) in enumerate(FOLDS.split(X, Y)):
        plain = clone(LogisticRegression())
        rows = X
        if not isinstance(model, LogisticRegression):
            scaler = StandardScaler().fit(X[train])
            rows = scaler.transform(X)
        plain.fit(rows[train], Y[train], sample_weight=weight[train])
        expected = plain.predict_proba(rows[test])
        part = found.predictions[found.predictions["fold"] == fold]
        np.testing.assert_allclose(part[["0", "1"]], expected, atol=1e-6)


@pytest.mark.parametrize("model", [KNeighborsClassifier(), make_pipeline(KNeighborsClassifier())])
def test_an_estimator_that_takes_no_weights_says_so(model):
    with pytest.raises(NinefoldError, match="KNeighborsClassifier takes no weights of rows"):
        judged(model, sample_weight=np.arange(120) + 1)


def test_every_part_that_draws_is_seeded():
    noisy = make_pipeline(StandardScaler(), SGDClassifier(max_iter=3, tol=None))
    nested = CalibratedClassifierCV(RandomForestClassifier(5), cv=3)
    for model in (noisy, nested):
        first, second = judged(model), judged(model)
        assert first.scores.equals(second.scores)
        assert not judged(model, model_seed=1).scores.equals(first.scores)


MIXED = pd.DataFrame(
    {
        "size": pd.Categorical(np.array(["small", "middle", "large"])[np.arange(120) % 3],
                               ["small", "middle", "large"], ordered=True),
        "code": pd.Categorical(np.arange(120) % 11),
        "number": np.where(np.arange(120) % 7 == 0, np.nan, X[:, 0]),
        "count": pd.array([None if i % 9 == 0 else i for i in range(120)], "Int64"),
    },
    index=np.arange(1000, 1120),
)  # fmt: skip


def test_a_frame_arrives_with_its_types_its_gaps_and_its_order_of_categories():
    categories = make_column_selector(dtype_include="category")
    ordered = make_column_transformer(
        (OrdinalEncoder(), categories), (SimpleImputer(strategy="most_frequent"), ["number"])
    )
    must_score_as_scikit_learn(make_pipeline(ordered, LogisticRegression(max_iter=500)), MIXED)
    own = evaluate(
        LogisticRegression(max_iter=500), MIXED, Y, splitter=FOLDS, validation=0, prepare=ordered
    )
    inside = judged(make_pipeline(ordered, LogisticRegression(max_iter=500)), MIXED)
    assert own.scores.equals(inside.scores)
    trees = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=5)
    must_score_as_scikit_learn(trees.set_params(random_state=0), MIXED)


def test_sparse_rows_whole_numbers_and_texts_arrive_as_they_are():
    must_score_as_scikit_learn(LogisticRegression(), csr_matrix(np.where(X > 1, X, 0)))
    large = np.arange(120)[:, None] + 2**60
    seen = []

    class Looks(LogisticRegression):
        def fit(self, rows, y):
            seen.append(rows.dtype)
            return super().fit(rows % 7, y)

    judged(Looks(), large)
    assert {str(kind) for kind in seen} == {"int64"}
    texts = np.array([f"word{i % 5} " + ("good" if c else "bad") for i, c in enumerate(Y)])
    must_score_as_scikit_learn(make_pipeline(TfidfVectorizer(), LogisticRegression()), texts)


def test_the_kind_of_an_estimator_says_what_y_is():
    ratings = np.clip(np.round(3 + X[:, 0]), 1, 5)
    splitter = KFold(4, shuffle=True, random_state=0)
    assert judged(LinearRegression(), y=ratings, splitter=splitter).protocol.metric == "rmse"
    must_score_as_scikit_learn(LinearRegression(), y=ratings, splitter=splitter)
    letters = np.arange(260) % 26
    rows = np.eye(26)[letters] + np.random.default_rng(0).normal(0, 0.3, (260, 26))
    found = judged(RandomForestClassifier(20, random_state=0), rows, letters)
    assert len(found.protocol.classes) == 26
    must_score_as_scikit_learn(RandomForestClassifier(5, random_state=0), rows, letters)


@pytest.mark.parametrize(
    ("model", "y", "options", "line"),
    [
        (LogisticRegression(), X[:, 0], {}, "LogisticRegression is a classifier; expected a regr"),
        (LinearRegression(), NAMED, {}, "LinearRegression is a regressor; expected a classifier"),
        (KMeans(2), Y, {}, "KMeans is a clusterer; expected a classifier: y has classes"),
        ({"a": LinearRegression(), "b": LogisticRegression()}, Y, {},
         "made for different problems: 'a' for a regression and 'b' for a classification"),
        (LogisticRegression(), NAMED, {"problem": "regression"}, "y has labels, such as '"),
        (LogisticRegression(), X[:, 0], {"problem": "classification"}, "y has fractions, such as"),
        (LogisticRegression(), Y, {"problem": "binary"}, "problem='binary'; expected one of auto"),
        (LogisticRegression(), np.array([1, "1"] * 60, dtype=object), {},
         r"y has labels of several types: 1 \(int\) and '1' \(str\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_problem_is_one_line(model, y, options, line):
    with pytest.raises(NinefoldError, match=line):
        judged(model, y=y, splitter=KFold(3), **options)


def test_the_problem_can_be_said():
    found = judged(OneVsOneClassifier(LogisticRegression()), y=np.arange(120) % 24,
                   splitter=FOLDS, problem="classification", metrics=["accuracy"])  # fmt: skip
    assert len(found.protocol.classes) == 24
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert judged(Ridge(), y=Y, splitter=KFold(3), problem="regression").protocol.classes == ()


@pytest.mark.parametrize("model", [LogisticRegression(), SVC()])
def test_a_class_that_a_fold_does_not_train_on_keeps_its_column(model):
    rows, y = load_iris(return_X_y=True)
    splits = [(np.flatnonzero(y != 1)[::2], np.arange(1, 150, 2)), (np.arange(0, 150, 2),) * 2]
    splits[1] = (splits[1][0], np.arange(1, 150, 2))
    with pytest.warns(UserWarning, match="repeat 1, fold 1: no training row of the class 1, which"):
        found = judged(model, rows, y, splits)
    first = found.predictions[found.predictions["fold"] == 0]
    assert (first["predicted"] != "1").all()
    assert np.isfinite(found.values("roc_auc")).all()
    if "1" in first:
        assert (first["1"] == 0).all()
        assert first[["0", "2"]].sum(axis=1).to_numpy() == pytest.approx(1)


@pytest.mark.parametrize("classes", [3, 4])  # of three there are as many pairs as classes
def test_decisions_between_pairs_of_classes_rank_nothing(classes):
    rows, y = load_iris(return_X_y=True) if classes == 3 else many_classes()
    model = SVC(decision_function_shape="ovo")
    found = judged(model, rows, y)
    assert "roc_auc" not in found.scores
    expected = cross_val_score(model, rows, y, cv=FOLDS)
    assert found.values("accuracy").tolist() == pytest.approx(expected.tolist())
    with pytest.raises(NinefoldError, match="SVC gives no decision"):
        judged(model, rows, y, metrics=["roc_auc"])


def test_a_search_whose_winners_give_probabilities_in_some_folds_says_so():
    class Chosen(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            super().fit(X, y, sample_weight)
            self.lacks_ = len(X) % 2
            return self

        @property
        def predict_proba(self):
            if getattr(self, "lacks_", 0):
                raise AttributeError
            return super().predict_proba

    splits = [(np.arange(80), np.arange(80, 120)), (np.arange(41, 120), np.arange(41))]
    with pytest.raises(NinefoldError, match="fold 2: Chosen gives probabilities in other"):
        judged(Chosen(), splitter=splits)


@pytest.mark.parametrize(
    "model",
    [
        VotingClassifier([("a", LogisticRegression())], voting="soft"),
        make_pipeline(VotingClassifier([("a", LogisticRegression())], voting="soft")),
    ],
)
def test_weights_reach_an_estimator_that_passes_them_on(model):
    weight = np.arange(120) % 3 + 0.5
    found = judged(model, metrics=["log_loss"], sample_weight=weight)
    for fold, (train, test) in enumerate(FOLDS.split(X, Y)):
        name = "sample_weight" if isinstance(model, VotingClassifier) else (
            "votingclassifier__sample_weight"
        )  # fmt: skip
        plain = clone(model).fit(X[train], Y[train], **{name: weight[train]})
        part = found.predictions[found.predictions["fold"] == fold]
        np.testing.assert_allclose(part[["0", "1"]], plain.predict_proba(X[test]), atol=1e-6)


def test_a_group_splitter_is_given_the_callers_groups_and_labels():
    letters = np.array(list("zyxwvutsrq"))[np.arange(120) // 12]
    names = np.where(Y == 1, "yes", "no")
    model = LogisticRegression()
    for splitter in (LeaveOneGroupOut(), StratifiedGroupKFold(3)):
        expected = cross_val_score(model, X, names, groups=letters, cv=splitter)
        found = judged(model, X, names, splitter, groups=letters, metrics=["accuracy"])
        assert found.values("accuracy").tolist() == pytest.approx(expected.tolist())


def test_truth_values_are_a_regressions_numbers_if_a_regressor_is_given_them():
    found = judged(LinearRegression(), X, Y == 1, FOLDS, metrics=["r2"])
    expected = cross_val_score(LinearRegression(), X, Y == 1, cv=FOLDS, scoring="r2")
    assert found.values("r2").tolist() == pytest.approx(expected.tolist())


def test_a_network_wrapped_for_scikit_learn_is_an_estimator():
    keras = pytest.importorskip("keras")

    def build(X, y):
        model = keras.Sequential([keras.Input((X.shape[1],)), keras.layers.Dense(1, "sigmoid")])
        model.compile("sgd", "binary_crossentropy")
        return model

    wrapped = keras.wrappers.SKLearnRegressor(build, fit_kwargs={"epochs": 1, "verbose": 0})
    found = judged(wrapped, X, TARGET, KFold(2))
    assert found.engine == "scikit-learn"
