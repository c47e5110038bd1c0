"""Drawings of experiments: learning curves, scores with intervals, searches."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ninefold.study.figures.canvas import (
    blank,
    finite,
    key,
    label_rows,
    name_rows,
    number_axis,
    numbers,
    panels,
    reference_line,
    room,
    shorten,
    towards_better,
    written,
)
from ninefold.study.figures.themes import SMALL_SIZE, Theme

LOG_FROM = 50.0  # a loss whose largest value is this many times its smallest is drawn on a log axis
OFF_SCALE = 20.0  # a curve this many times above where curves start has diverged: it is cut off
CURVES = {"train": 0, "validation": 1}  # → the colour's index


def learning_curves(data: dict, theme: Theme) -> Figure:
    """Draw training and validation curves over the epochs, a panel a variant, on common scales.

    {"panels": [{"title", "epochs": […], "train": {"mean": […], "low": […], "high": […]},
                 "validation": {the same}}], "y_label", "naive"?: the naive model's loss}
    A curve that diverges is cut off, with a mark that says so.
    """
    figure, grid = panels(len(data["panels"]), 2, 2.05, sharex=True, sharey=True)
    bottom, top, log = _loss_scale(data)
    for index, (axes, panel) in enumerate(zip(grid, data["panels"], strict=True)):
        axes.set_title(shorten(panel["title"], room(2.3)))
        epochs = numbers(panel["epochs"])
        for name, color in CURVES.items():
            _curve(axes, epochs, panel[name], theme.color(color))
        if _diverges(panel, top):
            place: dict[str, Any] = {
                "xycoords": "axes fraction",
                "fontsize": SMALL_SIZE,
                "va": "top",
            }
            axes.annotate("diverged ↗", (0.97, 0.95), ha="right", color=theme.text, **place)
        label = "naive model" if index == 0 else ""
        reference_line(axes, {"value": data.get("naive"), "label": label}, theme, "x")
        axes.set_ylim(bottom, top)
        number_axis(axes.xaxis, ticks=5, whole=True)
        number_axis(axes.yaxis, ticks=4, log=log)
        axes.grid(axis="y")
        if index % 2 == 0:
            axes.set_ylabel(shorten(data["y_label"], 22))
        if index + 2 >= len(data["panels"]):
            axes.set_xlabel("epoch")
            axes.tick_params(labelbottom=True)
    key(figure, ["training", "inner validation"], theme)
    return figure


def _curve(axes: Axes, epochs: np.ndarray, curve: dict, color: str) -> None:
    if not finite(curve["mean"]):  # there is no inner validation split
        return
    mean, low, high = (numbers(curve[part]) for part in ("mean", "low", "high"))
    axes.fill_between(epochs, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(epochs, mean, color=color, marker="o", markersize=4 if len(epochs) == 1 else 0)
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 1, epochs[0] + 1)


def _means(panel: dict) -> list[float]:
    return finite(*(panel[name]["mean"] for name in CURVES))


def _loss_scale(data: dict) -> tuple[float, float, bool]:
    """Return the y axis' bottom and top and whether it is logarithmic; what runs far above the
    curves' starts does not stretch it for the others."""
    found = [value for panel in data["panels"] for value in _means(panel)]
    if not found:
        return 0.0, 1.0, False
    naive = finite(data.get("naive"))
    starts = [max(_means(panel)[:1]) for panel in data["panels"] if _means(panel)]
    limit = OFF_SCALE * max([abs(float(np.median(starts))), *map(abs, naive)])
    shown = [value for value in found if value <= limit] or found
    low, high = min(shown + naive), max(shown + naive)
    if low > 0 and high / low > LOG_FROM:
        return low / 1.3, high * 1.6, True
    pad = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return low - pad, high + 1.8 * pad, False


def _diverges(panel: dict, top: float) -> bool:
    curves = (panel[name]["mean"] for name in CURVES)
    values = [value for curve in curves if finite(curve) for value in curve]
    return any(value is None or not math.isfinite(value) or value > top for value in values)


def forest(data: dict, theme: Theme) -> Figure:
    """Draw scores, or differences from a control, with their intervals, a row each.

    {"rows": [{"name", "mean", "low", "high", "points"?: [a score a fold], "group"?}],
     "reference"?: {"value", "label"}, "x_label", "better": "left" | "right", "format"?}
    """
    rows = data["rows"]
    figure, (axes,) = blank(1.0 + 0.36 * max(len(rows), 1))
    groups = list(dict.fromkeys(str(row["group"]) for row in rows if row.get("group")))
    for index, row in enumerate(rows):
        group = groups.index(str(row["group"])) if row.get("group") else 0
        _forest_row(axes, index, row, theme.color(group), theme)
        text = written(row["mean"], data.get("format", "score"))
        axes.annotate(
            text,
            (1, index),
            (6, 0),
            axes.get_yaxis_transform(),
            "offset points",
            va="center",
            fontsize=SMALL_SIZE,
            annotation_clip=False,
        )
    reference_line(axes, data.get("reference"), theme, "y")
    name_rows(axes, [row["name"] for row in rows], 26, theme)
    number_axis(axes.xaxis, ticks=5)
    axes.grid(axis="x")
    label_rows(axes, towards_better(shorten(data["x_label"], 44), data["better"]))
    if len(groups) > 1:
        key(figure, groups, theme)
    return figure


def _forest_row(axes: Axes, index: int, row: dict, color: str, theme: Theme) -> None:
    points = numbers(row.get("points") or [])
    lift = index + 0.11 * (np.arange(len(points)) % 5 - 2)  # a fixed rule keeps points apart
    axes.scatter(points, lift, s=11, color=color, alpha=0.3, linewidths=0)
    axes.hlines(index, *numbers([row["low"], row["high"]]), color=color, linewidth=2.4)
    axes.scatter(
        numbers([row["mean"]]), [index], s=46, color=color, edgecolors=theme.page, zorder=3
    )


def search(data: dict, theme: Theme) -> Figure:
    """Draw what a search tried: each hyper-parameter against the score, the best one marked.

    {"panels": [{"title", "x": [numbers or strings], "log": bool}], "y": [a score a trial],
     "y_label", "best": the best trial's index or None, "better": "left" (lower) | "right"}
    """
    figure, grid = panels(len(data["panels"]), 2, 1.9, sharey=True)
    for index, (axes, panel) in enumerate(zip(grid, data["panels"], strict=True)):
        _trials(axes, panel, numbers(data["y"]), data.get("best"), theme)
        axes.set_xlabel(shorten(panel["title"], room(2.4)))
        number_axis(axes.yaxis, ticks=5)
        axes.grid(axis="y")
        if index % 2 == 0:
            axes.set_ylabel(towards_better(shorten(data["y_label"], 14), data.get("better")))
    return figure


def _trials(axes: Axes, panel: dict, y: np.ndarray, best: int | None, theme: Theme) -> None:
    names = list(dict.fromkeys(map(str, panel["x"]))) if _named(panel["x"]) else []
    x = numbers([names.index(str(v)) for v in panel["x"]] if names else panel["x"])
    axes.scatter(x, y, s=20, color=theme.color(0), alpha=0.55, linewidths=0)
    if best is not None:
        axes.scatter(x[best], y[best], s=90, color=theme.accent, marker="*", zorder=3)
        style: dict[str, Any] = {"color": theme.accent, "weight": "bold", "size": SMALL_SIZE}
        place = (x[best], y[best])
        axes.annotate("best", place, (0, 6), textcoords="offset points", ha="center", **style)
    if names:
        width = room(2.3 / len(names), SMALL_SIZE)
        axes.set_xticks(range(len(names)), [shorten(name, width) for name in names])
        axes.set_xlim(-0.6, len(names) - 0.4)
    else:
        positive = min(finite(x), default=0.0) > 0
        number_axis(axes.xaxis, log=bool(panel.get("log")) and positive)


def _named(values: list) -> bool:
    return any(isinstance(value, (str, bool)) for value in values)
