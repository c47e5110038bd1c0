"""Any model is judged by cross-validation without a leak, or refused in one clear line."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import (
    GroupKFold,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    cross_validate,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.baselines import constant_prediction
from ninefold.study.blueprints import build_from
from ninefold.study.evaluate import evaluate
from ninefold.study.evaluation import average
from ninefold.study.harness import Harness, judge_constant
from ninefold.study.metrics import METRICS, metrics_for, score
from ninefold.study.splits import derive_seed, make_folds
from ninefold.study.task import Task
from ninefold.study.training import Recipe
from ninefold.study.variants import describe_variant

load_tensorflow()
import keras  # noqa: E402
from keras import layers  # noqa: E402

RANDOM = np.random.default_rng(0)
ROWS = 90
X = RANDOM.normal(size=(ROWS, 3))
SIGNAL = X[:, 0] + 0.5 * RANDOM.normal(size=ROWS)
LABELS = np.array(["no", "yes"])[(SIGNAL > 0).astype(int)]
THREE = np.array(["a", "b", "c"])[np.digitize(SIGNAL, [-0.5, 0.5])]
LINEAR = LogisticRegression()
quick = partial(evaluate, folds=3, repeats=1, epochs=2)


def network(inputs, outputs, *, rate=0.1, end="softmax", loss="sparse_categorical_crossentropy"):
    model = keras.Sequential([keras.Input((inputs,)), layers.Dense(4, "tanh")])
    model.add(layers.Dense(outputs, end))
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss)
    return model


def regressor(inputs, outputs, *, rate=0.1):
    return network(inputs, outputs, rate=rate, end="linear", loss="mse")


def mean(evaluation, metric) -> float:
    return float(evaluation.scores[metric].mean())


# scikit-learn as the measure

SPLITS = RepeatedStratifiedKFold(n_splits=4, n_repeats=2, random_state=3)
NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "roc_auc": "roc_auc",
    "average_precision": "average_precision",
    "log_loss": "neg_log_loss",
    "brier": "neg_brier_score",
    "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "r2": "r2",
}


def assert_scores_are_scikit_learns(found, model, y, cv, X=X):
    metrics = [metric for metric in found.protocol.metrics if metric in NAMES]
    expected = cross_validate(model, X, y, cv=cv, scoring=[NAMES[metric] for metric in metrics])
    for metric in metrics:
        sign = 1 if METRICS[metric].greater_is_better else -1
        np.testing.assert_allclose(
            found.values(metric), sign * expected[f"test_{NAMES[metric]}"], rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("model", [LINEAR, DecisionTreeClassifier(max_depth=3, random_state=0)])
@pytest.mark.parametrize("validation", [0, 0.2])
def test_an_estimator_scores_as_under_cross_val_score(model, validation):
    found = evaluate(model, X, LABELS == "yes", splitter=SPLITS, validation=validation)
    pipeline = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), model)
    assert_scores_are_scikit_learns(found, pipeline, LABELS == "yes", SPLITS)


def test_a_regression_by_an_estimator_scores_as_under_cross_val_score():
    splitter = PredefinedSplit(np.repeat([0, 1, 2], 30))
    model = DecisionTreeRegressor(max_depth=2, random_state=0)
    found = evaluate(model, X, SIGNAL, splitter=splitter, validation=0, prepare=None)
    assert_scores_are_scikit_learns(found, model, SIGNAL, splitter)


def test_unprepared_a_frame_reaches_a_pipeline_with_its_columns_and_gaps():
    frame = pd.DataFrame({"x": X[:, 0], "kind": THREE})
    frame.loc[::7, "x"] = np.nan
    trees = DecisionTreeClassifier(max_depth=2, random_state=0)  # it takes gaps as they are
    encode = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    model = make_pipeline(encode, trees)
    y = LABELS == "yes"
    found = evaluate(model, frame, y, splitter=SPLITS, validation=0, prepare=None)
    assert_scores_are_scikit_learns(found, model, y, SPLITS, frame)


def test_an_estimator_is_given_the_rows_in_the_splitter_s_order():
    model = SGDClassifier("log_loss", random_state=0, shuffle=False, max_iter=5, tol=None)
    splitter = ShuffleSplit(3, random_state=1)
    found = evaluate(model, X, LABELS == "yes", splitter=splitter, prepare=None)
    assert_scores_are_scikit_learns(found, model, LABELS == "yes", splitter)


# which rows


class Spy(ClassifierMixin, BaseEstimator):
    """Keeps the rows it is fitted on; X holds their numbers."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y):
        Spy.seen.append(sorted(X[:, 0].astype(int)))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class SpyOnInputs(TransformerMixin, BaseEstimator):
    """Keeps the rows that a preparation is fitted on."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y=None):
        SpyOnInputs.seen.append(sorted(X[:, 0].astype(int)))
        return self

    def transform(self, X):
        return X / ROWS


def test_estimators_learn_from_the_whole_training_fold_and_networks_leave_the_inner_rows_out():
    Spy.seen, SpyOnInputs.seen = [], []
    numbers = np.arange(ROWS)[:, None]
    quick(Spy(), numbers, LABELS, prepare=None)
    quick(LINEAR, numbers, LABELS, prepare=SpyOnInputs())
    quick(network, numbers, LABELS, prepare=SpyOnInputs(), epochs=1)
    codes = (LABELS == "yes").astype(int)
    splits = make_folds(codes, folds=3, repeats=1, validation=0.2, seed=1, stratify=True)
    whole = [fold.outer.tolist() for fold in splits]
    assert Spy.seen == whole
    assert SpyOnInputs.seen == whole + [fold.train.tolist() for fold in splits]


def test_predictions_are_those_of_rows_that_the_model_never_saw():
    found = quick(LINEAR, X, THREE, repeats=2)
    assert list(found.predictions) == ["repeat", "fold", "row", "predicted", "a", "b", "c"]
    for _, part in found.predictions.groupby("repeat"):
        assert sorted(part["row"]) == list(range(ROWS))
    assert found.predictions[["a", "b", "c"]].sum(axis=1).to_numpy() == pytest.approx(1)
    assert found.scores[["repeat", "fold"]].to_numpy().tolist() == [
        [r, f] for r in (0, 1) for f in range(3)
    ]


def test_curves_hold_both_parts_of_every_epoch_of_every_fold():
    found = quick(network, X, THREE)
    assert list(found.curves) == ["repeat", "fold", "epoch", "metric", "train", "validation"]
    assert found.curves["epoch"].tolist() == [1, 2] * 3
    assert np.isfinite(found.curves[["train", "validation"]]).all(axis=None)
    assert quick(LINEAR, X, THREE).curves.empty


@pytest.mark.slow
def test_the_same_seed_repeats_itself_and_another_draw_keeps_the_splits():
    first, again, other = (quick(network, X, THREE, model_seed=n, epochs=1) for n in (0, 0, 1))
    pd.testing.assert_frame_equal(first.scores, again.scores)
    pd.testing.assert_frame_equal(first.curves, again.curves)
    assert not first.scores.equals(other.scores)
    assert first.protocol.splits == other.protocol.splits


# leaks


def target_means(categories, y) -> dict:
    return pd.Series(y).groupby(np.asarray(categories)).mean().to_dict()


class TargetMeans(TransformerMixin, BaseEstimator):
    """Replaces a category by the mean target of its rows."""

    def fit(self, X, y):
        self.means_, self.mean_ = target_means(X.iloc[:, 0], y), np.mean(y)
        return self

    def transform(self, X):
        return X.iloc[:, 0].map(self.means_).fillna(self.mean_).to_numpy()[:, None]


def test_a_preparation_that_saw_all_rows_looks_skilled_on_noise_and_inside_the_folds_it_does_not():
    random = np.random.default_rng(4)
    rows = 300
    categories = pd.DataFrame({"street": random.integers(0, 100, rows).astype(str)})
    y = random.permutation(np.arange(rows) % 2)
    means = target_means(categories["street"], y)
    leaked = categories["street"].map(means).to_numpy()[:, None]
    plan = {"folds": 5, "repeats": 2}
    outside = evaluate(LINEAR, leaked, y, prepare=None, **plan)
    inside = evaluate(LINEAR, categories, y, prepare=TargetMeans(), **plan)
    assert outside.interval("roc_auc").low > 0.7
    assert inside.interval("roc_auc").low < 0.5 < inside.interval("roc_auc").high
    assert mean(outside, "roc_auc") - mean(inside, "roc_auc") > 0.25


# labels and outputs


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (LABELS, ("no", "yes")),
        (LABELS == "yes", ("False", "True")),
        (np.where(LABELS == "yes", 7, 3), ("3", "7")),
        (pd.Series(LABELS, dtype="category", index=range(5, 5 + ROWS)), ("no", "yes")),
        (pd.Series(np.where(LABELS == "yes", 12, 3), dtype="Int64"), ("3", "12")),
        (pd.DataFrame({"y": LABELS}), ("no", "yes")),
        (LABELS.tolist(), ("no", "yes")),
    ],
)
def test_labels_of_any_kind_are_encoded_in_sorted_order(y, classes):
    found = quick(LINEAR, X, y)
    assert found.protocol.classes == classes
    assert found.protocol.y.tolist() == (LABELS == "yes").astype(int).tolist()
    np.testing.assert_array_equal(found.values(), quick(LINEAR, X, LABELS).values())


def test_numbers_held_as_objects_are_a_regression():
    assert quick(LinearRegression(), X, SIGNAL.astype(object)).protocol.problem == "regression"


def logits(inputs, outputs):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return network(inputs, outputs, end="linear", loss=loss)


one_sigmoid = partial(network, outputs=1, end="sigmoid", loss="binary_crossentropy")


def one_logit(inputs):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return network(inputs, 1, end="linear", loss=loss)


def unbuilt():
    model = keras.Sequential([layers.Dense(1, "sigmoid")])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="binary_crossentropy")
    return model


@pytest.mark.parametrize(
    ("build", "y"),
    [
        pytest.param(network, THREE, id="softmax", marks=pytest.mark.slow),
        pytest.param(partial(network, loss="categorical_crossentropy"), THREE, id="one-hot"),
        pytest.param(logits, THREE, id="logits", marks=pytest.mark.slow),
        pytest.param(one_sigmoid, LABELS, id="one sigmoid", marks=pytest.mark.slow),
        pytest.param(one_logit, LABELS, id="one logit", marks=pytest.mark.slow),
        pytest.param(unbuilt, LABELS, id="no input named"),
    ],
)
def test_a_network_may_give_probabilities_in_any_usual_form(build, y):
    found = quick(build, X, y, epochs=30)
    assert mean(found, "accuracy") > (0.75 if y is LABELS else 0.6)
    assert mean(found, "log_loss") < (0.6 if y is LABELS else 0.8)  # naive: 0.69 and 1.09
    last = found.curves[found.curves["epoch"] == 30]  # the loss is that of the probabilities
    assert last["validation"].mean() == pytest.approx(mean(found, "log_loss"), abs=0.15)


@pytest.mark.slow
def test_a_regression_comes_back_in_the_targets_own_units():
    far = 5000 + 800 * SIGNAL
    found = quick(regressor, X, far, epochs=30)
    assert found.predictions["prediction"].mean() == pytest.approx(far.mean(), rel=0.05)
    assert mean(found, "rmse") < 0.7 * far.std()
    same = quick(regressor, X, SIGNAL, epochs=30)
    assert mean(found, "rmse") == pytest.approx(800 * mean(same, "rmse"), rel=1e-3)


def test_mixed_columns_with_gaps_go_in_as_they_are():
    frame = pd.DataFrame({"x": X[:, 0], "kind": THREE.astype(object), "flag": LABELS == "yes"})
    frame.loc[::7, ["x", "kind"]] = None
    for model in (LINEAR, network):
        assert mean(quick(model, frame, LABELS, epochs=10), "accuracy") > 0.9


@pytest.mark.slow
def test_images_tell_a_network_their_shape():
    images = RANDOM.normal(size=(ROWS, 4, 4, 1))
    images[LABELS == "yes"] += 1
    shapes = []

    def build(inputs, outputs):
        shapes.append((inputs, outputs))
        model = keras.Sequential([keras.Input(inputs), layers.Flatten(), layers.Dense(2)])
        model.add(layers.Softmax())
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        return model

    assert mean(quick(build, images, LABELS, epochs=15), "accuracy") > 0.8
    assert set(shapes) == {((4, 4, 1), 2)}


@pytest.mark.slow
def test_weights_of_rows_and_classes_reach_networks_and_estimators():
    for model in (network, LINEAR):
        plain, heavy, other = (
            quick(model, X, LABELS, epochs=15, **how).predictions["yes"].mean()
            for how in (
                {},
                {"class_weight": {"yes": 20}},
                {"sample_weight": np.where(LABELS == "yes", 20, 1)},
            )
        )
        assert heavy > plain + 0.1
        assert other == pytest.approx(heavy, abs=1e-6)


def test_balanced_weights_make_classes_count_alike():
    y = np.arange(40) < 10
    task = Task(np.zeros((40, 1)), y.astype(int), ("False", "True"), np.ones(40), "balanced")
    weights = task.weights(np.arange(40))
    assert weights[y].sum() == pytest.approx(weights[~y].sum()) == pytest.approx(20)


# diverged networks


@pytest.mark.parametrize("engine", ["graph", pytest.param("fit", marks=pytest.mark.slow)])
def test_a_diverged_network_is_scored_as_the_naive_model_for_each_metric_and_reported(engine):
    found = quick(partial(regressor, rate=1e30), X, SIGNAL, engine=engine)
    assert found.diverged == ((0, 0), (0, 1), (0, 2))
    for number in range(3):
        test = found.predictions.loc[found.predictions["fold"] == number, "row"].to_numpy()
        others = np.delete(SIGNAL, test)
        for metric in ("rmse", "mae", "r2"):  # the mean, the median, the mean
            constant = constant_prediction(metric, others, len(test))
            expected = score(metric, SIGNAL[test], constant)
            assert found.values(metric)[number] == pytest.approx(expected, rel=1e-12)
    assert repr(found).endswith("over 3 × 1 folds, network, 21 parameters, 3 diverged)")


def test_a_classifier_that_diverged_scores_as_the_constants_and_so_does_its_ensemble():
    bad = quick(partial(network, rate=1e30, end="linear", loss="mse"), X, LABELS)
    assert bad.diverged == ((0, 0), (0, 1), (0, 2))
    naive = judge_constant(harness(LABELS))
    for found in (bad, average([quick(LINEAR, X, LABELS), bad])):
        assert found.diverged == bad.diverged
        pd.testing.assert_frame_equal(found.scores, naive.scores)
        pd.testing.assert_frame_equal(found.predictions, naive.predictions)
    assert mean(bad, "accuracy") != mean(bad, "balanced_accuracy") == 0.5


def harness(labels) -> Harness:
    classes, codes = np.unique(labels, return_inverse=True)
    task = Task(X, codes, tuple(classes), np.ones(ROWS))
    splits = make_folds(codes, folds=3, repeats=1, validation=0.2, seed=1, stratify=True)
    names = metrics_for(task.problem)
    return Harness(task, splits, ("log_loss", *(n for n in names if n != "log_loss")))


# refusals


@pytest.mark.parametrize(
    ("model", "y", "line"),
    [
        (lambda: keras.Sequential([layers.Dense(1)]), LABELS, "the model is not compiled; call"),
        (partial(network, outputs=3), LABELS, "the network has 3 outputs; expected 2, one a class"),
        (partial(regressor, outputs=2), SIGNAL, "has 2 outputs; expected 1 for a regression"),
        (partial(network, end="linear"), LABELS, "outputs are not probabilities; expected values"),
        (partial(network, loss=["mse", "mae"]), LABELS, "the model has several losses"),
        (lambda inputs: 3, LABELS, "the model function returned int"),
        (lambda inputs: LINEAR, LABELS, "LogisticRegression; expected a compiled Keras model"),
    ],
)
def test_a_model_that_cannot_be_judged_is_one_line_naming_repeat_and_fold(model, y, line):
    with pytest.raises(NinefoldError, match=f"repeat 1, fold 1: .*{line}") as caught:
        quick(model, X, y)
    assert "\n" not in str(caught.value)


def test_an_error_of_the_users_model_names_its_kind_repeat_and_fold():
    class Breaks(Spy):
        def fit(self, X, y):
            raise ZeroDivisionError("in my own code")

    with pytest.raises(NinefoldError, match="repeat 1, fold 1: ZeroDivisionError: in my own code"):
        quick(Breaks(), X, LABELS)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"y": LABELS[1:]}, r"y has the shape \(89,\) and X 90 rows; expected one y for each row"),
        ({"y": [None, *LABELS[1:]]}, "y has missing values; leave these rows out"),
        ({"y": ["yes"] * ROWS}, "y has one class only, yes; expected at least two"),
        ({"y": np.arange(ROWS) < 2}, "3 folds cannot be filled: the rarest class has 2 .* at most"),
        ({"folds": 1}, "folds=1; expected a whole number of 2 or more"),
        ({"repeats": 0}, "repeats=0; expected a whole number of 1 or more"),
        ({"validation": 1}, "validation=1; expected a share from 0 to below 1"),
        ({"epochs": 0}, "epochs=0; expected a whole number of 1 or more"),
        ({"sample_weight": np.ones(3)}, r"sample_weight has the shape \(3,\) and X 90 rows"),
        ({"groups": np.ones(3)}, r"groups has the shape \(3,\) and X 90 rows"),
        ({"groups": np.arange(ROWS) % 2}, "3 folds cannot be filled: there are 2 groups"),
        ({"class_weight": {"yess": 2}}, "names the class 'yess', which .* did you mean 'yes'"),
        ({"class_weight": "equal"}, "class_weight='equal'; expected class → weight"),
        ({"y": SIGNAL, "class_weight": "balanced"}, "class_weight is given for a regression"),
        ({"metrics": ["acuracy"]}, "did you mean 'accuracy'"),
        ({"metrics": ["rmse"]}, "'rmse' does not fit a binary problem"),
        ({"build": "network"}, "the model is a str; expected a function that returns a compiled"),
    ],
)
def test_arguments_that_do_not_fit_are_one_clear_line(change, line):
    arguments = {"build": LINEAR, "X": X, "y": LABELS} | change
    with pytest.raises(NinefoldError, match=line) as caught:
        quick(**arguments)
    assert "\n" not in str(caught.value)


def test_a_function_may_make_an_estimator_and_so_may_its_class():
    expected = quick(LINEAR, X, LABELS).values()
    for build in (LogisticRegression, lambda outputs: LogisticRegression()):
        np.testing.assert_array_equal(quick(build, X, LABELS).values(), expected)


# splitters and groups


def test_a_repeated_splitter_of_scikit_learns_gives_its_repeats_and_folds():
    found = evaluate(LINEAR, X, LABELS, splitter=SPLITS)
    assert (found.protocol.folds, found.protocol.repeats) == (4, 2)
    for (_, test), (_, part) in zip(
        SPLITS.split(X, LABELS), found.predictions.groupby(["repeat", "fold"]), strict=True
    ):
        assert part["row"].tolist() == test.tolist()


def test_groups_never_part_under_either_kind_of_splitter():
    groups = np.array([f"house {n}" for n in np.arange(ROWS) // 6])
    own = quick(LINEAR, X, LABELS, groups=groups)
    for found in (own, evaluate(LINEAR, X, LABELS, splitter=GroupKFold(3), groups=groups)):
        folds = [set(groups[part["row"]]) for _, part in found.predictions.groupby("fold")]
        assert sum(map(len, folds)) == len(set.union(*folds)) == 15


def test_a_fold_that_trains_without_a_class_says_so_and_gives_it_no_probability():
    splitter = PredefinedSplit(np.where(THREE == "b", 0, np.arange(ROWS) % 2 + 1))
    with pytest.warns(UserWarning, match="repeat 1, fold 1: no training row of the class b, which"):
        found = evaluate(LINEAR, X, THREE, splitter=splitter)
    parts = found.predictions.groupby("fold")["b"]
    assert parts.max()[0] == 0
    assert (parts.min()[1:] > 0).all()


# what is kept


def test_what_decides_comes_first_and_the_rest_fits_the_problem():
    assert quick(LINEAR, X, LABELS).protocol.metrics[0] == "log_loss"
    assert set(quick(LINEAR, X, LABELS).scores) == {"repeat", "fold", *metrics_for("binary")}
    named = quick(LINEAR, X, LABELS, metrics=["roc_auc", "accuracy"])
    assert (named.protocol.metrics, named.protocol.metric) == (("roc_auc", "accuracy"), "roc_auc")
    assert list(named.scores) == ["repeat", "fold", "roc_auc", "accuracy"]


def test_an_evaluation_says_itself_in_one_line():
    found = quick(network, X, LABELS, metrics=["accuracy"])
    interval = found.interval()
    half = (interval.high - interval.low) / 2
    assert repr(found) == (
        f"Evaluation(accuracy {interval.mean:.3f} ± {half:.3f} over 3 × 1 folds, network, "
        "26 parameters)"
    )
    assert "folds, mean of 2 networks, 52 parameters)" in repr(average([found, found]))
    assert repr(judge_constant(harness(LABELS))).endswith("over 3 × 1 folds, constant)")


def test_the_strongest_constant_is_fitted_on_the_rows_outside_each_test_fold():
    plan = harness(THREE)
    found = judge_constant(plan)
    for fold, log_loss in zip(plan.splits, found.values("log_loss"), strict=True):
        shares = np.bincount(plan.task.y[fold.outer]) / len(fold.outer)
        assert log_loss == pytest.approx(-np.log(shares[plan.task.y[fold.test]]).mean())


def test_other_data_in_the_same_rows_are_other_splits():
    first, same, other = (
        quick(LinearRegression(), X, y).protocol.splits for y in (SIGNAL, SIGNAL, SIGNAL + 1)
    )
    assert first == same != other


def test_a_variant_is_kept_so_that_it_can_be_built_again():
    build = partial(partial(network, rate=0.3), loss="categorical_crossentropy", rate=0.2)
    assert describe_variant(build, Recipe(5, 8)) == {
        "function": f"{__name__}:network",
        "keywords": {"rate": 0.2, "loss": "categorical_crossentropy"},
        "rebuildable": True,
        "epochs": 5,
        "batch_size": 8,
    }


def test_a_variant_that_a_record_cannot_give_back_says_so():
    here = partial(network)
    elsewhere = type(network)(network.__code__, network.__globals__, "network")
    elsewhere.__module__ = "__main__"  # defined in a notebook
    for build in (
        partial(network, 3),
        partial(network, end=layers.Softmax()),
        lambda inputs: network(inputs, 2),
        elsewhere,
        make_pipeline(FunctionTransformer(np.log1p), LINEAR),
    ):
        assert not describe_variant(build, Recipe(1, 1))["rebuildable"]
    kept = {"rate": np.float64(0.1), "end": None, "sizes": (np.int64(3), 4)}
    assert describe_variant(partial(here, **kept), Recipe(1, 1))["rebuildable"]
    for unusual in (
        Recipe(1, 1, (keras.callbacks.EarlyStopping(),)),
        Recipe(1, 1, scale_target=False),
    ):
        assert not describe_variant(partial(here, **kept), unusual)["rebuildable"]


@pytest.mark.parametrize(
    "own", [{"class_weight": "balanced"}, {"sample_weight": np.full(ROWS, 2.0)}, {"prepare": None}]
)
def test_what_a_study_would_not_do_again_cannot_be_built_again(own):
    assert quick(LINEAR, X, LABELS).variant["rebuildable"]
    assert not quick(LINEAR, X, LABELS, **own).variant["rebuildable"]


def test_the_record_of_an_estimator_says_how_simple_it_is_and_builds_it_again():
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.123456789))
    kept = quick(model, X, LABELS).to_record()["variant"]
    assert (kept["rebuildable"], kept["family"]) == (True, "linear")
    assert build_from(kept["estimator"])[-1].C == 0.123456789
    families = [
        quick(one, X, LABELS, epochs=1).variant["family"]
        for one in (DecisionTreeClassifier(), KNeighborsClassifier(), network)
    ]
    assert families == ["tree", "simple", "network"]


def test_an_average_can_be_built_again_if_its_members_differ_by_their_seed_alone():
    one, other = (quick(network, X, LABELS, epochs=1, model_seed=seed) for seed in (0, 1))
    assert average([one, other]).variant["rebuildable"]
    assert not average([one, quick(partial(network, rate=0.5), X, LABELS)]).variant["rebuildable"]
    trees = quick(DecisionTreeClassifier(), X, LABELS)
    assert not average([trees, trees]).variant["rebuildable"]


def test_each_fold_has_its_own_seed():
    seeds = []

    class Draws(Spy):
        def __init__(self, random_state=None):
            self.random_state = random_state

        def fit(self, X, y):
            seeds.append(self.random_state)
            return super().fit(X, y)

    quick(Draws(), X, LABELS)
    assert seeds == [derive_seed(1, 0, fold, 0) for fold in range(3)]
    seeds.clear()
    quick(Draws(random_state=5), X, LABELS)
    assert seeds == [5, 5, 5]
