"""How the inputs of a dataset relate to its target and to one another; which give it away."""

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ninefold.study.dataset import Dataset

MISSING_LEVEL = "(missing)"
OTHER_LEVELS = "(other)"
MOST_LEVELS = 12

# A column that predicts the target this well on its own is suspected of giving it away. Honest
# columns stay well below: iris' petal width, about the best there is, reaches 0.96 and
# breast_cancer's best 0.88 in balanced accuracy, diabetes' best 0.35 in R². A renamed target
# reaches 1, one with noise of a tenth of its standard deviation R² 0.99.
LEAK_THRESHOLD = 0.98

_MOST_ROWS = 5000  # a sample of so many shows a relation; nearest neighbours of more take long
_MOST_POINTS = 800


@lru_cache(maxsize=2)  # four displays of one section ask for it
def ranked_inputs(dataset: Dataset) -> tuple[tuple[str, float], ...]:
    """Return each input with its mutual information with the target, in nats, the first the most.

    Numbers by nearest neighbours among the rows that have a value (Ross 2014; Kraskov et al.
    2004), with at most 5,000 rows; categories of a classification by counting, with the
    Miller–Madow correction, so that many levels alone do not look like information.
    """
    rows = _sample(len(dataset), _MOST_ROWS)
    X, y = dataset.X.iloc[rows], dataset.y[rows]
    found = [(str(name), _information(X[name], y, bool(dataset.classes))) for name in X]
    return tuple(sorted(found, key=lambda pair: -pair[1]))


def relations(dataset: Dataset) -> dict[str, Any]:
    """Return a table of the inputs, ranked by mutual information with the target; in a regression
    with Pearson's and Spearman's correlation of the numbers."""
    regression = not dataset.classes
    rows = []
    for name, information in ranked_inputs(dataset):
        number = name in dataset.numbers
        row: list[Any] = [name, "number" if number else "category", information]
        if regression:
            row += _correlations(dataset.X[name], dataset.y) if number else [None, None]
        rows.append(row)
    columns = [
        {"name": "input", "label": "input", "format": "text"},
        {"name": "role", "label": "role", "format": "text"},
        {"name": "information", "label": "mutual information", "format": "score"},
    ]
    if regression:
        columns.append({"name": "pearson", "label": "Pearson", "format": "signed"})
        columns.append({"name": "spearman", "label": "Spearman", "format": "signed"})
    caption = f"The inputs by how much each alone tells of {dataset.target} (in nats)."
    return {"caption": caption, "columns": columns, "rows": rows}


def relation_panels(dataset: Dataset, most: int = 6) -> list[dict[str, Any]]:
    """Return a panel for each of the `most` inputs that tell most of the target, as the drawing
    "relations" takes them: points, boxes (minimum, quartiles, maximum) or shares."""
    return [_panel(dataset, name) for name, _ in ranked_inputs(dataset)[:most]]


def correlation(dataset: Dataset, most: int = 20) -> dict[str, Any]:
    """Return Pearson's correlations of the numbers, of those that tell most of the target where
    there are more than `most`: {"labels", "matrix"}; None where undefined."""
    names = dataset.numbers
    if len(names) > most:
        told = [name for name, _ in ranked_inputs(dataset) if name in names][:most]
        names = [name for name in names if name in told]
    matrix = dataset.X[names].corr().to_numpy()
    rows = [[round(float(r), 6) if np.isfinite(r) else None for r in row] for row in matrix]
    return {"labels": names, "matrix": rows}


def suspected_leaks(dataset: Dataset, seed: int) -> list[dict[str, Any]]:
    """Return the inputs that alone predict the target almost perfectly, the surest first:
    [{"column", "score", "metric"}], score being balanced accuracy or R² on rows not fitted to.

    A decision tree sees the one column, which values are missing in it included; in a regression
    a straight line is tried too, which follows a target with noise better. Rows of one group,
    and identical rows, are kept on one side.
    """
    folds = _folds(dataset, seed)
    metric = "balanced_accuracy" if dataset.classes else "r2"
    leaks = []
    for name in dataset.X if folds else ():
        score = _score_alone(_codes(dataset.X[name]), dataset.y, bool(dataset.classes), folds)
        if score >= LEAK_THRESHOLD:
            leaks.append({"column": str(name), "score": score, "metric": metric})
    return sorted(leaks, key=lambda leak: -leak["score"])


def frequent_levels(values: pd.Series) -> tuple[pd.Series, list[str]]:
    """Return a category without gaps, its rarer levels joined, and its levels, most frequent
    first, those that stand for several or none last."""
    counts = values.value_counts()
    kept = list(counts.index[:MOST_LEVELS])
    told = values.where(values.isin(kept) | values.isna(), OTHER_LEVELS).fillna(MISSING_LEVEL)
    rest = [level for level in (OTHER_LEVELS, MISSING_LEVEL) if (told == level).any()]
    return told, [*kept, *(level for level in rest if level not in kept)]


