"""Section 7: where the final model errs on the hold-out, and what it relies on."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ninefold.formats import minus
from ninefold.study.final import load_model
from ninefold.study.finale import Look
from ninefold.study.metrics import METRICS, score
from ninefold.study.shows.calibration import calibration_figure, calibration_line
from ninefold.study.statistics.rows import holdout_interval
from ninefold.study.statistics.sampled import (
    SampledInterval,
    Sampling,
    no_interval,
    sampling_of,
)
from ninefold.study.summary import as_written
from ninefold.study.tables import make_table

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_PERMUTATIONS = 10
_FEWEST = 5  # rows of a sub-group whose score has an interval
_MOST_LEVELS = 12  # of a category, the most frequent


def errors(study: "Study", look: Look) -> None:
    """Confusion and calibration, or residuals."""
    data, record = study.development(), study.recorder
    if not data.classes:
        record.figure(
            "residuals",
            "residuals",
            {"predicted": look.found, "actual": look.y, "label": data.target},
            alt=f"Predicted against actual {data.target} on the hold-out, and the residuals.",
            caption="Hold-out rows: predicted against actual, and what is left.",
        )
        calibration_line(study, look)
        return
    counts = np.zeros((len(data.classes), len(data.classes)), dtype=int)
    np.add.at(counts, (look.y, look.answer.classes), 1)
    record.figure(
        "confusion",
        "confusion",
        {"labels": data.classes, "counts": counts, "x_label": "predicted", "y_label": "actual"},
        alt="Confusion matrix of the hold-out rows.",
        caption="Hold-out rows: a row for each actual class, a column for each predicted one.",
    )
    calibration_figure(study, look)
    calibration_line(study, look)


def worst_errors(study: "Study", look: Look, most: int = 5) -> None:
    """The rows that the model was most wrong about."""
    data = study.split.holdout
    if data.classes:
        wrong = 1 - look.found[np.arange(len(look.y)), look.y]
        actual = [data.classes[code] for code in look.y]
        predicted = [data.classes[code] for code in look.answer.classes]
        label, form = "probability of the actual class", "score"
        shown = look.found[np.arange(len(look.y)), look.y]
    else:
        wrong = np.abs(look.found - look.y)
        actual, predicted = list(look.y), list(look.found)
        label, form, shown = "residual", "signed", look.y - look.found
    order = np.argsort(-wrong, kind="stable")[:most]
    inputs = _leading_inputs(data.X)
    number = "text" if data.classes else "score"
    columns = [
        ("row", "integer"), ("actual", number), ("predicted", number), (label, form),
        *[(name, "text") for name in inputs],
    ]  # fmt: skip
    rows = [
        [data.rows[i] + 1, actual[i], predicted[i], shown[i], *cells]
        for i, cells in zip(order, as_written(data.frame[inputs].iloc[order]), strict=True)
    ]
    caption = (
        "The hold-out rows the model was most wrong about, counted from the first row of the file "
        "as one; holdout-predictions.parquet counts it as zero."
    )
    study.recorder.table("worst-errors", make_table(caption, columns, rows))


def sub_groups(study: "Study", look: Look, most: int = 4) -> None:
    """The score in each sub-group of the categories, or of the halves of numbers, with its
    interval, or why there is none."""
    data, shown = study.split.holdout, _comparable(study.metric)
    sampling, rows = sampling_of(data), []
    for name in [*data.categories, *data.numbers][:most]:
        for label, members in _parts(data.X[name], study.development().X[name]):
            if members.any():
                found = _of_members(study, look, members, sampling.take(members))
                cells = [found.score, found.ends, found.remark]
                rows.append([f"{name}: {label}", int(members.sum()), *cells])
    columns = [
        ("sub-group", "text"), ("rows", "integer"), (METRICS[shown].label, "score"),
        ("95 % interval", "interval"), ("interval by", "text"),
    ]  # fmt: skip
    caption = "Hold-out rows by sub-group; of many groups one is far off by chance."
    study.recorder.table("sub-groups", make_table(caption, columns, rows))


def _of_members(
    study: "Study", look: Look, members: np.ndarray, sampling: Sampling
) -> SampledInterval:
    metric, classes = _comparable(study.metric), len(study.task.classes)
    y, found = look.y[members], look.taken(metric)[members]
    few = "fewer than 5 rows" if len(y) < _FEWEST else ""
    if few or (classes and len(np.unique(y)) < 2):
        return no_interval(score(metric, y, found, n_classes=classes), few or "one class only")
    return holdout_interval(metric, y, found, n_classes=classes, sampling=sampling, seed=study.seed)


def _comparable(metric: str) -> str:
    """A metric that is defined where a sub-group lacks a class."""
    return "log_loss" if metric in ("roc_auc", "average_precision", "f1") else metric


def _parts(values: pd.Series, development: pd.Series) -> list[tuple[str, np.ndarray]]:
    missing = ("(missing)", values.isna().to_numpy())
    if pd.api.types.is_numeric_dtype(values):
        middle = float(development.median())
        numbers = values.to_numpy()
        return [
            (f"up to {minus(f'{middle:.6g}')}", numbers <= middle),
            (f"above {minus(f'{middle:.6g}')}", numbers > middle),
            missing,
        ]
    levels = sorted(development.value_counts().index[:_MOST_LEVELS])
    return [*((str(level), (values == level).to_numpy()) for level in levels), missing]


def importance(study: "Study", look: Look, most: int = 12) -> None:
    """How much worse the score becomes when one input's values are shuffled among the rows."""
    data, metric = study.split.holdout, study.metric
    loaded, generator = load_model(look.fit.folder), np.random.default_rng(study.seed)
    sign = 1 if METRICS[metric].greater_is_better else -1
    takes, classes = METRICS[metric].takes, len(data.classes)
    whole = score(metric, look.y, look.taken(metric), n_classes=classes)
    losses: dict[str, tuple[float, float, float]] = {}
    for name in map(str, data.X):
        drops = []
        for _ in range(_PERMUTATIONS):
            shuffled = data.X.copy()
            shuffled[name] = generator.permutation(data.X[name].to_numpy())
            found = loaded.answer(shuffled).taken(takes, classes)
            drops.append(sign * (whole - score(metric, look.y, found, n_classes=classes)))
        losses[name] = (float(np.mean(drops)), float(np.min(drops)), float(np.max(drops)))
    ranked = sorted(losses, key=lambda name: -losses[name][0])[:most]
    mean, low, high = zip(*(losses[name] for name in ranked), strict=True)
    study.recorder.figure(
        "importance",
        "bars",
        {
            "labels": ranked,
            "values": mean,
            "low": low,
            "high": high,
            "x_label": f"how much worse the {METRICS[metric].label} gets",
            "format": "significant",
        },
        alt=f"Permutation importance on the hold-out, most important first: {', '.join(ranked)}.",
        caption="Permutation importance on the hold-out: mean and range over the shuffles. Inputs "
        "that say the same share their importance.",
    )


def new_rows(study: "Study", look: Look, most: int = 5) -> None:
    """The first hold-out rows as `ninefold predict` answers them."""
    data, predictions = study.split.holdout, look.predictions
    inputs, first = _leading_inputs(data.X), np.arange(min(most, len(predictions)))
    columns = [*[(name, "text") for name in inputs], *[(str(name), "") for name in predictions]]
    rows = [
        [*cells, *predictions.iloc[i]]
        for i, cells in zip(first, as_written(data.frame[inputs].iloc[first]), strict=True)
    ]
    caption = "Inputs (the first of them) and what the saved model answers."
    study.recorder.table("new-rows", make_table(caption, columns, rows))


def _leading_inputs(X: pd.DataFrame, most: int = 4) -> list[str]:
    return list(X.columns[:most])
