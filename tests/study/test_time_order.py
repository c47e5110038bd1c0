"""Folds in time order train on the past only, and what cannot be tested on them is not."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, TimeSeriesSplit

from ninefold.errors import NinefoldError
from ninefold.study.comparison import compare
from ninefold.study.estimates import interval_of
from ninefold.study.evaluate import evaluate
from ninefold.study.time_order import (
    find_blocks,
    is_ordered,
    make_ordered_folds,
    plan_ordered_folds,
    take_last,
)

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 2))
Y = X[:, 0] + RANDOM.normal(size=60)
moments = st.lists(st.integers(1, 5), min_size=4, max_size=25).map(
    lambda sizes: np.repeat(np.arange(len(sizes)) * 7, sizes)
)


@settings(max_examples=60, deadline=None)
@given(time=moments, folds=st.integers(2, 6), validation=st.floats(0, 0.9))
def test_a_fold_trains_before_it_validates_before_it_tests(time, folds, validation):
    blocks = find_blocks(time)
    folds = min(folds, blocks[-1])
    made = make_ordered_folds(blocks, folds=folds, validation=validation)
    assert len(made) == folds
    for fold in made:
        parts = [part for part in (fold.train, fold.validation, fold.test) if len(part)]
        assert len(fold.train)
        assert len(fold.test)
        for earlier, later in pairwise(parts):
            assert time[earlier].max() < time[later].min()  # so no row is in two parts either
        # all that came before the test fold is used
        assert fold.outer.tolist() == list(range(fold.test[0]))
    tested = np.concatenate([fold.test for fold in made])
    assert tested.tolist() == list(range(tested[0], len(time)))  # each once, to the end


def test_rows_of_different_moments_are_split_as_scikit_learn_splits_them():
    made = make_ordered_folds(find_blocks(np.arange(23)), folds=4, validation=0)
    expected = [(a.tolist(), b.tolist()) for a, b in TimeSeriesSplit(4).split(np.zeros(23))]
    assert [(f.train.tolist(), f.test.tolist()) for f in made] == expected


def test_rows_of_a_moment_and_whole_groups_make_a_block_with_all_between_them():
    assert find_blocks(np.array([1, 1, 2, 5, 5, 5, 9])).tolist() == [0, 0, 1, 2, 2, 2, 3]
    group = np.array(list("abacdd"))
    assert find_blocks(group).tolist() == [0, 0, 0, 1, 2, 2]
    assert find_blocks(np.arange(6), group).tolist() == [0, 0, 0, 1, 2, 2]
    assert find_blocks(np.array([1, 1, 2, 2, 3, 3]), group).tolist() == [0, 0, 0, 0, 1, 1]


@settings(max_examples=40, deadline=None)
@given(groups=st.lists(st.integers(0, 6), min_size=2, max_size=25))
def test_no_cut_between_blocks_parts_a_group_and_every_other_does(groups):
    groups = np.array(groups)
    blocks = find_blocks(groups)
    for cut in range(1, len(groups)):
        parts = bool(set(groups[:cut]) & set(groups[cut:]))
        assert parts == (blocks[cut - 1] == blocks[cut])


@pytest.mark.parametrize(
    ("blocks", "share", "taken"),
    [
        (range(10), 0.2, 2),
        (range(10), 0.01, 1),
        (range(10), 0.99, 9),
        (range(10), 0, 0),
        ([0] * 10, 0.5, 0),
        ([0] * 7 + [1] * 3, 0.1, 3),
        ([0] * 4 + [1] * 3 + [2] * 3, 0.5, 6),
    ],
)
def test_the_last_whole_blocks_nearest_the_share_are_taken(blocks, share, taken):
    assert take_last(np.array(blocks), share).tolist() == list(range(10 - taken, 10))


def test_shuffled_and_contiguous_folds_are_not_taken_for_time_order():
    rows = np.zeros(20)
    assert is_ordered(TimeSeriesSplit(4, gap=1).split(rows))
    assert not is_ordered(KFold(2).split(rows))
    assert not is_ordered([(np.array([0, 3]), np.array([1, 2]))])
    assert not is_ordered(KFold(4, shuffle=True, random_state=1).split(rows))


# the plan


def plan(y, blocks=None, **asked):
    blocks = np.arange(len(y)) if blocks is None else blocks
    classification = np.issubdtype(np.asarray(y).dtype, np.integer)
    return plan_ordered_folds(y, blocks, 0.2, classification=classification, **asked)


def test_the_plan_is_the_usual_one_without_repeats_and_says_why():
    found = plan(np.linspace(0, 1, 300))
    assert (found.folds, found.repeats) == (10, 1)
    assert found.reason == ("usual for 300 development rows; no repeats, since time has one order")
    assert plan(np.linspace(0, 1, 300), folds=4).reason.startswith("as ninefold.toml says; no rep")


def test_few_moments_limit_the_folds_and_it_is_said():
    found = plan(np.linspace(0, 1, 60), np.arange(60) // 15)
    assert found.folds == 3
    assert "the rows are of 4 moments, the first of them to train" in found.reason
    with pytest.raises(NinefoldError, match="4 folds cannot be filled: the rows are of 4 moments"):
        plan(np.linspace(0, 1, 60), np.arange(60) // 15, folds=4)


def test_there_are_fewer_folds_where_the_first_would_train_without_a_class():
    y = (np.arange(100) >= 18).astype(int)  # ten folds: the first trains on rows 0 to 7
    found = plan(y)
    assert found.reason.startswith("with more, the first would train without a class")
    for folds, whole in ((found.folds, True), (found.folds + 1, False)):
        first = make_ordered_folds(np.arange(100), folds=folds, validation=0.2)[0]
        assert (len(set(y[first.train])) == 2) is whole


def test_repeats_in_time_order_are_refused():
    with pytest.raises(NinefoldError, match="3 repeats of folds in time order; time has one order"):
        plan(np.linspace(0, 1, 60), repeats=3)


# what is refused of the scores

ORDERED = evaluate(Ridge(), X, Y, splitter=TimeSeriesSplit(5), metrics=["rmse", "r2"])
OTHER = evaluate(Ridge(100), X, Y, splitter=TimeSeriesSplit(5), metrics=["rmse", "r2"])


def test_a_mean_over_folds_in_time_order_comes_without_an_interval():
    assert ORDERED.protocol.ordered
    found = ORDERED.interval()
    assert found.mean == ORDERED.values().mean()
    assert np.isnan([found.low, found.high, found.standard_error]).all()
    assert "±" not in repr(ORDERED)
    assert "nan" not in repr(ORDERED)
    shuffled = replace(ORDERED.protocol, ordered=False)
    assert np.isfinite(interval_of(ORDERED.values(), "rmse", shuffled).low)


def test_a_comparison_in_time_order_has_a_difference_and_no_test():
    row = compare({"c": ORDERED, "v": OTHER, "again": ORDERED}, control="c").iloc[0]
    assert row["difference"] == pytest.approx((OTHER.values() - ORDERED.values()).mean())
    assert row["verdict"] == "no test: folds ordered in time"
    assert row[["low", "high", "p", "better", "equal", "worse", "rows_low"]].isna().all()


def test_the_constant_of_a_fold_in_time_order_knows_the_past_only():
    from ninefold.study.arguments import make_task
    from ninefold.study.harness import Harness, judge_constant
    from ninefold.study.splitters import make_splits

    task = make_task(X, np.arange(60.0), None, None)
    splits = make_splits(
        task, folds=2, repeats=1, validation=0.2, seed=1, splitter=TimeSeriesSplit(3)
    )
    found = judge_constant(Harness(task, splits, ("rmse",)))
    for fold in splits:
        told = found.predictions.set_index("row").loc[fold.test, "prediction"]
        assert told.to_numpy() == pytest.approx(np.arange(fold.test[0]).mean())


def test_a_training_fold_of_one_class_is_one_clear_line():
    y = np.where(np.arange(60) < 15, "early", "late")
    with pytest.raises(NinefoldError, match="fold 1: all training rows are of the class early; "):
        evaluate(LogisticRegression(), X, y, splitter=TimeSeriesSplit(5))