def _sample(count: int, most: int) -> np.ndarray:
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def _information(values: pd.Series, y: np.ndarray, classified: bool) -> float:
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
    from sklearn.metrics import mutual_info_score

    number = pd.api.types.is_numeric_dtype(values)
    if number:
        present = values.notna().to_numpy()
        values, y = values[present], y[present]
    if len(y) < 10 or len(np.unique(y)) < 2:
        return 0.0
    codes = _codes(values)
    if classified and not number:
        levels, classes = len(np.unique(codes)), len(np.unique(y))
        bias = (levels - 1) * (classes - 1) / (2 * len(y))
        return max(0.0, float(mutual_info_score(codes, y)) - bias)
    estimate = mutual_info_classif if classified else mutual_info_regression
    return float(
        estimate(codes.reshape(-1, 1), y, discrete_features=[not number], random_state=0)[0]
    )


def _codes(values: pd.Series) -> np.ndarray:
    """Return numbers as they are, levels as their place in sorted order, a gap being a level."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy()
    return pd.factorize(values.fillna(MISSING_LEVEL), sort=True)[0].astype(float)


def _correlations(values: pd.Series, y: np.ndarray) -> list[float | None]:
    target = pd.Series(y, index=values.index)
    ranks = values.rank().corr(target.where(values.notna()).rank())
    return [float(r) if np.isfinite(r) else None for r in (values.corr(target), ranks)]


def _panel(dataset: Dataset, name: str) -> dict[str, Any]:
    values = dataset.X[name]
    if name in dataset.numbers:
        present = values.notna().to_numpy()
        x, y = values.to_numpy()[present], dataset.y[present]
        if dataset.classes:
            parts = [x[y == code] for code in range(len(dataset.classes))]
            return {"title": name, "kind": "boxes", **_boxes(parts, dataset.classes)}
        rows = _sample(len(x), _MOST_POINTS)
        return {"title": name, "kind": "points", "x": x[rows].tolist(), "y": y[rows].tolist()}
    told, levels = frequent_levels(values)
    inside = [(told == level).to_numpy() for level in levels]
    if not dataset.classes:
        boxes = _boxes([dataset.y[rows] for rows in inside], levels)
        return {"title": name, "kind": "boxes", **boxes, "x_label": dataset.target}
    series = [
        {"name": label, "values": [float((dataset.y[rows] == code).mean()) for rows in inside]}
        for code, label in enumerate(dataset.classes)
    ]
    return {"title": name, "kind": "shares", "labels": levels, "series": series}


def _boxes(parts: list[np.ndarray], labels: Any) -> dict[str, Any]:
    """Return minimum, quartiles and maximum of each part that holds a value."""
    some = [(label, part) for label, part in zip(labels, parts, strict=True) if len(part)]
    return {
        "labels": [label for label, _ in some],
        "boxes": [np.quantile(part, [0, 0.25, 0.5, 0.75, 1]).tolist() for _, part in some],
    }


def _folds(dataset: Dataset, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return up to five folds of at most 5,000 rows, or none where the data are too few."""
    from sklearn.model_selection import StratifiedGroupKFold

    rows = _sample(len(dataset), _MOST_ROWS)
    kept = dataset.identical if dataset.groups is None else dataset.groups
    groups, y = np.unique(kept[rows], return_inverse=True)[1], dataset.y[rows]
    smallest = int(np.unique(y, return_counts=True)[1].min()) if dataset.classes else 1
    count = min(5, groups.max() + 1, smallest if smallest > 1 else 5)
    if count < 2:
        return []
    if smallest > 1:
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        return [(rows[a], rows[b]) for a, b in splitter.split(y, y, groups)]
    fold = np.random.default_rng(seed).permutation(groups.max() + 1)[groups] % count
    return [(rows[fold != part], rows[fold == part]) for part in range(count)]


def _score_alone(
    x: np.ndarray, y: np.ndarray, classified: bool, folds: list[tuple[np.ndarray, np.ndarray]]
) -> float:
    """Return how well the column x predicts y over all rows of the test folds together."""
    from sklearn.metrics import r2_score, recall_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    tree = (DecisionTreeClassifier if classified else DecisionTreeRegressor)(random_state=0)
    column = x.reshape(-1, 1)
    guesses = [(tree.fit(column[a], y[a]).predict(column[b]), b) for a, b in folds]
    truth = np.concatenate([y[b] for _, b in guesses])
    told = np.concatenate([guess for guess, _ in guesses])
    if classified:
        return float(recall_score(truth, told, labels=np.unique(truth), average="macro"))
    line = np.concatenate([_line(x[a], y[a], x[b]) for a, b in folds])
    return float(max(r2_score(truth, told), r2_score(truth, line)))


def _line(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return what the least-squares line says of new values, the mean where one is missing."""
    known = np.isfinite(x)
    spread = x[known].var() if known.any() else 0.0
    if not spread:
        return np.full(len(new), y.mean())
    slope = np.cov(x[known], y[known], bias=True)[0, 1] / spread
    told = y[known].mean() + slope * (new - x[known].mean())
    return np.where(np.isfinite(new), told, y.mean())
