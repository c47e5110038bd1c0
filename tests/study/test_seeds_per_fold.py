"""A network trained from several seeds in each fold: the first is what it was without others."""

from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from sklearn.linear_model import LogisticRegression

from ninefold.errors import NinefoldError
from ninefold.plain_json import plain
from ninefold.study.comparison import compare
from ninefold.study.estimates import rows_of
from ninefold.study.evaluate import evaluate
from ninefold.study.evaluation import average
from ninefold.study.recorded import against, scores_by_seed
from ninefold.study.statistics.folds import corrected_interval, paired_comparison

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4))
Y = (X[:, 0] + RANDOM.normal(size=120) > 0).astype(int)


def network(inputs: int, outputs: int, *, rate: float = 0.01) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((inputs,)),
            layers.Dense(4, "relu"),
            layers.Dense(outputs, "softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    return model


BUILDS = {"slow": partial(network, rate=0.001), "net": network, "linear": LogisticRegression()}
judge = partial(evaluate, BUILDS, X, Y, folds=5, repeats=1, epochs=3)
ONE, TWO, SECOND = judge(), judge(seeds=2), judge(model_seed=1)


@pytest.mark.parametrize("name", ["slow", "net"])
def test_the_first_seed_gives_bit_for_bit_what_it_gives_alone_and_the_second_what_it_would(name):
    first, second = TWO[name].replicates
    for found, alone in ((TWO[name], ONE[name]), (first, ONE[name]), (second, SECOND[name])):
        pd.testing.assert_frame_equal(found.predictions, alone.predictions, check_exact=True)
        pd.testing.assert_frame_equal(found.curves, alone.curves, check_exact=True)
        pd.testing.assert_frame_equal(found.history, alone.history, check_exact=True)
    assert not first.predictions.equals(second.predictions)


def test_it_does_so_one_at_a_time_and_in_a_single_fold():
    splitter = [(np.arange(80), np.arange(80, 120))]
    for how in ({"engine": "graph"}, {"splitter": splitter}):
        options = {"folds": 2, "repeats": 1, "epochs": 2} | how
        alone = evaluate(network, X, Y, **options)
        both = evaluate(network, X, Y, seeds=2, **options)
        pd.testing.assert_frame_equal(both.predictions, alone.predictions, check_exact=True)
        assert both.engine == alone.engine


def test_scores_are_the_means_of_the_seeds_and_an_estimator_is_fitted_once():
    both = TWO["net"]
    mean = (ONE["net"].values() + SECOND["net"].values()) / 2
    np.testing.assert_allclose(both.values(), mean, rtol=1e-12)
    assert both.values_by_seed().shape == (2, 5)
    assert [TWO[name].fits for name in BUILDS] == [10, 10, 5]
    assert TWO["linear"].replicates == ()
    pd.testing.assert_frame_equal(TWO["linear"].scores, ONE["linear"].scores)
    inner = [one.inner_loss() for one in both.replicates]
    np.testing.assert_allclose(both.inner_loss(), np.mean(inner, axis=0))


def test_interval_and_comparison_leave_the_seeds_variance_out_of_what_folds_share():
    both = TWO["net"].values_by_seed()
    found = TWO["net"].interval()
    assert found.standard_error == corrected_interval(both, 96, 24).standard_error
    row = compare(TWO, control="linear").set_index("variant").loc["net"]
    linear = TWO["linear"].values()
    paired = paired_comparison(both, linear, 96, 24)
    assert row["difference"] == pytest.approx(paired.difference.mean)
    alone = compare({k: TWO[k] for k in ("net", "linear")}, control="linear").iloc[0]
    assert (alone["low"], alone["p"]) == pytest.approx((paired.difference.low, paired.p))


def test_a_record_keeps_each_seeds_scores_and_compares_as_the_evaluations_do():
    net, linear = (plain(TWO[name].to_record()) for name in ("net", "linear"))
    assert net["fits"] == 10
    assert "scores_by_seed" not in linear
    kept = scores_by_seed(net, "log_loss")
    np.testing.assert_allclose(kept, TWO["net"].values_by_seed(), rtol=1e-5)
    found = against(net, linear, "log_loss").difference
    expected = paired_comparison(TWO["net"].values_by_seed(), TWO["linear"].values(), 96, 24)
    assert found.standard_error == pytest.approx(expected.difference.standard_error, rel=1e-4)


def test_a_mean_of_networks_is_of_their_first_seeds():
    both = average([TWO["net"], TWO["slow"]])
    pd.testing.assert_frame_equal(both.scores, average([ONE["net"], ONE["slow"]]).scores)
    assert both.replicates == ()


def test_rows_are_looked_at_in_the_networks_of_all_seeds():
    rare = (np.arange(120) % 8 == 0).astype(int)
    found = evaluate(network, X, rare, folds=3, repeats=2, epochs=1, seeds=2)
    assert rows_of(found, "log_loss").found.shape == (4, 120, 2)


def test_several_outputs_are_each_judged_from_all_seeds():
    def build(inputs, outputs):
        given = keras.Input((inputs,))
        heads = {name: layers.Dense(1, name=name)(given) for name in outputs}
        model = keras.Model(given, heads)
        model.compile("adam", dict.fromkeys(outputs, "mse"))
        return model

    targets = {"a": X[:, 0] + X[:, 1] ** 2, "b": X[:, 1]}
    found = evaluate(build, X, targets, folds=2, repeats=1, epochs=1, seeds=3)
    assert [len(one.replicates) for one in found.values()] == [3, 3]
    assert found["a"].values_by_seed().shape == (3, 2)


def test_files_of_callbacks_are_of_each_seed(tmp_path):
    written = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    evaluate(network, X, Y, folds=2, repeats=1, epochs=1, seeds=2, callbacks=[written])
    assert {path.name for path in tmp_path.iterdir()} == {
        f"log-repeat-1-fold-{fold}{seed}.csv" for fold in (1, 2) for seed in ("", "-seed-2")
    }


@pytest.mark.parametrize("seeds", [0, 1.5, "two"])
def test_seeds_that_are_no_number_of_networks_are_one_clear_line(seeds):
    with pytest.raises(NinefoldError, match="seeds"):
        evaluate(network, X, Y, folds=2, seeds=seeds)
