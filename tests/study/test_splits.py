"""Rows are divided the same way from the same seed, and what belongs together never parts."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from ninefold.errors import NinefoldError
from ninefold.study.splits import (
    Fold,
    derive_seed,
    make_folds,
    plan_folds,
    repeat_often,
    take_share,
)

LABELS = np.repeat([0, 1, 2], [60, 30, 10])


def folds_of(y=LABELS, **changes):
    usual = {"folds": 5, "repeats": 2, "validation": 0.2, "seed": 1, "stratify": True}
    return make_folds(y, **usual | changes)


def rows_of(folds: list[Fold]) -> list[tuple]:
    return [(f.train.tolist(), f.validation.tolist(), f.test.tolist()) for f in folds]


def test_each_fold_divides_all_rows_into_three_disjoint_parts():
    for fold in folds_of():
        parts = np.concatenate([fold.train, fold.validation, fold.test])
        assert sorted(parts) == list(range(100))
        assert sorted([*fold.outer, *fold.test]) == list(range(100))


def test_each_repeat_tests_every_row_once():
    folds = folds_of()
    assert [(f.repeat, f.fold) for f in folds] == [(r, f) for r in (0, 1) for f in range(5)]
    for repeat in (0, 1):
        tested = np.concatenate([f.test for f in folds if f.repeat == repeat])
        assert sorted(tested) == list(range(100))


def test_every_part_of_a_fold_holds_the_classes_in_their_shares():
    for fold in folds_of():
        assert np.bincount(LABELS[fold.test]).tolist() == [12, 6, 2]
        assert np.bincount(LABELS[fold.validation]).tolist() == [10, 5, 2]
        assert np.bincount(LABELS[fold.train]).tolist() == [38, 19, 6]


def test_a_regression_is_split_without_looking_at_its_target():
    y = np.linspace(0, 1, 50)
    assert rows_of(folds_of(y, stratify=False)) == rows_of(folds_of(y**2, stratify=False))
    assert {len(f.test) for f in folds_of(y, stratify=False)} == {10}
    assert {len(f.validation) for f in folds_of(y, stratify=False)} == {8}


def test_the_same_seed_gives_the_same_splits_another_seed_or_repeat_others():
    assert rows_of(folds_of()) == rows_of(folds_of())
    assert rows_of(folds_of()) != rows_of(folds_of(seed=2))
    first, second = (rows_of([f for f in folds_of() if f.repeat == r]) for r in (0, 1))
    assert first != second


def test_more_repeats_leave_the_first_ones_as_they_were():
    assert rows_of(folds_of(repeats=3))[:10] == rows_of(folds_of(repeats=2))


def test_without_inner_validation_a_fold_trains_on_all_other_rows():
    for fold in folds_of(validation=0):
        assert len(fold.validation) == 0
        assert len(fold.train) == 80


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(5, 30), min_size=1, max_size=4),
    folds=st.integers(2, 5),
    share=st.floats(0, 0.9),
    seed=st.integers(0, 2**31 - 1),
)
def test_every_row_is_in_one_part_and_classes_are_within_a_few_rows_of_their_share(
    counts, folds, share, seed
):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    made = make_folds(
        y, folds=folds, repeats=1, validation=share, seed=seed, stratify=len(counts) > 1
    )
    assert sorted(np.concatenate([f.test for f in made])) == list(range(len(y)))
    for fold in made:
        parts = np.concatenate([fold.train, fold.validation, fold.test])
        assert sorted(parts) == list(range(len(y)))
        for code, count in enumerate(counts):
            tested, held = (np.sum(y[rows] == code) for rows in (fold.test, fold.validation))
            assert abs(tested - count / folds) <= 1
            if share:  # a row or two may have moved, for all folds to train on as many
                assert abs(held - share * (count - tested)) <= 2 + len(counts)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=6, max_size=15),
    classes=st.integers(0, 3),
    seed=st.integers(0, 2**31 - 1),
    folds=st.integers(2, 6),  # as many as groups, too
    share=st.floats(0.05, 0.9),
)
def test_rows_of_one_group_never_part(sizes, classes, seed, folds, share):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y = np.arange(len(groups)) % max(classes, 1)
    stratify = classes > 1 and min(np.bincount(y)) >= folds
    made = make_folds(
        y, folds=folds, repeats=1, validation=share, seed=seed, stratify=stratify, groups=groups
    )
    assert sorted(np.concatenate([f.test for f in made])) == list(range(len(y)))
    for fold in made:
        parts = [set(groups[rows]) for rows in (fold.train, fold.validation, fold.test)]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts)) == len(sizes)


def test_a_group_larger_than_a_fold_is_tested_whole_and_never_taken_for_a_small_share():
    groups = np.repeat(np.arange(41), [200, *[4] * 40])
    for stratify in (True, False):
        y = np.arange(360) % 2
        tested = [len(f.test) for f in folds_of(y, stratify=stratify, groups=groups, repeats=1)]
        assert max(tested) >= 200
        for seed in range(20):
            held = take_share(y, 0.2, seed, stratify=stratify, groups=groups)
            assert len(held) == 72
            assert 0 not in groups[held]


def test_a_share_of_unequal_groups_is_near_that_share_of_the_rows_and_of_each_class():
    sizes = np.ceil(np.random.default_rng(0).lognormal(1.5, 1.2, 60)).astype(int)
    groups = np.repeat(np.arange(60), sizes)
    y = (np.random.default_rng(1).random(len(groups)) < 0.2).astype(int)
    for seed in range(20):
        held = take_share(y, 0.2, seed, stratify=False, groups=groups)
        assert len(held) / len(y) == pytest.approx(0.2, abs=0.03)
        held = take_share(y, 0.2, seed, stratify=True, groups=groups)
        shares = np.bincount(y[held]) / np.bincount(y)
        assert shares == pytest.approx([0.2, 0.2], abs=0.08)
    assert len({tuple(take_share(y, 0.2, s, stratify=True, groups=groups)) for s in range(20)}) > 15


def test_of_two_large_groups_one_is_taken_whatever_the_share():
    groups = np.repeat([0, 1], 50)
    for share in (0.01, 0.99):
        assert len(take_share(np.zeros(100), share, 1, stratify=False, groups=groups)) == 50


def test_a_fold_that_trains_on_one_group_has_no_inner_validation():
    groups = np.repeat([0, 1], 10)
    y = np.tile([0, 1], 10)
    for stratify in (True, False):
        made = folds_of(y, folds=2, repeats=1, stratify=stratify, groups=groups)
        assert [(len(f.train), len(f.validation)) for f in made] == [(10, 0), (10, 0)]


def test_a_rare_class_among_groups_is_split_without_a_warning():
    groups = np.arange(40) // 2
    y = (np.arange(40) < 6).astype(int)
    assert len(take_share(y, 0.1, 1, stratify=True, groups=groups)) > 0


@pytest.mark.parametrize(
    ("rows", "plan"),
    [
        (569, (10, 3)),
        (1_000, (10, 3)),
        (1_001, (10, 1)),
        (5_001, (5, 1)),
        (20_001, (3, 1)),
        (10**6, (3, 1)),
    ],
)
def test_more_rows_need_fewer_fits(rows, plan):
    found = plan_folds(rows, rows // 3, None)
    assert (found.folds, found.repeats) == plan
    assert found.reason == f"usual for {rows:,} development rows"


def test_a_rare_class_or_few_groups_limit_the_folds_and_it_is_said():
    rare, grouped = plan_folds(500, 4, None), plan_folds(500, None, 6)
    assert (rare.folds, rare.repeats) == (4, 3)
    assert rare.reason == "fewer folds than usual: the rarest class has 4 development rows"
    assert (grouped.folds, grouped.repeats) == (6, 1)
    assert grouped.reason == (
        "fewer folds than usual: there are 6 groups; no repeats, since each fold is one group"
    )


@pytest.mark.parametrize("stratify", [False, True])
def test_of_no_more_groups_than_folds_another_repeat_would_be_a_copy(stratify):
    y = np.arange(60) % 2
    splits = make_folds(
        y, folds=6, repeats=2, validation=0, seed=1, stratify=stratify, groups=np.arange(60) // 10
    )
    first, second = ({tuple(f.test) for f in splits if f.repeat == number} for number in (0, 1))
    assert first == second
    assert plan_folds(500, None, 6, 6).repeats == 1
    assert plan_folds(500, None, 7, 6, 3).repeats == 3
    assert plan_folds(500, None, 7, 6).repeats == 3


def test_settings_decide_over_the_size_of_the_data():
    plan = plan_folds(500, 100, None, folds=3, repeats=2)
    assert (plan.folds, plan.repeats, plan.reason) == (3, 2, "as ninefold.toml says")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((500, 1, None), "2 folds cannot be filled: the rarest class has 1 development rows"),
        ((500, 4, None, 5), "5 folds cannot be filled: the rarest class has 4 .*at most 4 folds"),
        ((500, None, 3, 10), "10 folds cannot be filled: there are 3 groups; at most 3 folds"),
        ((500, None, 6, 6, 3), "3 repeats of 6 folds of 6 groups; .*set repeats = 1"),
        ((3, None, None), "2 folds cannot be filled: there are 3 rows; at least two folds"),
    ],
)
def test_folds_that_cannot_be_filled_are_one_clear_line(arguments, line):
    with pytest.raises(NinefoldError, match=line):
        plan_folds(*arguments)


def test_a_share_takes_at_least_one_row_of_each_class_and_leaves_one():
    y = np.repeat([0, 1, 2, 3], [50, 3, 2, 1])
    for share, counts in ((0.1, [5, 1, 1]), (0.9, [45, 2, 1])):  # the single row stays
        assert np.bincount(y[take_share(y, share, 1, stratify=True)]).tolist() == counts


def test_a_share_of_a_regression_is_that_share_of_its_rows():
    held = take_share(np.zeros(40), 0.25, 3, stratify=False)
    assert len(held) == len(set(held)) == 10
    assert held.tolist() == sorted(held)


def test_a_seed_depends_on_all_numbers_in_their_places():
    seeds = [derive_seed(*n) for n in ((1,), (1, 0, 1), (1, 1, 0), (2, 0, 1), (1, 0, 1, 1))]
    assert len(set(seeds)) == 5
    assert derive_seed(1, 0, 1) == seeds[1]
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize("rows", [149, 455, 569])
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_networks_of_all_folds_train_on_as_many_rows(rows, classes):
    y = np.random.default_rng(rows).integers(0, classes, rows)
    made = make_folds(y, folds=10, repeats=3, validation=0.2, seed=1, stratify=classes > 1)
    assert len({len(fold.train) for fold in made}) == 1
    for fold in made:
        assert abs(len(fold.validation) - 0.2 * (rows - len(fold.test))) <= classes + 1
        assert not set(fold.train) & set(fold.validation)


@pytest.mark.parametrize(
    ("stratify", "grouped", "digest"),
    [
        (False, False, "7d84068c93d0ee78"),
        (False, True, "4b9b24f154de5525"),
        (True, False, "c8f3550c1319a555"),
        (True, True, "e282a1fceef598ec"),
    ],
)
def test_splits_are_the_same_under_every_scikit_learn(stratify, grouped, digest):
    """Seen with 1.6.1, 1.7.2 and 1.9.1."""
    y = np.arange(120) % 3
    found = make_folds(
        y, folds=5, repeats=2, validation=0.2, seed=1, stratify=stratify,
        groups=np.arange(120) // 4 if grouped else None,
    )  # fmt: skip
    parts = (np.asarray(p, "int64") for f in found for p in (f.train, f.validation, f.test))
    assert hashlib.sha256(b"|".join(part.tobytes() for part in parts)).hexdigest()[:16] == digest


@given(
    sizes=st.lists(st.integers(1, 12), min_size=3, max_size=12),
    folds=st.integers(2, 3),
    seed=st.integers(0, 99),
)
def test_few_groups_fill_every_fold_with_every_class_or_are_refused(sizes, folds, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y = np.random.default_rng(seed).integers(0, 2, len(groups))
    if len(np.unique(y)) < 2:
        return
    try:
        found = make_folds(
            y, folds=folds, repeats=1, validation=0, seed=seed, stratify=True, groups=groups
        )
    except NinefoldError as error:
        if "groups do not fill" in str(error):
            return
        raise
    for fold in found:
        assert len(fold.test)
        assert set(y[fold.train]) == {0, 1}
        assert not set(groups[fold.train]) & set(groups[fold.test])


def test_groups_are_dealt_as_evenly_as_by_scikit_learn():
    generator = np.random.default_rng(0)
    groups = np.sort(generator.integers(0, 60, 900))
    y = (generator.random(900) < 0.1 + 0.5 * (groups % 3 == 0)).astype(int)

    def unevenness(tests):
        held = np.array([np.bincount(y[test], minlength=2) for test in tests])
        return (held / held.sum(axis=0)).std(axis=0).mean()

    own = make_folds(y, folds=5, repeats=3, validation=0, seed=1, stratify=True, groups=groups)
    theirs = [
        test
        for seed in range(3)
        for _, test in StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(y, y, groups)
    ]
    assert unevenness([fold.test for fold in own]) <= 1.2 * unevenness(theirs)


@pytest.mark.parametrize(
    ("rows", "change", "repeats"),
    [
        (120, {}, 10),  # 86 rows to train on, 3 batches: 600,000 steps
        (455, {}, 3),  # 11 batches: 2,200,000
        (455, {"epochs": 40}, 10),
        (455, {"seeds": 1, "epochs": 80}, 10),
        (120, {"batch_size": 1}, 3),
    ],
)
def test_folds_are_repeated_ten_times_where_training_is_cheap(rows, change, repeats):
    how = {"epochs": 100, "batch_size": 32, "seeds": 2, "validation": 0.2} | change
    plan = plan_folds(rows, None, None)
    found = repeat_often(plan, rows, **how)
    assert (found.folds, found.repeats) == (10, repeats)
    assert ("10 repeats, since training is cheap: " in found.reason) == (repeats == 10)
    once = replace(plan, repeats=1)  # repeats would be copies
    assert repeat_often(once, rows, **how) == once
