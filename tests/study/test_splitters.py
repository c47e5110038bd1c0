"""Any splitter of scikit-learn serves, each fold whole, and all variants train on the same rows."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    LeavePGroupsOut,
    LeavePOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

from ninefold.errors import NinefoldError
from ninefold.study.arguments import make_task
from ninefold.study.comparison import compare
from ninefold.study.evaluate import evaluate
from ninefold.study.splitters import make_splits

RANDOM = np.random.default_rng(0)
ROWS = 40
X = RANDOM.normal(size=(ROWS, 2))
Y = np.arange(ROWS) % 2
GROUPS = np.arange(ROWS) // 5

ALONE = [
    KFold(4), StratifiedKFold(4, shuffle=True, random_state=1),
    RepeatedKFold(n_splits=4, n_repeats=2, random_state=1),
    RepeatedStratifiedKFold(n_splits=4, n_repeats=2, random_state=1),
    ShuffleSplit(3, test_size=0.25, random_state=1),
    StratifiedShuffleSplit(3, test_size=0.25, random_state=1),
    LeaveOneOut(), LeavePOut(2), PredefinedSplit(np.arange(ROWS) // 2 % 4), TimeSeriesSplit(4),
    TimeSeriesSplit(4, gap=2, max_train_size=12),
]  # fmt: skip
GROUPED = [
    GroupKFold(4), StratifiedGroupKFold(4), LeaveOneGroupOut(), LeavePGroupsOut(2),
    GroupShuffleSplit(3, test_size=0.25, random_state=1),
]  # fmt: skip


def splits_of(splitter, groups=None, y=Y, validation=0.2, x=X):
    task = make_task(x, y, None, None)
    return make_splits(
        task, folds=2, repeats=1, validation=validation, seed=1, splitter=splitter, groups=groups
    )


@pytest.mark.parametrize("splitter", [*ALONE, *GROUPED], ids=lambda s: type(s).__name__)
def test_the_folds_are_the_splitters_and_validation_is_part_of_the_training_fold(splitter):
    groups = GROUPS if splitter in GROUPED else None
    expected = list(splitter.split(X, Y, groups))
    made = splits_of(splitter, groups)
    assert len(made) == len(expected)
    assert len({(fold.repeat, fold.fold) for fold in made}) == len(made)
    for fold, (train, test) in zip(made, expected, strict=True):
        assert fold.test.tolist() == test.tolist()
        assert fold.outer.tolist() == train.tolist()  # estimators see the splitter's own order
        assert not set(fold.validation) & set(fold.test)
        assert len(fold.validation) == pytest.approx(
            0.2 * len(train), abs=1 if groups is None else 5
        )


@pytest.mark.parametrize("splitter", GROUPED, ids=lambda s: type(s).__name__)
def test_no_group_is_in_two_parts_of_a_fold(splitter):
    for fold in splits_of(splitter, GROUPS):
        parts = [set(GROUPS[rows]) for rows in (fold.train, fold.validation, fold.test)]
        assert len(fold.validation)
        assert sum(map(len, parts)) == len(set.union(*parts))


@pytest.mark.parametrize("splitter", [TimeSeriesSplit(4), TimeSeriesSplit(3, gap=3)])
def test_of_a_fold_in_time_order_the_last_rows_are_the_inner_validation(splitter):
    for fold in splits_of(splitter):
        assert len(fold.train) > len(fold.validation) > 0
        assert fold.train.max() < fold.validation.min() <= fold.validation.max() < fold.test.min()


def test_in_time_order_no_group_is_in_two_parts_where_groups_follow_one_another():
    for fold in splits_of(TimeSeriesSplit(3, test_size=10), GROUPS):
        parts = [set(GROUPS[rows]) for rows in (fold.train, fold.validation, fold.test)]
        assert sum(map(len, parts)) == len(set.union(*parts))
        assert fold.train.max() < fold.validation.min()


class Leaky(KFold):
    def split(self, X, y=None, groups=None):
        return ((np.append(a, b[0]), b) for a, b in super().split(X, y, groups))


class NoFold(KFold):
    def split(self, X, y=None, groups=None):
        return iter(())


class Empty(KFold):
    def split(self, X, y=None, groups=None):
        return ((a, b[:0]) for a, b in super().split(X, y, groups))


@pytest.mark.parametrize(
    ("splitter", "groups", "line"),
    [
        (KFold(100), None, r"KFold\(.*\) cannot split these 40 rows: .*100"),
        (TimeSeriesSplit(60), None, "cannot split these 40 rows"),
        (GroupKFold(4), None, "cannot split these 40 rows: .*groups"),
        (KFold(3), GROUPS, "fold 1 of .* trains and tests on rows of the same group; take a split"),
        (TimeSeriesSplit(3), GROUPS // 3, "trains and tests on rows of the same group"),
        (Leaky(4), None, "fold 1 of .* trains and tests on the same row"),
        (NoFold(4), None, "NoFold.* makes no fold"),
        (Empty(4), None, "fold 1 of .* has no row to train or to test on"),
        (5.5, None, "splitter=5.5; expected a splitter of scikit-learn"),
    ],
)
def test_a_splitter_that_cannot_serve_is_one_clear_line(splitter, groups, line):
    with pytest.raises(NinefoldError, match=line):
        splits_of(splitter, groups)


def test_leave_one_out_has_scores_but_no_interval_and_no_test():
    y = X[:, 0] + RANDOM.normal(size=ROWS)
    first, second = (
        evaluate(LinearRegression(), X[:, :k], y, splitter=LeaveOneOut(), metrics=["mae"])
        for k in (1, 2)
    )
    assert len(first.scores) == ROWS
    assert np.isfinite(first.interval().mean)
    assert np.isnan(first.interval().low)
    assert "±" not in repr(first)
    row = compare({"c": first, "v": second}, control="c").iloc[0]
    assert row["verdict"] == "no test: folds of a single row"
    assert row["difference"] == pytest.approx((second.values() - first.values()).mean())


def test_a_metric_that_no_single_row_defines_is_compared_without_a_number():
    one = evaluate(LogisticRegression(), X, Y, splitter=LeaveOneOut(), metrics=["roc_auc"])
    row = compare({"c": one, "v": one}, control="c").iloc[0]
    assert np.isnan(row["difference"])
    assert row["verdict"] == "no test: folds of a single row"


# fairness


class Spy(LogisticRegression):
    """Remembers which rows it was fitted on."""

    seen: list = []  # noqa: RUF012  shared by the copies on purpose

    def fit(self, X, y):
        Spy.seen.append(np.sort(X[:, 0]).tolist())
        return super().fit(X, y)


@pytest.mark.parametrize("given", [{}, {"groups": GROUPS}, {"splitter": TimeSeriesSplit(3)}])
def test_all_variants_train_on_the_same_rows_and_none_on_its_test_fold(given):
    usual = {"folds": 4, "repeats": 1, "prepare": None, "metrics": ["log_loss"], **given}
    x = np.column_stack([np.arange(ROWS), X[:, 0]])
    fitted, evaluations = [], []
    for strength in (0.1, 10.0):
        Spy.seen = []
        evaluations.append(evaluate(Spy(C=strength, max_iter=5000), x, Y, **usual))
        fitted.append(list(Spy.seen))
    evaluations.append(evaluate(DummyClassifier(), x, Y, **usual))
    assert fitted[0] == fitted[1]
    assert len({e.protocol.splits for e in evaluations}) == 1
    for rows, (_, tested) in zip(
        fitted[0], evaluations[0].predictions.groupby(["repeat", "fold"]), strict=True
    ):
        assert not set(rows) & set(tested["row"])
        before = tested["row"].min() if "splitter" in given else ROWS - len(tested)
        assert len(rows) == before  # only networks hold back inner validation rows


def test_of_as_many_groups_as_folds_one_repeat_is_made_and_it_is_said():
    task, groups = make_task(X, Y, None, None), np.arange(ROWS) // 2 % 4
    with pytest.warns(UserWarning, match="each fold is one group, so that 3 repeats would be"):
        splits = make_splits(task, folds=4, repeats=3, validation=0, seed=1, groups=groups)
    assert len(splits) == 4
