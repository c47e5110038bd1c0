"""Inputs are prepared from the training rows; only which categories exist is known before."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ninefold.errors import NinefoldError
from ninefold.study.preparation import (
    MISSING,
    PixelScaler,
    SequenceScaler,
    are_whole,
    as_numbers,
    make_preparation,
    take_rows,
    tidy_inputs,
)

ROWS = 60
TRAIN, TEST = np.arange(40), np.arange(40, ROWS)


def table(**columns) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "mass": random.normal(4000, 500, ROWS),
            "island": np.array(["Biscoe", "Dream", "Torgersen"])[np.arange(ROWS) % 3],
            "length": random.exponential(3, ROWS),
        }
    ).assign(**columns)
    frame.loc[[2, 7, 45], "mass"] = np.nan
    return frame


def prepared(frame, rows=TRAIN, fitted_on=TRAIN) -> np.ndarray:
    X = tidy_inputs(frame)
    fitted = clone(make_preparation("auto", X)).fit(take_rows(X, fitted_on))
    return fitted.transform(take_rows(X, rows))


def test_auto_equals_an_independently_written_pipeline():
    frame = table()
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    independent = ColumnTransformer(
        [
            ("n", numbers, ["mass", "length"]),
            ("c", OneHotEncoder(categories=[["Biscoe", "Dream", "Torgersen"]]), ["island"]),
        ],
        sparse_threshold=0,
    ).fit(frame.iloc[TRAIN])
    for rows in (TRAIN, TEST):
        np.testing.assert_array_equal(
            prepared(frame, rows), independent.transform(frame.iloc[rows])
        )


def test_what_stands_in_the_test_rows_changes_no_training_row():
    frame, noise = table(), table()
    noise.loc[TEST, "mass"] = 1e9
    noise.loc[TEST, "length"] = np.nan
    noise.loc[TEST, "island"] = frame.loc[TEST, "island"].to_numpy()[::-1]
    np.testing.assert_array_equal(prepared(frame), prepared(noise))
    assert not np.array_equal(prepared(frame, TEST), prepared(noise, TEST))


def test_statistics_of_a_fold_are_those_of_its_training_rows():
    frame = table(length=np.r_[np.zeros(20), np.ones(20), np.full(20, 50.0)])
    length = prepared(frame, np.arange(ROWS))[:, 1]
    assert length[TRAIN].mean() == pytest.approx(0)
    assert length[TRAIN].std() == pytest.approx(1)
    assert length[TEST] == pytest.approx(99)  # (50 − 0.5) / 0.5


def test_a_category_seen_only_in_test_rows_has_its_column_all_the_same():
    island = np.where(np.arange(ROWS) < 40, "Biscoe", "Dream")
    x = prepared(table(island=island), np.arange(ROWS))
    assert x.shape == (ROWS, 4)
    assert x[TRAIN, 2:].tolist() == [[1, 0]] * 40
    assert x[TEST, 2:].tolist() == [[0, 1]] * 20


def test_rare_levels_join_and_a_level_never_seen_is_like_them():
    island = np.array(["Biscoe", "Dream"])[np.arange(ROWS) % 2].astype(object)
    island[[3, 50]] = ["Rare", "Rarer"]
    X = tidy_inputs(table(island=island))
    fitted = make_preparation("auto", X).fit(X)
    assert [list(levels) for levels in fitted["categories"].categories_] == [["Biscoe", "Dream"]]
    new = X.iloc[[3, 50, 0]].assign(island=["Rare", "Atlantis", "Biscoe"])
    assert fitted.transform(new)[:, 2:].tolist() == [[0, 0], [0, 0], [1, 0]]


def test_missing_categories_are_a_level_of_their_own():
    island = np.array(["Biscoe", None, np.nan])[np.arange(ROWS) % 3]
    X = tidy_inputs(table(island=island))
    assert X["island"].tolist()[:3] == ["Biscoe", MISSING, MISSING]
    assert prepared(table(island=island), np.arange(3))[:, 2:].tolist() == [[0, 1], [1, 0], [1, 0]]


def test_missing_numbers_take_the_median_of_the_training_rows():
    frame = table()
    X = tidy_inputs(frame)
    fitted = make_preparation("auto", X).fit(X.iloc[TRAIN])
    known = frame["mass"][TRAIN].dropna()
    filled = frame["mass"][TRAIN].fillna(known.median())
    expected = (known.median() - filled.mean()) / filled.std(ddof=0)
    assert fitted.transform(X.iloc[[2, 45]])[:, 0] == pytest.approx([expected] * 2)


def test_a_column_without_values_in_the_training_rows_becomes_zeros():
    frame = table(length=np.where(np.arange(ROWS) < 40, np.nan, 7.0))
    x = prepared(frame)
    assert x.shape == (40, 5)
    assert (x[:, 1] == 0).all()


def test_booleans_are_numbers_and_nullable_types_are_read():
    truth = pd.array([True, False, None] * 20, dtype="boolean")
    count = pd.array([1, None, 3] * 20, dtype="Int64")
    X = tidy_inputs(table(plain=truth == True, truth=truth, count=count))  # noqa: E712
    assert X[["plain", "truth", "count"]].dtypes.tolist() == ["float64"] * 3
    assert X["truth"].tolist()[:2] == [1, 0]
    assert X[["truth", "count"]].isna().sum().tolist() == [20, 20]


def test_the_index_and_the_kinds_of_column_names_do_not_matter():
    frame = table()
    other = frame.set_axis(range(900, 900 + ROWS)).rename(columns={"mass": 7})
    np.testing.assert_array_equal(prepared(frame), prepared(other))


def test_an_array_is_imputed_and_standardised():
    array = np.random.default_rng(1).normal(5, 3, (ROWS, 2))
    array[0, 0] = np.nan
    x = prepared(array)
    assert x.mean(axis=0) == pytest.approx([0, 0])
    assert x.std(axis=0) == pytest.approx([1, 1])


def test_images_are_standardised_by_the_pixels_of_the_training_images():
    images = np.random.default_rng(1).integers(0, 17, (ROWS, 4, 4, 1))
    bright = np.concatenate([images[TRAIN], images[TEST] + 1000])
    assert prepared(images).shape == (40, 4, 4, 1)
    assert prepared(images).mean() == pytest.approx(0)
    assert prepared(images).std() == pytest.approx(1)
    np.testing.assert_array_equal(prepared(images), prepared(bright))


def test_images_of_one_colour_stay_finite():
    assert (PixelScaler().fit(np.ones((3, 2, 2, 1))).transform(np.ones((3, 2, 2, 1))) == 0).all()


def test_each_feature_of_sequences_has_a_scale_of_its_own_and_padding_stays_0():
    random = np.random.default_rng(0)
    X = random.normal([5.0, -300.0], [1.0, 40.0], (ROWS, 6, 2))
    X[::2, 4:] = 0  # padding behind
    X[::3, :2] = 0  # and before
    X[1, 3] = 0  # a step like any other: what is before and behind it is none
    inside = (X != 0).any(axis=2)
    inside[1, 3] = True
    steps = X[TRAIN][inside[TRAIN]]
    expected = np.where(inside[..., None], (X - steps.mean(axis=0)) / steps.std(axis=0), 0)
    np.testing.assert_allclose(prepared(X, np.arange(ROWS)), expected, rtol=1e-12)


def test_sequences_of_one_value_or_of_padding_alone_stay_finite():
    for X in (np.ones((3, 4, 2)), np.zeros((3, 4, 2))):
        assert (SequenceScaler().fit(X).transform(X) == 0).all()


def test_whole_numbers_may_be_tokens():
    for X in (np.array([[0.0, 7.0]]), np.array([[-1, 2]]), pd.DataFrame({"a": [3, 0]})):
        assert are_whole(X)
    for X in (np.array([[0.5]]), np.zeros((2, 2, 2), int), table()):
        assert not are_whole(X)


def test_none_lets_the_inputs_in_as_they_are_and_refuses_gaps():
    assert make_preparation(None, np.ones((3, 2))) is None
    assert as_numbers(np.arange(4.0)).tolist() == [0, 1, 2, 3]
    for gap in (np.nan, np.inf):
        with pytest.raises(NinefoldError, match=r'missing or infinite values.*prepare="auto"'):
            as_numbers(np.array([[1.0, gap]]))


WHOLE = {"array": np.array([[2**24 + 1], [2**24]]), "frame": pd.DataFrame({"id": [2**24 + 1, 3]})}


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (table().fillna(0), "the column 'island' of X is of the type (object|str)"),
        (
            table()[["island"]].astype("category"),
            "'island' of X is of the type category",
        ),
        (pd.DataFrame({"t": pd.to_datetime(["2024-01-01"])}), "the column 't' .* datetime64"),
        (np.array([["a", "b"]]), "the inputs hold text"),
        (pd.DataFrame({"n": pd.array([1, None], "Int64")}), "the column 'n' of X holds missing"),
        (WHOLE["array"], "the input holds whole numbers over 16,777,216, such as 16777217"),
        (WHOLE["frame"], "the column 'id' of X holds whole numbers over 16,777,216"),
    ],
)
def test_what_float32_cannot_hold_is_refused_by_name(rows, line):
    with pytest.raises(NinefoldError, match=line):
        as_numbers(rows)


def test_nullable_and_arrow_numbers_are_numbers():
    whole = pd.DataFrame({"a": pd.array([1, 2], "Int64"), "b": pd.array([True, False], "boolean")})
    assert as_numbers(whole).tolist() == [[1, 1], [2, 0]]
    assert as_numbers(pd.DataFrame({"a": [1, 2**24 + 2]})).tolist() == [[1], [2**24 + 2]]


def test_a_transformer_of_the_users_is_taken_as_it_is():
    own = StandardScaler(with_std=False)
    assert make_preparation(own, np.ones((3, 2))) is own


@pytest.mark.parametrize("prepare", ["standard", 3, StandardScaler])
def test_anything_else_is_refused(prepare):
    with pytest.raises(NinefoldError, match='expected "auto", None or a scikit-learn transformer'):
        make_preparation(prepare, np.ones((3, 2)))


@pytest.mark.parametrize(
    ("X", "line"),
    [
        (np.ones(5), "X is 1-dimensional"),
        (np.array([["a"], ["b"]]), "expected a DataFrame, an array"),
        (pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]), "two columns of X have the same name"),
    ],
)
def test_what_is_neither_a_table_nor_images_is_refused(X, line):
    with pytest.raises(NinefoldError, match=line):
        tidy_inputs(X)
