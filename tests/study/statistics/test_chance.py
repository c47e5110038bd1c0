import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from ninefold.study.statistics.chance import (
    chance_score,
    chance_without,
    expected_average_precision,
    name_of_naive,
)

THREE = np.repeat([0, 1, 2], [9, 25, 6])


@pytest.mark.parametrize(("n", "positives"), [(2, 1), (30, 1), (30, 2), (30, 15), (50, 49)])
def test_a_random_ranking_has_the_expected_average_precision(n, positives):
    generator, y = np.random.default_rng(1), np.arange(n) < positives
    found = [average_precision_score(y, generator.random(n)) for _ in range(2_000)]
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(expected_average_precision(n, positives), abs=4 * error)


def test_the_expectation_is_exact_where_it_can_be_counted():
    # one positive row of three, in places 1, 2, 3
    assert expected_average_precision(3, 1) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert expected_average_precision(1, 1) == expected_average_precision(7, 7) == 1
    assert np.isnan([expected_average_precision(7, 0), expected_average_precision(2, 3)]).all()


def test_of_several_classes_it_is_the_mean_of_each_against_the_rest():
    each = [expected_average_precision(40, rows) for rows in (9, 25, 6)]
    assert chance_score("average_precision", THREE, 3) == pytest.approx(np.mean(each))
    assert chance_score("roc_auc", THREE, 3) == 0.5
    generator, binary = np.random.default_rng(1), np.eye(3)[THREE]
    found = [
        average_precision_score(binary, generator.random((40, 3)), average="macro")
        for _ in range(2_000)
    ]
    assert np.mean(found) == pytest.approx(np.mean(each), abs=4 * np.std(found) / np.sqrt(2_000))


def test_a_guess_of_each_class_at_its_share_has_a_macro_f1_of_one_in_the_classes():
    generator = np.random.default_rng(1)
    found = [f1_score(THREE, generator.permutation(THREE), average="macro") for _ in range(1_000)]
    assert np.mean(found) == pytest.approx(1 / 3, abs=0.01)
    assert chance_score("f1", THREE, 3) == 1 / 3


def test_where_a_constant_scores_most_there_is_no_chance_score():
    two = np.array([0, 1, 1])
    assert all(chance_score(name, two, 2) is None for name in ("f1", "accuracy", "log_loss"))
    assert chance_score("rmse", np.array([0.5, 1.5]), 0) is None
    assert np.isnan(
        [chance_score(name, two[1:], 2) for name in ("roc_auc", "average_precision")]
    ).all()


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "f1", "balanced_accuracy"])
def test_the_chance_score_without_a_row_is_that_of_the_other_rows(name):
    found = chance_without(name, THREE, 3)
    expected = [chance_score(name, np.delete(THREE, row), 3) for row in range(len(THREE))]
    assert found == pytest.approx(expected)


def test_the_naive_model_is_called_what_it_is():
    assert name_of_naive("average_precision", 2) == name_of_naive("roc_auc", 3) == "random ranking"
    assert name_of_naive("f1", 3) == "random guess"
    assert name_of_naive("f1", 2) == name_of_naive("log_loss", 2) == "strongest constant"
