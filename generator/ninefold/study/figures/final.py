"""Drawings of the final model: the hold-out score, its errors, its probabilities."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ninefold.study.figures.canvas import (
    WIDTH,
    blank,
    finite,
    number_axis,
    numbers,
    readable_on,
    room,
    shorten,
    spread,
    towards_better,
    wide,
    written,
)
from ninefold.study.figures.themes import BASE_SIZE, SMALL_SIZE, Theme

MANY_POINTS = 1500


def confusion(data: dict, theme: Theme) -> Figure:
    """Draw a confusion matrix: counts as numbers, each row's shares as shade.

    {"labels": […], "counts": [[…]]: rows the true classes, columns the predicted ones,
     "x_label", "y_label"}
    """
    counts = np.nan_to_num(np.array([numbers(row) for row in data["counts"]]))
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    classes = len(counts)
    side = min(4.4, 0.75 * classes + 0.4)
    figure, (axes,) = blank(side + 0.9)
    mesh = axes.pcolormesh(
        shares, cmap=theme.sequential(), vmin=0, vmax=1, edgecolors=theme.faint, linewidth=1
    )
    for (row, column), count in np.ndenumerate(counts):
        color = readable_on(mesh.cmap(shares[row, column])) if count else theme.muted
        size = BASE_SIZE + 3 if classes <= 4 else SMALL_SIZE
        weight = "bold" if row == column else "normal"
        axes.text(
            column + 0.5,
            row + 0.5,
            _count(count),
            color=color,
            size=size,
            weight=weight,
            **_CENTRED,
        )
    _name_classes(axes, data["labels"], theme)
    axes.set(xlabel=shorten(data["x_label"], 40), ylabel=shorten(data["y_label"], 30))
    axes.set_aspect("equal")
    return figure


_CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}


def _count(value: float) -> str:
    """A count is a fraction where it is a mean over repeats."""
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:.1f}"


def _name_classes(axes: Axes, labels: list, theme: Theme) -> None:
    names = [shorten(label, 14) for label in labels]
    middle = np.arange(len(names)) + 0.5
    crowded = max(map(wide, names), default=0) > room(min(4.4 / len(names), 0.75), SMALL_SIZE)
    axes.set_yticks(middle, names)
    axes.set_xticks(middle, names, rotation=90 if crowded and len(names) > 4 else 0)
    axes.tick_params(length=0, labelcolor=theme.text)
    axes.spines[:].set_visible(False)
    axes.invert_yaxis()


def calibration(data: dict, theme: Theme) -> Figure:
    """Draw predicted probabilities against what came true, and how many rows each bin holds.

    {"bins": [{"predicted", "observed", "low", "high", "count"}], the ends None where there is no
     interval; "label": of which class}
    """
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    fields = ("predicted", "observed", "low", "high", "count")
    predicted, observed, low, high, count = (numbers(b[f] for b in data["bins"]) for f in fields)
    upper.plot([0, 1], [0, 1], color=theme.muted, linewidth=1.1, linestyle=(0, (4, 3)))
    upper.text(
        1, 0.01, "dashed: perfectly calibrated", ha="right", color=theme.muted, size=SMALL_SIZE
    )
    known = np.isfinite(low)
    upper.vlines(predicted[known], low[known], high[known], color=theme.color(0), linewidth=1.6)
    upper.plot(predicted, observed, "o-", color=theme.color(0), markersize=6)
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    upper.set_ylabel("share that came true")
    upper.tick_params(labelbottom=False)
    lower.bar(predicted, count, width=0.03, color=theme.color(0), alpha=0.6)
    lower.set_ylabel("rows")
    lower.set_xlabel(f"predicted probability of {shorten(data['label'], 24)}")
    for axes in (upper, lower):
        number_axis(axes.xaxis)
    number_axis(upper.yaxis)
    number_axis(lower.yaxis, ticks=2)
    return figure


def residuals(data: dict, theme: Theme) -> Figure:
    """Draw predicted against actual values, and what is left against the prediction.

    {"predicted": […], "actual": […], "label": the target, with its unit}
    """
    predicted, actual = numbers(data["predicted"]), numbers(data["actual"])
    label = shorten(data["label"], room(1.5))
    figure, (left, right) = blank(3.1, 1, 2)
    style: dict[str, Any] = {"color": theme.muted, "linewidth": 1.1, "linestyle": (0, (4, 3))}
    known = finite(predicted, actual) or [0.0]
    left.plot([min(known), max(known)], [min(known), max(known)], **style)
    right.axhline(0, **style)
    points: dict[str, Any] = {
        "s": 14,
        "color": theme.color(0),
        "alpha": 0.9 if len(actual) < 50 else 0.5,
        "linewidths": 0,
        "rasterized": len(actual) > MANY_POINTS,
    }
    left.scatter(predicted, actual, **points)
    right.scatter(predicted, actual - predicted, **points)
    left.set_ylabel(f"actual {label}")
    right.set_ylabel("actual − predicted")
    for axes in (left, right):
        axes.set_xlabel(f"predicted {label}")
        number_axis(axes.xaxis, ticks=4)
        number_axis(axes.yaxis, ticks=5)
    return figure


def holdout(data: dict, theme: Theme) -> Figure:
    """Draw the hold-out score on the range that cross-validation had predicted for it.

    {"metric", "range": {"mean", "low", "high"}, its ends None where there is none,
     "score", "low", "high": the score's interval, None where there is none,
     "constant"?: the naive model's score, "constant_name"?: what that is,
     "rival"?: the score of the model that it is compared with, "rival_name"?: which that is,
     "better": "left" | "right"}
    """
    figure, (axes,) = blank(2.5)
    axes.set(xlim=_holdout_limits(data), ylim=(0, 1.92))
    _marks(axes, data, theme)
    if finite(data["range"]["low"], data["range"]["high"]):
        _expected(axes, data["range"], theme)
    _found(axes, data, theme)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    number_axis(axes.xaxis, ticks=6)
    axes.set_xlabel(towards_better(shorten(data["metric"], 40), data["better"]))
    return figure


def _holdout_limits(data: dict) -> tuple[float, float]:
    ends = [data["range"][end] for end in ("mean", "low", "high")]
    found = finite(
        *ends, *(data.get(name) for name in ("score", "low", "high", "constant", "rival"))
    )
    low, high = min(found, default=0.0), max(found, default=1.0)
    pad = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - pad, high + pad


BAND, HALF = 0.88, 0.22  # the band's middle and half its height, on an axis from 0 to 1.92


def _expected(axes: Axes, expected: dict, theme: Theme) -> None:
    """Draw the range as a band, named above it."""
    low, mean, high = numbers(expected[end] for end in ("low", "mean", "high"))
    color = theme.color(0)
    axes.barh(BAND, high - low, 2 * HALF, left=low, color=theme.page, linewidth=0)
    axes.barh(BAND, high - low, 2 * HALF, left=low, color=color, alpha=0.3, linewidth=0)
    axes.vlines(mean, BAND - HALF, BAND + HALF, color=color, linewidth=1.6)
    text = f"cross-validation predicted {written(expected, 'interval')}"
    axes.text(_inwards(axes, mean, text), 1.25, text, color=color, ha="center")


def _found(axes: Axes, data: dict, theme: Theme) -> None:
    """Draw the score and its interval over the band, named at the top."""
    score, low, high = numbers([data["score"], data["low"], data["high"]])
    axes.hlines(BAND, low, high, color=theme.accent, linewidth=3)
    dot: dict[str, Any] = {
        "color": theme.accent,
        "edgecolors": theme.page,
        "linewidths": 1.5,
        "zorder": 3,
    }
    axes.scatter([score], [BAND], s=130, **dot)
    between = f" ({written(data, 'interval')})" if finite(low, high) else ""
    text = f"hold-out {written(data['score'], 'score')}{between}"
    style: dict[str, Any] = {
        "color": theme.accent,
        "weight": "bold",
        "size": BASE_SIZE + 1,
        "ha": "center",
    }
    axes.text(_inwards(axes, score, text), 1.62, text, **style)


def _marks(axes: Axes, data: dict, theme: Theme) -> None:
    """Mark what the naive model and the rival reach, their names side by side at the axis."""
    names = {
        "constant": data.get("constant_name", "best constant"),
        "rival": data.get("rival_name", "best simple model"),
    }
    marks = [(data[field], name) for field, name in names.items() if finite(data.get(field))]
    texts = [f"{name} {written(value, 'score')}" for value, name in marks]
    places = [_inwards(axes, value, text) for (value, _), text in zip(marks, texts, strict=True)]
    left, right = axes.get_xlim()
    places = spread(places, sum(map(_share, texts)) / 2 * (right - left))
    beyond = [
        place - _inwards(axes, place, text) for text, place in zip(texts, places, strict=True)
    ]
    places = [place - max(beyond, key=abs, default=0) for place in places]
    for (value, _), text, place in zip(marks, texts, places, strict=True):
        axes.vlines(value, 0.42, BAND + HALF, color=theme.muted, linewidth=1.1)
        axes.plot([value], [0], "^", color=theme.muted, markersize=8, clip_on=False)
        axes.text(_inwards(axes, place, text), 0.15, text, color=theme.muted, ha="center")


def _share(text: str) -> float:
    """Return what share of the figure's width a line takes, a little generously."""
    return (wide(text) + 2) / room(WIDTH - 0.2)


def _inwards(axes: Axes, x: float, text: str) -> float:
    """Return where the middle of a line about the point x lies so that the line stays inside."""
    left, right = axes.get_xlim()
    share = (x - left) / (right - left) if np.isfinite(x) else 0.5
    half = min(_share(text) / 2, 0.5)
    return left + min(max(share, half), 1 - half) * (right - left)
