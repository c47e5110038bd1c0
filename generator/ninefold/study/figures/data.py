"""Drawings of the data: single columns, columns against the target, columns together."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ninefold.study.figures.canvas import (
    CHARACTER,
    POINTS,
    WIDTH,
    blank,
    finite,
    key,
    label_rows,
    name_rows,
    number_axis,
    numbers,
    panels,
    readable_on,
    room,
    shorten,
    wide,
    written,
)
from ninefold.study.figures.themes import SMALL_SIZE, Theme

ROW = 0.3  # inches: the height of a row with a name
MANY_POINTS = 1500  # beyond, points become one picture inside the SVG


def bars(data: dict, theme: Theme) -> Figure:
    """Draw named values as lying bars, each with its number, with intervals where given.

    {"labels": […], "values": […], "low"?: […], "high"?: […], "x_label", "format"?: a format's name}
    """
    values = numbers(data["values"])
    low, high = (numbers(data.get(end) or data["values"]) for end in ("low", "high"))
    figure, (axes,) = blank(0.75 + ROW * max(len(values), 1))
    axes.barh(range(len(values)), values, height=0.68, color=theme.color(0))
    if data.get("low"):
        axes.hlines(range(len(values)), low, high, color=theme.text, linewidth=1.2)
    texts = [written(value, data.get("format", "")) for value in data["values"]]
    for row, (value, text) in enumerate(zip(values, texts, strict=True)):
        ends = finite(0, value, low[row], high[row])
        backwards = value < 0
        axes.annotate(
            text,
            (min(ends) if backwards else max(ends), row),
            (-5 if backwards else 5, 0),
            textcoords="offset points",
            ha="right" if backwards else "left",
            va="center",
            fontsize=SMALL_SIZE,
        )
    name_rows(axes, data["labels"], 28, theme)
    number_axis(axes.xaxis)
    _leave_room(axes, finite(0, values, low, high), max(map(wide, texts), default=1))
    axes.axvline(0, color=theme.muted, linewidth=0.8)
    label_rows(axes, shorten(data["x_label"], 56))
    return figure


def _leave_room(axes: Axes, found: list[float], width: float) -> None:
    """Widen the x axis so that a number of `width` characters fits beyond the longest bar."""
    left, right = min(found), max(found)
    span = (right - left) or 1.0
    share = min(0.4, 0.03 + width * SMALL_SIZE * CHARACTER / POINTS / (0.62 * WIDTH))
    axes.set_xlim(
        left - (share * span if left < 0 else 0), right + (share if right > 0 else 0.02) * span
    )


def distributions(data: dict, theme: Theme) -> Figure:
    """Draw how columns are distributed, a panel each, the classes of the target told apart.

    {"panels": [{"title", "edges": […], "series": [{"name", "counts": […]}]}      numbers
              | {"title", "labels": […], "series": [{"name", "counts": […]}]}],   categories
     "y_label"}
    """
    figure, grid = panels(len(data["panels"]), 2, 1.75)
    for axes, panel in zip(grid, data["panels"], strict=True):
        axes.set_title(shorten(panel["title"], room(1.9 if panel.get("labels") else 2.3)))
        if "edges" in panel:
            _histogram(axes, panel, theme)
            axes.set_ylabel(shorten(data["y_label"], room(1.2)))
        else:
            _stack(axes, panel["labels"], panel["series"], "counts", theme)
            axes.set_xlabel(shorten(data["y_label"], room(1.8)))
    names = _series_names(data["panels"])
    if len(names) > 1:
        key(figure, names, theme)
    return figure


def _histogram(axes: Axes, panel: dict, theme: Theme) -> None:
    alone, few = len(panel["series"]) == 1, len(panel["series"]) <= 4
    for index, series in enumerate(panel["series"]):
        counts = np.nan_to_num(numbers(series["counts"]))
        color = theme.color(index)
        if few:  # the fills of many would mix to mud
            shade = 0.85 if alone else 0.22
            axes.stairs(counts, panel["edges"], fill=True, color=color, alpha=shade)
        if not alone:
            axes.stairs(counts, panel["edges"], color=color, linewidth=1.4)
    axes.set_ylim(bottom=0)
    number_axis(axes.xaxis)
    number_axis(axes.yaxis, ticks=4)


def _stack(axes: Axes, labels: list, series: list[dict], field: str, theme: Theme) -> None:
    """Draw lying bars, one for each label, of the series one after the other."""
    start = np.zeros(len(labels))
    for index, part in enumerate(series):
        lengths = np.nan_to_num(numbers(part[field]))
        axes.barh(range(len(labels)), lengths, left=start, height=0.7, color=theme.color(index))
        start = start + lengths
    name_rows(axes, labels, 12, theme)
    number_axis(axes.xaxis)


def _series_names(parts: list[dict]) -> list[str]:
    """Return the names of the series of all panels, each once, in their order."""
    return list(dict.fromkeys(str(s["name"]) for part in parts for s in part.get("series", [])))


def relations(data: dict, theme: Theme) -> Figure:
    """Draw columns against the target, a panel each.

    {"target", "panels": [
        {"title", "kind": "points", "x": […], "y": […]}                          y: the target
      | {"title", "kind": "boxes", "labels": […], "boxes": [[min, q1, median, q3, max], …],
         "x_label"?: what the boxes measure where it is not the title}
      | {"title", "kind": "shares", "labels": […], "series": [{"name", "values": […]}]}]}
    """
    figure, grid = panels(len(data["panels"]), 2, 2.0)
    for axes, panel in zip(grid, data["panels"], strict=True):
        axes.set_title(shorten(panel["title"], room(1.9 if panel.get("labels") else 2.3)))
        if panel["kind"] == "points":
            _points(axes, panel, theme)
            axes.set_ylabel(shorten(data["target"], room(1.5)))
        elif panel["kind"] == "boxes":
            _boxes(axes, panel, theme)
            if panel.get("x_label"):
                axes.set_xlabel(shorten(panel["x_label"], room(1.8)))
        else:
            _stack(axes, panel["labels"], panel["series"], "values", theme)
            axes.set_xlabel("share of rows")
    names = _series_names(data["panels"])
    if names:
        key(figure, names, theme)
    return figure


def _points(axes: Axes, panel: dict, theme: Theme) -> None:
    x, y = numbers(panel["x"]), numbers(panel["y"])
    axes.scatter(
        x,
        y,
        s=9,
        color=theme.color(0),
        alpha=0.9 if len(x) < 50 else 0.45,
        linewidths=0,
        rasterized=len(x) > MANY_POINTS,
    )
    number_axis(axes.xaxis)
    number_axis(axes.yaxis, ticks=5)


def _boxes(axes: Axes, panel: dict, theme: Theme) -> None:
    for row, box in enumerate(panel["boxes"]):
        least, first, median, third, most = numbers(box)
        axes.hlines(row, least, most, color=theme.color(row), linewidth=1.2)
        axes.barh(row, third - first, left=first, height=0.55, color=theme.color(row))
        axes.vlines(median, row - 0.28, row + 0.28, color=theme.page, linewidth=2.2)
    name_rows(axes, panel["labels"], 12, theme)
    number_axis(axes.xaxis)


def correlation(data: dict, theme: Theme) -> Figure:
    """Draw the correlations of columns as a triangle of cells, with numbers up to ten columns.

    {"labels": […], "matrix": [[…]]}   symmetric, −1 to 1
    """
    matrix = np.array([numbers(row) for row in data["matrix"]])
    count = len(matrix)
    below = np.where(np.tri(count, k=-1, dtype=bool), matrix, np.nan)[1:, :-1]
    size = max(len(below), 1)
    names = [shorten(label, 22) for label in data["labels"]]
    figure, (axes,) = blank(1.3 + 4.2 * min(1.0, 0.25 + size / 10))
    cells = np.ma.masked_invalid(
        below.reshape(-1, size) if below.size else np.ma.masked_all((1, 1))
    )
    mesh = axes.pcolormesh(
        cells, cmap=theme.diverging(), vmin=-1, vmax=1, edgecolors=theme.page, linewidth=1.5
    )
    axes.set_yticks(np.arange(len(names) - 1) + 0.5, names[1:])
    lean: dict[str, Any] = {
        "rotation": 45 if count <= 12 else 90,
        "ha": "right",
        "va": "top" if count <= 12 else "center",
        "rotation_mode": "anchor",
    }
    axes.set_xticks(np.arange(len(names) - 1) + 0.5, names[:-1], **lean)
    axes.tick_params(length=0, labelcolor=theme.text)
    axes.spines[:].set_visible(False)
    axes.invert_yaxis()
    if count <= 10:
        _write_cells(axes, below, mesh, theme)
    else:
        bar = figure.colorbar(mesh, ax=axes, shrink=0.6, aspect=25, ticks=[-1, -0.5, 0, 0.5, 1])
        number_axis(bar.ax.yaxis)
        bar.outline.set_visible(False)
        bar.set_label("correlation")
    return figure


def _write_cells(axes: Axes, values: np.ndarray, mesh, theme: Theme) -> None:
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            color = readable_on(mesh.cmap(mesh.norm(value)))
            text = f"{value:.2f}".replace("-", "−")
            axes.text(column + 0.5, row + 0.5, text, color=color, **_CELL)


_CELL: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": SMALL_SIZE}


def images(data: dict, theme: Theme) -> Figure:
    """Draw small grey images, eight a row, each with its label, on one scale of grey.

    {"images": [[[…]]]: (count, height, width), "labels": […]}
    """
    pictures = [np.array([numbers(line) for line in picture]) for picture in data["images"]]
    labels = data.get("labels") or [""] * len(pictures)
    columns = min(8, max(len(pictures), 4))
    rows = max(1, -(-len(pictures) // columns))
    tall = max((p.shape[0] / p.shape[1] for p in pictures), default=1.0)
    side = WIDTH / columns  # inches
    figure, (axes,) = blank(rows * (side * tall + 0.28))
    found = finite(*(picture.ravel() for picture in pictures)) or [0.0]
    step = tall + 0.28 / side
    for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        left, top = index % columns, index // columns * step
        axes.imshow(
            picture,
            cmap="gray_r" if theme.name == "light" else "gray",
            vmin=min(found),
            vmax=max(max(found), min(found) + 1e-9),
            extent=(left + 0.06, left + 0.94, top + tall - 0.06, top + 0.06),
            interpolation="nearest",
        )
        text = "" if label == "" else shorten(label, room(side, SMALL_SIZE))
        axes.text(left + 0.5, top + tall, text, ha="center", va="top", fontsize=SMALL_SIZE)
    axes.set(xlim=(0, columns), ylim=(rows * step, 0), aspect="equal")
    axes.axis("off")
    return figure
