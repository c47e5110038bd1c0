import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from ninefold.errors import NinefoldError
from ninefold.study.metrics import (
    METRICS,
    deciding_metric,
    has_long_tail,
    metrics_for,
    practical_margin,
    score,
    shown_beside,
)

GENERATOR = np.random.default_rng(1)
CLASSIFICATION = metrics_for("binary")


def guesses(classes: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(rows) % classes
    return y, GENERATOR.dirichlet(np.ones(classes), rows)


def test_two_classes_are_scored_as_scikit_learn_scores_the_last_class():
    y, p = guesses(2)
    labels, second = p.argmax(axis=1), p[:, 1]
    expected = {
        "accuracy": sk.accuracy_score(y, labels),
        "balanced_accuracy": sk.balanced_accuracy_score(y, labels),
        "f1": sk.f1_score(y, labels),
        "roc_auc": sk.roc_auc_score(y, second),
        "average_precision": sk.average_precision_score(y, second),
        "log_loss": sk.log_loss(y, p),
        "brier": sk.brier_score_loss(y, second),
    }
    found = {name: score(name, y, p, n_classes=2) for name in CLASSIFICATION}
    assert found == pytest.approx(expected, rel=1e-12)


def test_several_classes_are_scored_as_scikit_learn_scores_the_macro_average():
    y, p = guesses(4)
    labels, one_hot = p.argmax(axis=1), np.eye(4)[y]
    expected = {
        "accuracy": np.mean(labels == y),
        "balanced_accuracy": sk.balanced_accuracy_score(y, labels),
        "f1": sk.f1_score(y, labels, average="macro"),
        "roc_auc": sk.roc_auc_score(y, p, multi_class="ovr", average="macro"),
        "average_precision": sk.average_precision_score(one_hot, p, average="macro"),
        "log_loss": -np.log(p[np.arange(60), y]).mean(),
        "brier": ((p - one_hot) ** 2).sum(axis=1).mean(),
    }
    found = {name: score(name, y, p, n_classes=4) for name in CLASSIFICATION}
    assert found == pytest.approx(expected, rel=1e-12)


def test_numbers_are_scored_in_their_own_units():
    y, told = GENERATOR.normal(size=30), GENERATOR.normal(size=30)
    squares = (y - told) ** 2
    assert score("rmse", y, told) == pytest.approx(np.sqrt(squares.mean()))
    assert score("mae", y, told) == pytest.approx(np.abs(y - told).mean())
    assert score("r2", y, told) == pytest.approx(1 - squares.mean() / y.var())


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_a_class_absent_from_the_test_rows_is_a_number_or_nan_but_never_a_warning(name):
    y = np.array([0, 0, 1, 1])
    p = np.array([[0.8, 0.1, 0.1], [0.2, 0.3, 0.5], [0.1, 0.8, 0.1], [0.3, 0.6, 0.1]])
    expected = {
        "accuracy": 0.75,
        "balanced_accuracy": 0.75,  # over the two classes there are
        "f1": (2 / 3 + 1 + 0) / 3,  # class 2 was predicted once, wrongly
        "roc_auc": np.nan,
        "average_precision": np.nan,
        "log_loss": -np.log([0.8, 0.2, 0.8, 0.6]).mean(),
        "brier": np.mean([0.06, 0.98, 0.06, 0.26]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score(name, y, p, n_classes=3)
    assert found == pytest.approx(expected[name], nan_ok=True)


@pytest.mark.parametrize("name", CLASSIFICATION)
@pytest.mark.parametrize("only", [0, 1])
def test_a_fold_of_one_class_is_a_number_or_nan_but_never_a_warning(name, only):
    y, p = np.full(3, only), np.array([[0.75, 0.25]] * 3)
    right = float(only == 0)
    expected = {
        "accuracy": right,
        "balanced_accuracy": right,
        "f1": np.nan if only == 0 else 0.0,
        "roc_auc": np.nan,
        "average_precision": np.nan,
        "log_loss": -np.log(0.75 if only == 0 else 0.25),
        "brier": 0.25**2 if only == 0 else 0.75**2,
    }
    assert score(name, y, p, n_classes=2) == pytest.approx(expected[name], nan_ok=True)


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_a_fold_with_hardly_more_rows_than_classes_warns_of_nothing(name):
    y, p = guesses(30, rows=30)
    score(name, y, p, n_classes=30)


def test_a_class_neither_true_nor_predicted_does_not_lower_macro_f1():
    y = np.array([0, 1, 0, 1])
    assert score("f1", y, np.eye(3)[y], n_classes=3) == 1


def test_a_diverged_network_scores_nan_by_every_metric():
    for name, metric in METRICS.items():
        if metric.takes == "numbers":
            assert np.isnan(score(name, np.arange(3.0), np.array([1, np.inf, 2])))
        else:
            told = np.array([[0.5, 0.5], [np.nan, np.nan]])
            assert np.isnan(score(name, np.array([0, 1]), told, n_classes=2))


def test_a_target_without_variance_has_no_r2():
    assert np.isnan(score("r2", np.ones(3), np.array([1.0, 1, 2])))
    assert np.isnan(score("r2", np.ones(1), np.ones(1)))


def test_perfect_predictions_reach_the_best_of_each_range():
    y = np.array([0, 1, 2, 0, 1, 2])
    for name in CLASSIFICATION:
        best = 1 if METRICS[name].greater_is_better else 0
        assert score(name, y, np.eye(3)[y], n_classes=3) == pytest.approx(best, abs=1e-12)
    numbers = y.astype(float)
    assert [score(name, numbers, numbers) for name in ("rmse", "mae", "r2")] == [0, 0, 1]


@pytest.mark.parametrize("classes", [2, 3])
def test_the_worst_predictions_stay_within_each_range(classes):
    y = np.arange(12) % classes
    wrong = np.eye(classes)[(y + 1) % classes]
    for name in CLASSIFICATION:
        low, high = METRICS[name].limits(classes)
        assert low <= score(name, y, wrong, n_classes=classes) <= high
    assert score("brier", y, wrong, n_classes=classes) == METRICS["brier"].limits(classes)[1]


def test_rounding_of_probabilities_is_mended_and_certainty_in_error_stays_finite():
    told = np.array([[1 + 1e-7, -1e-7], [0.3, 0.7000001]])
    assert score("log_loss", np.array([0, 1]), told, n_classes=2) == pytest.approx(
        -np.log(0.7) / 2, abs=1e-6
    )
    assert np.isfinite(score("log_loss", np.array([1, 1]), told, n_classes=2))


@pytest.mark.parametrize("told", [[[3.0, -2.0]], [[0.5, 0.9]], [[0.0, 0.0]], [[-1.0, 2.0]]])
def test_logits_are_not_taken_for_probabilities(told):
    with pytest.raises(NinefoldError, match=r"not probabilities.*softmax"):
        score("log_loss", np.array([0]), np.array(told), n_classes=2)


def test_predictions_of_the_wrong_shape_are_refused():
    with pytest.raises(NinefoldError, match=r"shape \(2,\); expected \(2, 2\)"):
        score("accuracy", np.array([0, 1]), np.array([0.1, 0.9]), n_classes=2)
    with pytest.raises(NinefoldError, match="one row at least"):
        score("rmse", np.array([]), np.array([]))


def test_log_loss_decides_where_no_class_is_rare():
    balanced = np.repeat(np.arange(10), 18)  # each class holds a tenth, and none is rare
    assert deciding_metric(balanced, "multiclass")[0] == "log_loss"
    assert deciding_metric(np.repeat([0, 1], [80, 20]), "binary")[0] == "log_loss"
    assert shown_beside("log_loss") == "accuracy"


def test_average_precision_decides_where_the_rare_class_is_under_a_fifth():
    assert deciding_metric(np.repeat([0, 1], [81, 19]), "binary")[0] == "average_precision"
    rare = np.repeat([0, 1, 2], [50, 40, 10])
    assert deciding_metric(rare, "multiclass")[0] == "average_precision"
    assert shown_beside("average_precision") == "balanced_accuracy"


def test_balanced_accuracy_decides_where_average_precision_would_look_at_the_common_class():
    assert deciding_metric(np.repeat([0, 1], [19, 81]), "binary")[0] == "balanced_accuracy"


def test_mae_decides_for_a_long_tail_only():
    generator = np.random.default_rng(1)
    assert deciding_metric(generator.lognormal(size=2000), "regression")[0] == "mae"
    assert deciding_metric(generator.standard_t(2, size=2000), "regression")[0] == "mae"
    assert deciding_metric(generator.normal(size=2000), "regression")[0] == "rmse"
    assert deciding_metric(generator.random(2000), "regression")[0] == "rmse"


def test_one_strange_row_or_many_equal_ones_make_no_long_tail():
    typo = np.append(np.arange(50.0), 1e6)
    assert not has_long_tail(typo)
    assert has_long_tail(np.append(typo, 2e6))
    assert not has_long_tail(np.repeat([0.0, 1, 5], [80, 10, 10]))


def test_a_metric_named_in_the_settings_decides():
    assert deciding_metric(np.array([0, 1]), "binary", "f1") == ("f1", "as the settings say")


@pytest.mark.parametrize(
    ("problem", "setting", "line"),
    [
        ("binary", "acuracy", r"did you mean 'accuracy'\?; choose one of accuracy, "),
        ("binary", "neg_log_loss", r"did you mean 'log_loss'\?"),
        (
            "regression",
            "accuracy",
            "fit a regression problem; choose one of rmse, mae, r2",
        ),
        ("multiclass", "rmse", "does not fit a multiclass problem"),
    ],
)
def test_a_wrong_metric_is_refused_with_those_that_fit(problem, setting, line):
    with pytest.raises(NinefoldError, match=line):
        deciding_metric(np.array([0, 1, 2]), problem, setting)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(NinefoldError, match="did you mean 'rmse'"):
        score("rsme", np.ones(2), np.ones(2))
    with pytest.raises(NinefoldError, match="did you mean 'multiclass'"):
        metrics_for("multi-class")


def test_the_margin_is_a_hundredth_of_a_score_and_of_the_naive_loss():
    assert practical_margin("accuracy", 0.63) == practical_margin("roc_auc", 0.5) == 0.01
    assert practical_margin("r2", 0.0) == 0.01
    assert practical_margin("rmse", 800.0) == pytest.approx(8)
