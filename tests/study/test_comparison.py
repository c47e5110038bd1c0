"""Variants are compared on the same folds, by the statistics that are tested elsewhere."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from ninefold.errors import NinefoldError
from ninefold.plain_json import plain
from ninefold.study.comparison import compare, naive_score
from ninefold.study.evaluate import evaluate
from ninefold.study.evaluation import average
from ninefold.study.metrics import practical_margin, score
from ninefold.study.scoring import score_folds
from ninefold.study.statistics.folds import (
    corrected_interval,
    paired_comparison,
    probabilities,
)

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 3))
Y = np.where(X[:, 0] + RANDOM.normal(size=120) > 0, "yes", "no")
judge = partial(evaluate, X=X, y=Y, folds=5, repeats=2, metrics=["accuracy", "log_loss"])

CONTROL = judge(LogisticRegression())
VARIANTS = {
    "bayes": judge(GaussianNB()),
    "control": CONTROL,
    "neighbours": judge(KNeighborsClassifier(3)),
    "constant": judge(DummyClassifier(strategy="prior")),
    "again": judge(LogisticRegression()),
}


def with_scores(values, metric="accuracy"):
    scores = CONTROL.scores.assign(**{metric: values})
    return replace(CONTROL, scores=scores)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_a_row_holds_what_the_statistics_say_of_the_paired_scores(metric):
    table = compare(VARIANTS, control="control", metric=metric).set_index("variant")
    assert list(table.index) == ["bayes", "neighbours", "constant", "again"]
    sizes = (CONTROL.protocol.n_train, CONTROL.protocol.n_test)
    assert sizes == (96, 24)
    b = CONTROL.values(metric)
    margin = practical_margin(metric, naive_score(CONTROL, metric))
    for name in ("bayes", "neighbours", "constant"):
        row, a = table.loc[name], VARIANTS[name].values(metric)
        paired = paired_comparison(a, b, *sizes)
        shares = probabilities(paired.difference, margin, greater_is_better=metric == "accuracy")
        assert row["mean"] == pytest.approx(a.mean())
        assert row["difference"] == pytest.approx(paired.difference.mean)
        assert row["low"] < paired.difference.low  # the interval holds for all three at once
        assert row["high"] > paired.difference.high
        assert paired.p < row["p"] <= 3 * paired.p
        assert (row["better"], row["equal"], row["worse"]) == pytest.approx(
            (shares.better, shares.equal, shares.worse)
        )


def test_a_single_comparison_is_the_plain_t_test():
    few = {name: VARIANTS[name] for name in ("control", "constant", "again")}
    row = compare(few, control="control").iloc[0]  # what is identical counts nothing
    values = [few[name].values() for name in ("constant", "control")]
    paired = paired_comparison(*values, 96, 24)
    assert (row["low"], row["high"], row["p"]) == pytest.approx(
        (paired.difference.low, paired.difference.high, paired.p)
    )


def test_what_a_comparison_would_have_found_is_its_own():
    table = compare(VARIANTS, control="control").set_index("variant")
    for name in ("bayes", "neighbours", "constant"):
        row = table.loc[name]
        critical = (row["high"] - row["low"]) / 2
        assert critical < row["detectable"] < 1.7 * critical  # 0.8 of the power lies beyond
    assert np.isnan(table.loc["again", "detectable"])


noise = st.lists(st.floats(-1, 1), min_size=6, max_size=6)


@given(st.lists(noise, min_size=1, max_size=5), st.floats(-0.5, 0.5))
@settings(max_examples=40, deadline=None)
def test_interval_p_and_verdict_never_contradict_each_other(family, shift):
    values = np.tile(0.5, 10)
    variants = {
        f"v{n}": with_scores(values + shift + np.resize(one, 10)) for n, one in enumerate(family)
    }
    table = compare({"c": with_scores(values), **variants}, control="c")
    for row in table.itertuples():
        leaves_out_0 = row.low > 0 or row.high < 0
        if not np.isnan(row.p):  # the same on all folds
            assert leaves_out_0 == (row.p < 0.05)
        if row.verdict != "practically equal":
            assert leaves_out_0 == (row.verdict in ("better", "worse"))
        if row.verdict in ("better", "worse"):
            assert (row.verdict == "better") == (row.difference > 0)


def test_the_same_scores_are_called_identical_and_have_no_p():
    again = compare(VARIANTS, control="control").set_index("variant").loc["again"]
    assert again["verdict"] == "identical on all folds"
    assert again["difference"] == 0
    assert np.isnan(again["p"])


@pytest.mark.parametrize(
    ("shift", "spread", "word"),
    [
        (+0.1, 0.01, "better"),
        (-0.1, 0.01, "worse"),
        (0.0, 0.001, "practically equal"),
        (0.01, 0.05, "undecided"),
        (0.0, 0.05, "undecided"),  # not the same as equal
    ],
)
def test_a_verdict_needs_an_interval_that_leaves_out_0(shift, spread, word):
    noise = spread * np.tile([1, -1], 5)
    base = with_scores(np.full(10, 0.5))
    row = compare({"c": base, "v": with_scores(0.5 + shift + noise)}, control="c").iloc[0]
    assert row["verdict"] == word
    assert row[["better", "equal", "worse"]].sum() == pytest.approx(1)


@pytest.mark.parametrize(("repeats", "word"), [(1, "undecided"), (2, "worse")])
def test_the_same_loss_on_five_folds_may_be_chance(repeats, word):
    whole = judge(LogisticRegression(), repeats=repeats)
    base, less = (
        replace(whole, scores=whole.scores.assign(accuracy=value)) for value in (0.5, 0.4)
    )
    assert compare({"c": base, "v": less}, control="c").iloc[0]["verdict"] == word


def test_what_is_better_alone_is_undecided_among_many():
    better = with_scores(0.56 + 0.04 * np.tile([1, -1], 5))
    base = with_scores(np.full(10, 0.5))
    alone = compare({"c": base, "v": better}, control="c").iloc[0]
    assert alone["verdict"] == "better"
    drawn = np.random.default_rng(1).normal(size=(9, 10))
    others = {f"v{n}": with_scores(0.5 + 0.04 * one) for n, one in enumerate(drawn)}
    among = compare({"c": base, "v": better, **others}, control="c").iloc[0]
    assert among["low"] < 0 < alone["low"]
    assert among["p"] > 0.05
    assert among["verdict"] == "undecided"


def test_of_a_loss_the_smaller_is_the_better():
    lower = with_scores(CONTROL.values("log_loss") - 0.2, "log_loss")
    row = compare({"c": CONTROL, "v": lower}, control="c", metric="log_loss").iloc[0]
    assert row["difference"] == pytest.approx(-0.2)
    assert row["verdict"] == "better"


def test_the_margin_of_a_loss_is_a_share_of_the_naive_models():
    counts = np.unique(Y, return_counts=True)[1] / 120
    assert naive_score(CONTROL, "log_loss") == pytest.approx(-(counts * np.log(counts)).sum())


def test_the_control_alone_gives_an_empty_table():
    table = compare({"control": CONTROL}, control="control")
    assert table.empty
    assert "rows_low" in table


def test_other_splits_are_refused():
    for other in (judge(GaussianNB(), seed=2), judge(GaussianNB(), validation=0)):
        with pytest.raises(NinefoldError, match="'v' was judged on other splits than 'c'"):
            compare({"c": CONTROL, "v": other}, control="c")
        with pytest.raises(NinefoldError, match="members were judged on different splits"):
            average([CONTROL, other])


def test_an_unknown_control_or_metric_is_one_clear_line():
    with pytest.raises(NinefoldError, match="no evaluation 'contrl'; did you mean 'control'"):
        compare(VARIANTS, control="contrl")
    with pytest.raises(NinefoldError, match="no metric 'f1' was computed; there is: accuracy"):
        compare(VARIANTS, control="control", metric="f1")


def test_folds_where_a_score_is_not_defined_are_left_out_of_both():
    gap = CONTROL.values("accuracy") + np.linspace(0.1, 0.2, 10)
    gap[3] = np.nan
    row = compare({"c": CONTROL, "v": with_scores(gap)}, control="c").iloc[0]
    others = np.delete(np.linspace(0.1, 0.2, 10), 3)
    assert row["difference"] == pytest.approx(others.mean())


def test_one_fold_has_a_score_and_no_comparison():
    splitter = ShuffleSplit(1, random_state=1)
    one = evaluate(GaussianNB(), X, Y, splitter=splitter, metrics=["accuracy"])
    assert one.interval().mean == one.values()[0]
    assert np.isnan([one.interval().low, one.interval().high]).all()
    assert plain(one.to_record())["summary"]["accuracy"]["low"] is None
    with pytest.raises(NinefoldError, match="one fold: no interval; expected the scores of two"):
        compare({"c": one, "v": one}, control="c")


def test_a_diverged_fold_counts_with_the_naive_models_score_and_is_never_dropped():
    worse = score_folds(CONTROL.predictions, CONTROL.protocol, [(1, 2)])
    place = worse.query("repeat == 1 and fold == 2").index
    test = CONTROL.predictions.query("repeat == 1 and fold == 2")["row"]
    commonest = pd.Series(Y).drop(test).mode()[0]
    assert worse.loc[place, "accuracy"].item() == pytest.approx(np.mean(Y[test] == commonest))
    others = worse.index.difference(place)
    pd.testing.assert_frame_equal(worse.loc[others], CONTROL.scores.loc[others])
    found = replace(CONTROL, scores=worse, diverged=((1, 2),)).interval()
    assert found.freedom == 9
    assert found.mean < CONTROL.interval().mean


# evaluations


def test_an_average_scores_the_mean_of_the_predictions():
    members = [VARIANTS["bayes"], VARIANTS["neighbours"], CONTROL]
    found = average(members)
    assert found.members == 3
    y = (Y == "yes").astype(int)
    for place, part in found.predictions.groupby(["repeat", "fold"]):
        tables = [e.predictions.set_index(["repeat", "fold"]).loc[place] for e in members]
        by_hand = sum(table[["no", "yes"]].to_numpy() for table in tables) / 3
        np.testing.assert_allclose(part[["no", "yes"]], by_hand)
        row = found.scores.set_index(["repeat", "fold"]).loc[place]
        for metric in ("accuracy", "log_loss"):
            expected = score(metric, y[part["row"]], by_hand, n_classes=2)
            assert row[metric] == pytest.approx(expected, rel=1e-12)
    assert found.values("log_loss").mean() < VARIANTS["neighbours"].values("log_loss").mean()


def test_an_average_of_one_is_itself_and_of_none_is_refused():
    pd.testing.assert_frame_equal(average([CONTROL]).scores, CONTROL.scores)
    with pytest.raises(NinefoldError, match="nothing to average"):
        average([])


def test_an_interval_is_corrected_and_stays_in_the_metrics_range():
    found = with_scores(np.r_[np.full(9, 1.0), 0.8]).interval("accuracy")
    plain_one = corrected_interval(np.r_[np.full(9, 1.0), 0.8], 96, 24)
    assert (found.mean, found.low) == pytest.approx((0.98, plain_one.low))
    assert plain_one.high > found.high == 1


def test_too_few_defined_scores_have_a_mean_and_no_interval():
    one = with_scores([0.5, *[np.nan] * 9]).interval("accuracy")
    assert one.mean == 0.5
    assert np.isnan([one.low, one.high]).all()
    assert np.isnan(with_scores([np.nan] * 10).interval("accuracy").mean)


def test_a_curve_is_summed_up_over_the_folds():
    curves = pd.DataFrame(
        {
            "repeat": 0,
            "fold": [0, 0, 1, 1],
            "epoch": [1, 2, 1, 2],
            "metric": "loss",
            "train": [3.0, 1.0, 5.0, 2.0],
            "validation": [4.0, 2.0, 6.0, 4.0],
        }
    )
    found = replace(CONTROL, curves=curves)
    assert found.curve()["mean"].to_numpy().tolist() == [[4, 5], [1.5, 3]]
    assert found.curve()["low"].loc[1].tolist() == pytest.approx([3.2, 4.2])
    assert found.inner_loss().tolist() == [2, 4]
    assert CONTROL.inner_loss().size == 0


def test_what_a_record_keeps_of_an_evaluation_is_plain():
    kept = CONTROL.to_record()
    assert plain(kept).keys() == kept.keys()
    assert len(kept["scores"]["accuracy"]) == 10
    assert kept["summary"]["accuracy"]["mean"] == pytest.approx(CONTROL.values().mean())
    assert (kept["folds"], kept["repeats"], kept["n_train"], kept["n_test"]) == (5, 2, 96, 24)
