"""Preparation inside the folds: impute, standardise, one-hot encode; fitted on training rows only.

What is known from all rows given is which categories there are and which of them are rare, never
a statistic of a number.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ninefold.errors import NinefoldError, naming

RARE = 10  # a category of fewer rows joins the others that are rare: all its columns are zero
MISSING = "(missing)"


def make_preparation(prepare: Any, X: Any, padding: float = 0.0) -> Any:
    """Return an unfitted scikit-learn transformer for X, or None where X goes in as it is.

    prepare  "auto", None, or any scikit-learn transformer (it is cloned for each fold); of several
             inputs a mapping to such, "auto" for those that it lacks
    X        (n, features) frame or array, sequences (n, time, features), or images (n, height,
             width, channels); or a mapping of names to such
    padding  the value in all features of steps that sequences are filled up with

    Raises NinefoldError for anything else.
    """
    if isinstance(X, Mapping):
        its = of_inputs(prepare, X)
        return EachInput(
            {name: make_preparation(its[name], part, padding) for name, part in X.items()}
        )
    if prepare is None:
        return None
    if hasattr(prepare, "transform") and not inspect.isclass(prepare):
        return prepare
    if prepare != "auto":
        raise NinefoldError(
            f"prepare={prepare!r}", 'expected "auto", None or a scikit-learn transformer'
        )
    if isinstance(X, pd.DataFrame):
        return _for_columns(X)
    if X.ndim == 3:
        return SequenceScaler(padding)
    return _for_numbers() if X.ndim == 2 else PixelScaler()


def of_inputs(prepare: Any, X: Mapping[str, Any]) -> dict[str, Any]:
    """Return input → how it is prepared. Raises NinefoldError for an input that X lacks, or one
    transformer for all of them."""
    if isinstance(prepare, Mapping):
        unknown = [name for name in prepare if name not in X]
        if unknown:
            raise NinefoldError(f"prepare names the input '{unknown[0]}'", f"X has {', '.join(X)}")
    elif prepare is not None and not isinstance(prepare, str):
        raise NinefoldError(
            "prepare is one transformer", "X has several inputs: expected a mapping, input → one"
        )
    else:
        prepare = dict.fromkeys(X, prepare)
    return {name: prepare.get(name, "auto") for name in X}


class EachInput(TransformerMixin, BaseEstimator):
    """Prepare each of several inputs by itself.

    parts  name → a transformer, or None for an input that goes in as it is
    """

    def __init__(self, parts: dict[str, Any]):
        self.parts = parts

    def fit(self, X: Mapping[str, Any], y: object = None) -> "EachInput":
        for name, part in self.parts.items():
            with naming(f"the input '{name}'"):
                if part is not None:
                    part.fit(X[name], y)
        return self

    def transform(self, X: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: X[name] if part is None else part.transform(X[name])
            for name, part in self.parts.items()
        }


def _for_columns(X: pd.DataFrame):
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    numbers = [name for name in X if pd.api.types.is_numeric_dtype(X[name])]
    categories = [name for name in X if name not in numbers]
    levels = [_levels(X[name]) for name in categories]
    encoder = OneHotEncoder(categories=levels, handle_unknown="ignore", sparse_output=False)
    steps = [("numbers", _for_numbers(), numbers), ("categories", encoder, categories)]
    return ColumnTransformer([step for step in steps if step[2]], verbose_feature_names_out=False)


def _for_numbers():
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )


class PixelScaler(TransformerMixin, BaseEstimator):
    """Standardise images by one mean and one spread over all pixels of the training images."""

    def fit(self, X: np.ndarray, y: object = None) -> "PixelScaler":
        self.mean_ = float(np.mean(X))
        self.scale_ = float(np.std(X)) or 1.0
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        return (np.asarray(X, dtype=float) - self.mean_) / self.scale_


class SequenceScaler(TransformerMixin, BaseEstimator):
    """Standardise each feature of sequences (n, time, features) over all steps of the training
    sequences. Padding, steps before the first or after the last that is not `padding` in all
    features, counts for nothing and stays what it is."""

    def __init__(self, padding: float = 0.0):
        self.padding = padding

    def fit(self, X: np.ndarray, y: object = None) -> "SequenceScaler":
        inside = _inside(X, self.padding)
        steps = X[inside] if inside.any() else X.reshape(-1, X.shape[-1])
        spread = steps.std(axis=0)
        self.mean_, self.scale_ = steps.mean(axis=0), np.where(spread > 0, spread, 1.0)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        scaled = (np.asarray(X, dtype=float) - self.mean_) / self.scale_
        return np.where(_inside(X, self.padding)[..., None], scaled, self.padding)


def _inside(X: np.ndarray, padding: float) -> np.ndarray:
    """Tell which steps are no padding (n, time)."""
    filled = np.any(np.not_equal(X, padding), axis=-1)
    begun = np.maximum.accumulate(filled, axis=1)
    return begun & np.maximum.accumulate(filled[:, ::-1], axis=1)[:, ::-1]


def _levels(values: pd.Series) -> list[str]:
    """Return the categories of a column that are frequent enough for a column of their own."""
    counts = values.value_counts()
    few = min(RARE, len(values) / 20)
    frequent = sorted(str(level) for level, rows in counts.items() if rows >= few)
    return frequent or [str(counts.index[0])]


def read_inputs(X: Any, prepare: Any) -> Any:
    """Return X as `prepare` is given it: tidy for ninefold's own, as it is for one of the user's or
    none. Raises NinefoldError for what cannot be read so."""
    if not isinstance(X, Mapping):
        return tidy_inputs(X) if isinstance(prepare, str) else as_given(X)
    if not X:
        raise NinefoldError("X is an empty mapping", "expected at least one input")
    found = {}
    for name, its in of_inputs(prepare, X).items():
        with naming(f"the input '{name}'"):
            found[name] = read_inputs(X[name], its)
    rows = {name: rows_of(part) for name, part in found.items()}
    if len(set(rows.values())) > 1:
        told = ", ".join(f"'{name}' {n}" for name, n in rows.items())
        raise NinefoldError(f"the inputs have rows: {told}", "expected as many of each")
    return found


def rows_of(X: Any) -> int:
    """Return how many rows there are."""
    if isinstance(X, Mapping):
        return rows_of(next(iter(X.values())))
    return X.shape[0] if X.ndim else 0


def tidy_inputs(X: Any) -> pd.DataFrame | np.ndarray:
    """Return X with columns of numbers as float64 and all others as text, missing ones as MISSING.

    Raises NinefoldError for what is no table, no sequences and no images.
    """
    if isinstance(X, pd.DataFrame):
        columns = {str(name): _tidy_column(values, str(name)) for name, values in X.items()}
        if len(columns) < X.shape[1]:
            raise NinefoldError("two columns of X have the same name")
        return pd.DataFrame(columns, index=range(len(X)))
    if hasattr(X, "tocsr"):
        raise NinefoldError(
            "X is a sparse matrix", "expected rows that are dense",
            "X.toarray(), or prepare=None for an estimator that takes it",
        )  # fmt: skip
    array = np.asarray(X)
    if array.ndim < 2 or not np.issubdtype(array.dtype, np.number):
        raise NinefoldError(
            f"X is {array.ndim}-dimensional of {array.dtype}",
            "expected a DataFrame, an array (n, features) of numbers, sequences (n, time, features)"
            " or images (n, height, width, channels)",
        )
    numbers = array.astype(float)
    if np.isinf(numbers).any() or (numbers.ndim > 2 and np.isnan(numbers).any()):
        what = "infinite" if np.isinf(numbers).any() else "missing"
        raise NinefoldError(f"X has {what} values", "expected finite numbers")
    return numbers


def _tidy_column(values: pd.Series, name: str) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        if np.isinf(numbers).any():
            raise NinefoldError(f"the column '{name}' of X has infinite values")
        return numbers
    return np.where(values.isna(), MISSING, values.astype(str).to_numpy(dtype=object))


def as_given(X: Any) -> Any:
    """Return X as the user's own preparation, or an estimator without any, is given it: with its
    types, its missing values and its order of categories. What has no rows to take by their
    numbers becomes an array."""
    if isinstance(X, pd.DataFrame):
        return X
    return X.tocsr() if hasattr(X, "tocsr") else np.asarray(X)


def take_rows(X: Any, rows: np.ndarray) -> Any:
    """Return the rows of those numbers."""
    if isinstance(X, Mapping):
        return {name: take_rows(part, rows) for name, part in X.items()}
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]


def as_numbers(rows: Any) -> np.ndarray:
    """Return prepared rows as a network takes them, dense float32 (n, …).

    Raises NinefoldError, naming the column if there is one, for what float32 cannot hold: text,
    categories, dates, missing or infinite numbers, whole numbers that would be the same.
    """
    if isinstance(rows, pd.DataFrame):
        columns = [_float32(_plain(rows[name], name), f"column '{name}' of X") for name in rows]
        return np.column_stack(columns)
    return _float32(rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows), "input")


def _plain(column: pd.Series, name: Any) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(column):
        raise NinefoldError(
            f"the column '{name}' of X is of the type {column.dtype}",
            "a network takes numbers",
            'use prepare="auto", which encodes it',
        )
    whole = pd.api.types.is_integer_dtype(column) and not column.isna().any()
    return column.to_numpy() if whole else column.to_numpy(dtype=float, na_value=np.nan)


def _float32(x: np.ndarray, name: str) -> np.ndarray:
    if x.dtype.kind not in "biuf":
        try:
            x = x.astype(float)
        except (ValueError, TypeError):
            raise NinefoldError(
                "the inputs hold text", "expected numbers", 'use prepare="auto", which encodes it'
            ) from None
    numbers = x.astype("float32")
    if not np.isfinite(numbers).all():
        raise NinefoldError(
            f"the {name} holds missing or infinite values",
            "expected finite numbers",
            'use prepare="auto", which imputes them',
        )
    if x.dtype.kind in "iu" and (numbers.astype(float) != x).any():
        raise NinefoldError(
            f"the {name} holds whole numbers over {2**24:,}, such as {x.max()}",
            "a network takes float32, in which many of them are the same",
            "number them from 0 on, or leave them out",
        )
    return numbers


def are_whole(X: Any) -> bool:
    """Tell whether all inputs (n, features) are whole numbers, as the numbers of tokens are."""
    x = X.to_numpy() if isinstance(X, pd.DataFrame) else X
    if not isinstance(x, np.ndarray) or x.ndim != 2 or x.dtype.kind not in "iuf":
        return False
    return bool((np.mod(x, 1) == 0).all())
