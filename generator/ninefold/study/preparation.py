"""Preparation inside the folds: impute, standardise, one-hot encode; fitted on training rows only.

What is known from all rows given is which categories there are and which of them are rare, never
a statistic of a number.
"""

import inspect
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ninefold.errors import NinefoldError

RARE = 10  # a category of fewer rows joins the others that are rare: all its columns are zero
MISSING = "(missing)"


def make_preparation(prepare: Any, X: pd.DataFrame | np.ndarray) -> Any:
    """Return an unfitted scikit-learn transformer for X, or None where X goes in as it is.

    prepare  "auto", None, or any scikit-learn transformer (it is cloned for each fold)
    X        (n, features) frame or array, or (n, height, width, channels) images

    Raises NinefoldError for anything else.
    """
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
    if X.ndim == 2:
        return _for_numbers()
    return PixelScaler()


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


def _levels(values: pd.Series) -> list[str]:
    """Return the categories of a column that are frequent enough for a column of their own."""
    counts = values.value_counts()
    few = min(RARE, len(values) / 20)
    frequent = sorted(str(level) for level, rows in counts.items() if rows >= few)
    return frequent or [str(counts.index[0])]


def tidy_inputs(X: Any) -> pd.DataFrame | np.ndarray:
    """Return X with columns of numbers as float64 and all others as text, missing ones as MISSING.

    Raises NinefoldError for what is neither a table nor images.
    """
    if isinstance(X, pd.DataFrame):
        columns = {str(name): _tidy_column(values, str(name)) for name, values in X.items()}
        if len(columns) < X.shape[1]:
            raise NinefoldError("two columns of X have the same name")
        return pd.DataFrame(columns, index=range(len(X)))
    if hasattr(X, "tocsr"):
        raise NinefoldError("X is a sparse matrix", "expected rows that are dense", "X.toarray()")
    array = np.asarray(X)
    if array.ndim < 2 or not np.issubdtype(array.dtype, np.number):
        raise NinefoldError(
            f"X is {array.ndim}-dimensional of {array.dtype}",
            "expected a DataFrame, an array (n, features) of numbers or images "
            "(n, height, width, channels)",
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


def take_rows(X: pd.DataFrame | np.ndarray, rows: np.ndarray) -> pd.DataFrame | np.ndarray:
    """Return the rows of those numbers."""
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]


def transform(preparation: Any, rows: pd.DataFrame | np.ndarray) -> np.ndarray:
    """Return prepared rows as a dense array; raises NinefoldError for text and where a number is
    missing or infinite."""
    x: Any = rows if preparation is None else preparation.transform(rows)
    x = x.toarray() if hasattr(x, "toarray") else np.asarray(x)
    try:
        finite = np.isfinite(x.astype(float)).all()
    except ValueError:
        raise NinefoldError(
            "the inputs hold text", "expected numbers", 'use prepare="auto", which encodes it'
        ) from None
    if not finite:
        raise NinefoldError(
            "the inputs hold missing or infinite values",
            "expected finite numbers",
            'use prepare="auto", which imputes them',
        )
    return x
