"""Ideas for preparation and modelling that the development rows themselves suggest."""

from typing import Any

import numpy as np

from ninefold.study.dataset import Dataset

Idea = dict[str, Any]

_MOST_NAMED = 3  # columns named by one kind of idea
_SKEWED = 1.0
_ALIKE = 0.95
_MINORITY = 0.2  # below it the deciding metric changes too (CATALOGUE, Statistics)
_FEW_ROWS = 10  # for each input
_MANY_LEVELS = 20
_GAPS = 0.05


def suggestions(dataset: Dataset) -> list[Idea]:
    """Return ideas, the gravest first: [{"text": "{column} is skewed …", "values": {…}}], to be
    filled with `formats.fill`. An empty list where nothing stands out."""
    return [
        idea
        for seen in (_few_rows, _imbalance, _gaps, _skewed_target, _skewed, _alike, _many_levels)
        for idea in seen(dataset)
    ]


def _idea(text: str, **values: Any) -> Idea:
    return {"text": text, "values": values}


def _few_rows(dataset: Dataset) -> list[Idea]:
    rows, inputs = dataset.X.shape
    if rows >= _FEW_ROWS * inputs:
        return []
    text = (
        "{rows:integer} rows for {inputs:integer} inputs are few: try a small network, "
        "weight regularization, dropout, or fewer inputs."
    )
    return [_idea(text, rows=rows, inputs=inputs)]


def _imbalance(dataset: Dataset) -> list[Idea]:
    if not dataset.classes:
        return []
    shares = np.bincount(dataset.y, minlength=len(dataset.classes)) / len(dataset)
    least = int(np.argmin(shares))
    # Of many classes each is small: rare is what has less than half of an even share.
    if shares[least] >= (_MINORITY if len(shares) == 2 else 0.5 / len(shares)):
        return []
    text = (
        "Only {share:percent} of the rows are '{label}': judge by balanced accuracy or average "
        "precision beside accuracy, and try class weights."
    )
    return [_idea(text, label=dataset.classes[least], share=float(shares[least]))]


def _gaps(dataset: Dataset) -> list[Idea]:
    shares = dataset.X[dataset.numbers].isna().mean().sort_values(ascending=False)
    text = (
        "{column} is missing in {share:percent} of the rows: try a column beside it that says "
        "where."
    )
    large = shares[shares > _GAPS].head(_MOST_NAMED)
    return [_idea(text, column=name, share=float(share)) for name, share in large.items()]


def _skewed_target(dataset: Dataset) -> list[Idea]:
    from scipy.stats import skew

    if dataset.classes:
        return []
    found = float(skew(dataset.y))
    if found <= _SKEWED:
        return []
    text = (
        "{target} has a long tail (skewness {skewness:significant}): judge by the mean absolute "
        "error, and try to predict its logarithm."
    )
    return [_idea(text, target=dataset.target, skewness=found)]


def _skewed(dataset: Dataset) -> list[Idea]:
    found = dataset.X[dataset.numbers].skew().dropna()
    # Where one value fills half of a column (an empty pixel), no transform spreads it.
    varied = [n for n in found.index if dataset.X[n].value_counts(normalize=True).max() < 0.5]
    strongest = found[varied].sort_values(key=lambda s: -s.abs(), kind="stable")
    ideas = []
    for name, skewness in strongest[strongest.abs() > _SKEWED].head(_MOST_NAMED).items():
        positive = skewness > 0 and dataset.X[name].min() > 0
        change = "its logarithm" if positive else "a power transform (Yeo–Johnson)"
        text = f"{{column}} is skewed ({{skewness:significant}}): try {change}."
        ideas.append(_idea(text, column=name, skewness=float(skewness)))
    return ideas


def _alike(dataset: Dataset) -> list[Idea]:
    matrix = dataset.X[dataset.numbers].corr().to_numpy()
    pairs = np.argwhere(np.triu(np.nan_to_num(np.abs(matrix)) >= _ALIKE, k=1))
    ordered = sorted(pairs.tolist(), key=lambda pair: -abs(matrix[pair[0], pair[1]]))
    text = (
        "{first} and {second} say nearly the same (correlation {correlation:score}): one of them "
        "may do."
    )
    ideas = [
        _idea(
            text,
            first=dataset.numbers[a],
            second=dataset.numbers[b],
            correlation=float(matrix[a, b]),
        )
        for a, b in ordered[:_MOST_NAMED]
    ]
    if len(ordered) > _MOST_NAMED:
        more = (
            "{pairs:integer} pairs of inputs are as strongly correlated: try principal components."
        )
        ideas.append(_idea(more, pairs=len(ordered)))
    return ideas


def _many_levels(dataset: Dataset) -> list[Idea]:
    counts = dataset.X[dataset.categories].nunique()
    text = (
        "{column} has {levels:integer} different values: join them into fewer, or try an embedding."
    )
    large = counts[counts > _MANY_LEVELS].head(_MOST_NAMED)
    return [_idea(text, column=name, levels=int(count)) for name, count in large.items()]
