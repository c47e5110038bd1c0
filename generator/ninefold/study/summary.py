"""What section 2 shows of the development rows: plain tables, figure data and sentences."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ninefold.study.columns import as_levels
from ninefold.study.dataset import Dataset
from ninefold.study.relations import frequent_levels, ranked_inputs

Table = dict[str, Any]
Panel = dict[str, Any]

_WIDEST = 10  # columns of a table that shows rows
_MOST_BINS = 30


def overview(dataset: Dataset) -> dict[str, Any]:
    """Return the size of the data in numbers that a sentence can quote."""
    gaps = dataset.X.isna()
    found: dict[str, Any] = {
        "rows": len(dataset),
        "inputs": dataset.X.shape[1],
        "numbers": len(dataset.numbers),
        "categories": len(dataset.categories),
        "left_out": sum(column.role == "left out" for column in dataset.columns),
        "target": dataset.target,
        "problem": dataset.problem,
        "missing_share": float(gaps.to_numpy().mean()),
        "rows_with_missing": int(gaps.any(axis=1).sum()),
    }
    if dataset.classes:
        counts = _class_counts(dataset)
        smallest = int(np.argmin(counts))
        found["classes"] = len(dataset.classes)
        found["smallest_class"] = dataset.classes[smallest]
        found["smallest_share"] = counts[smallest] / len(dataset)
    return found


def column_table(dataset: Dataset) -> Table:
    """Return a table of all columns: role, gaps, distinct values, range or most frequent value."""
    rows = []
    for column in dataset.columns:
        values = dataset.frame[column.name]
        low = middle = high = top = None
        if column.name in dataset.numbers or (column.role == "target" and not dataset.classes):
            numbers = dataset.X.get(column.name, pd.Series(dataset.y))
            low, middle, high = as_levels(numbers.quantile([0, 0.5, 1]).map(_rounded))
        elif column.role in ("category", "target"):
            top = str(as_levels(values).value_counts().index[0])
        missing, distinct = int(values.isna().sum()), int(values.nunique())
        rows.append(
            [column.name, column.role, missing, distinct, low, middle, high, top, column.reason]
        )
    return _table(
        "The columns of the development rows.",
        [
            ("column", "column", "text"),
            ("role", "role", "text"),
            ("missing", "missing", "integer"),
            ("distinct", "distinct", "integer"),
            ("low", "min", "text"),
            ("middle", "median", "text"),
            ("high", "max", "text"),
            ("top", "most frequent", "text"),
            ("reason", "remark", "text"),
        ],
        rows,
    )


def first_rows(dataset: Dataset, n: int = 5) -> Table:
    """Return a table of the first n rows as they were read: the target, then the inputs."""
    names = [dataset.target, *dataset.X]
    shown = names[:_WIDEST]
    rows = as_written(dataset.frame[shown].head(n))
    caption = f"The first {len(rows)} development rows"
    if len(shown) < len(names):
        caption += f", {len(shown)} of {len(names)} columns"
    return _table(caption + ".", [(name, name, "text") for name in shown], rows)


def as_written(frame: pd.DataFrame) -> list[list[str | None]]:
    """Return rows as text much as a file has them: a year is 2007, neither 2,007 nor 2007.000."""
    short = frame.apply(
        lambda values: values.map(_rounded) if pd.api.types.is_float_dtype(values) else values
    )
    return short.apply(as_levels).to_numpy(dtype=object).tolist()


def missing_by_class(dataset: Dataset) -> Table:
    """Return a table of the inputs with gaps: how many, and their share in each class (in a
    regression: below and above the target's median). Without gaps it has no rows."""
    parts = _parts(dataset)
    rows = []
    for name in dataset.X:
        gaps = dataset.X[name].isna().to_numpy()
        if gaps.any():
            shares = [float(gaps[inside].mean()) for _, inside in parts]
            rows.append([name, int(gaps.sum()), float(gaps.mean()), *shares])
    columns = [("input", "input", "text"), ("missing", "missing", "integer")]
    columns.append(("share", "of all rows", "percent"))
    columns += [(f"part_{i}", label, "percent") for i, (label, _) in enumerate(parts)]
    return _table(f"Missing values, by {dataset.target}.", columns, rows)


def duplicates(dataset: Dataset) -> dict[str, int]:
    """Count the rows whose inputs repeat an earlier one's (`repeats`), the sets of them (`sets`),
    and the rows whose inputs also occur with another target (`conflicting`)."""
    _, sizes = np.unique(dataset.identical, return_counts=True)
    same_inputs = pd.Series(pd.util.hash_pandas_object(dataset.X, index=False).to_numpy())
    targets = pd.Series(dataset.y).groupby(same_inputs).transform("nunique")
    return {
        "repeats": int(len(dataset) - len(sizes)),
        "sets": int((sizes > 1).sum()),
        "conflicting": int((targets > 1).sum()),
    }


def class_balance(dataset: Dataset) -> Table:
    """Return a table of the target: rows and share of each class, or, in a regression, its mean,
    standard deviation and quartiles."""
    if dataset.classes:
        counts = _class_counts(dataset)
        rows = [
            [label, count, count / len(dataset)]
            for label, count in zip(dataset.classes, counts, strict=True)
        ]
        return _table(
            f"The classes of {dataset.target}.",
            [
                ("class", "class", "text"),
                ("rows", "rows", "integer"),
                ("share", "share", "percent"),
            ],
            rows,
        )
    y = dataset.y
    names = ["min", "lower quartile", "median", "upper quartile", "max"]
    quartiles = np.quantile(y, [0, 0.25, 0.5, 0.75, 1]).tolist()
    rows = [["mean", float(y.mean())], ["standard deviation", float(y.std(ddof=1))]]
    rows += [list(pair) for pair in zip(names, quartiles, strict=True)]
    return _table(
        f"How {dataset.target} is distributed.",
        [("measure", "measure", "text"), ("value", dataset.target, "score")],
        rows,
    )


def target_panel(dataset: Dataset) -> Panel:
    """Return the distribution of the target as a panel of `distributions`."""
    if not dataset.classes:
        return _histogram(dataset.target, pd.Series(dataset.y), [("rows", _all_rows(dataset))])
    series = [{"name": "rows", "counts": _class_counts(dataset)}]
    return {"title": dataset.target, "labels": list(dataset.classes), "series": series}


def distributions(dataset: Dataset, most: int = 12) -> list[Panel]:
    """Return a panel for each input, in the table's order, as the drawing "distributions" takes
    them; with more inputs than `most`, of those that tell most of the target.

    In a classification there is a series for each class.
    """
    names = [str(name) for name in dataset.X]
    if len(names) > most:
        told = {name for name, _ in ranked_inputs(dataset)[:most]}
        names = [name for name in names if name in told]
    parts = _parts(dataset) if dataset.classes else [("rows", _all_rows(dataset))]
    return [
        (_histogram if name in dataset.numbers else _level_counts)(name, dataset.X[name], parts)
        for name in names
    ]


def _histogram(name: str, values: pd.Series, parts: Sequence[tuple[str, np.ndarray]]) -> Panel:
    edges = _edges(values.dropna().to_numpy())
    series = [
        {"name": label, "counts": np.histogram(values[inside].dropna(), edges)[0].tolist()}
        for label, inside in parts
    ]
    return {"title": name, "edges": edges.tolist(), "series": series}


def _edges(values: np.ndarray) -> np.ndarray:
    """Return the borders of the bins: one for each of few whole numbers, else Freedman and
    Diaconis' (1981), at most 30."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = values.min(), values.max()
    if high - low < _MOST_BINS and (values == np.round(values)).all():
        return np.arange(low, high + 2) - 0.5
    first, third = np.quantile(values, [0.25, 0.75])
    width = 2 * (third - first) / len(values) ** (1 / 3)
    count = _MOST_BINS if width == 0 else int(np.ceil(min((high - low) / width, _MOST_BINS)))
    return np.linspace(low, high, max(count, 5) + 1)


def _level_counts(name: str, values: pd.Series, parts: Sequence[tuple[str, np.ndarray]]) -> Panel:
    told, levels = frequent_levels(values)
    series = [
        {"name": label, "counts": [int((told[inside] == level).sum()) for level in levels]}
        for label, inside in parts
    ]
    return {"title": name, "labels": levels, "series": series}


def _parts(dataset: Dataset) -> list[tuple[str, np.ndarray]]:
    """Return the rows of each class; in a regression those up to the median and those above."""
    if dataset.classes:
        return [(label, dataset.y == code) for code, label in enumerate(dataset.classes)]
    above = dataset.y > np.median(dataset.y)
    return [("up to the median", ~above), ("above the median", above)]


def _rounded(value: float) -> float:
    """Return a value of the data as the file may have it, less what floats add: a year is 2007,
    neither 2,007 nor 2007.000."""
    return float(f"{value:.6g}")


def _all_rows(dataset: Dataset) -> np.ndarray:
    return np.ones(len(dataset), dtype=bool)


def _class_counts(dataset: Dataset) -> list[int]:
    return np.bincount(dataset.y, minlength=len(dataset.classes)).tolist()


def _table(caption: str, columns: Sequence[tuple[str, str, str]], rows: list[list]) -> Table:
    described = [{"name": n, "label": label, "format": form} for n, label, form in columns]
    return {"caption": caption, "columns": described, "rows": rows}
