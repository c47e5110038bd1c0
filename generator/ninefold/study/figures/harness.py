"""Drawings of the test harness: how rows are split, and what more folds and repeats buy."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ninefold.study.figures.canvas import (
    WIDTH,
    blank,
    finite,
    key,
    number,
    number_axis,
    numbers,
    readable_on,
    reference_line,
    room,
    shorten,
    spread,
    wide,
)
from ninefold.study.figures.themes import BASE_SIZE, SMALL_SIZE, Theme

BAR = 0.72  # of a fold's row


def splits(data: dict, theme: Theme) -> Figure:
    """Draw where each row serves: the hold-out apart, then the parts of each fold, with counts.

    {"rows": all, "holdout": rows set aside, "repeats", "ordered"?: whether rows are in time order,
     "folds": [{"fold", "train", "validation", "test", "start", "stop", "groups"?: in the test}]}
    start, stop: where the fold's test rows lie among the development rows, 0 to rows − holdout.
    The inner validation rows, drawn at random from the rest, are shown beside the test rows; in
    time order they are the last before them, and later rows do not serve.
    """
    folds, development = data["folds"], max(data["rows"] - data["holdout"], 1)
    figure, (axes,) = blank(1.15 + 0.3 * max(len(folds), 2))
    colors = {"train": theme.faint, "validation": theme.color(5), "test": theme.color(0)}
    for row, fold in enumerate(folds):
        pieces = _pieces(fold, development, bool(data.get("ordered")))
        for part, start, stop in pieces:
            axes.barh(row, stop - start, left=start, height=BAR, color=colors[part], linewidth=0)
        _write_counts(axes, row, fold, pieces, development, colors)
    _holdout_block(axes, data, development, len(folds), theme)
    axes.set_yticks(range(len(folds)), [_name(fold) for fold in folds])
    axes.set_ylim(len(folds) - 0.5, -0.5)
    axes.tick_params(axis="both", length=0, labelcolor=theme.text)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    times = data["repeats"]
    again = f", split anew {number(times)} times" if times > 1 else ""
    again = ", in time order" if data.get("ordered") else again
    axes.set_xlabel(f"{development:,} development rows{again}", loc="left")
    names = ["training", "inner validation", "test", "hold-out"]
    key(figure, names, theme, [*colors.values(), theme.accent])
    return figure


def _name(fold: dict) -> str:
    name, groups = f"fold {fold['fold']}", fold.get("groups")
    return name if groups is None else f"{name}: {groups:,} group{'s' * (groups != 1)}"


def _pieces(fold: dict, development: int, ordered: bool) -> list[tuple[str, float, float]]:
    """Return (part, start, stop) of a fold's bar from left to right; the validation rows follow
    the test rows and go on at the left end where the right end is reached."""
    start, stop = fold["start"], fold["stop"]
    if ordered:
        inner = start - fold["validation"]
        return [("train", 0, inner), ("validation", inner, start), ("test", start, stop)]
    end = stop + (fold["validation"] or 0)
    over = max(end - development, 0)
    pieces = [
        ("validation", 0, over),
        ("train", over, start),
        ("test", start, stop),
        ("validation", stop, min(end, development)),
        ("train", min(end, development), development),
    ]
    return [piece for piece in pieces if piece[2] > piece[1]]


def _write_counts(
    axes: Axes,
    row: int,
    fold: dict,
    pieces: list[tuple[str, float, float]],
    development: int,
    colors: dict,
) -> None:
    """Write each part's count into its widest piece, where it fits."""
    widest: dict[str, tuple[float, float]] = {}
    for part, start, stop in pieces:
        if stop - start > widest.get(part, (0, 0))[1] - widest.get(part, (0, 0))[0]:
            widest[part] = (start, stop)
    for part, (start, stop) in widest.items():
        text = f"{fold[part]:,}"
        if wide(text) < room((stop - start) / development * 0.62 * WIDTH, SMALL_SIZE):
            color = readable_on(colors[part])
            middle = (start + stop) / 2
            axes.text(middle, row, text, color=color, va="center", ha="center", fontsize=SMALL_SIZE)


def _holdout_block(axes: Axes, data: dict, development: int, count: int, theme: Theme) -> None:
    """Draw the hold-out rows beside all folds, never narrower than their label."""
    gap, width = development * 0.03, max(development * 0.16, data["holdout"])
    axes.set_xlim(0, development + gap + min(width, development * 0.3))
    if not data["holdout"]:
        axes.set_xlim(0, development)
        return
    width = min(width, development * 0.3)
    left, height = development + gap, count - 1 + BAR
    axes.bar(
        left,
        height,
        width,
        bottom=-BAR / 2,
        align="edge",
        color=theme.accent,
        linewidth=0,
    )
    lines = [f"{data['holdout']:,}", "rows"]
    for index, line in enumerate(lines):
        axes.annotate(
            line,
            (left + width / 2, (count - 1) / 2),
            (0, (0.5 - index) * 1.3 * BASE_SIZE),
            textcoords="offset points",
            ha="center",
            va="center",
            color=readable_on(theme.accent),
            weight="bold",
        )


def lines(data: dict, theme: Theme) -> Figure:
    """Draw lines named at their right end, with bands where low and high are given.

    {"series": [{"name", "x": […], "y": […], "low"?: […], "high"?: […]}], "x_label", "y_label",
     "x_log"?: bool, "from_zero"?: bool, of the y axis, "reference"?: {"value", "label"}}
    """
    figure, (axes,) = blank(3.2)
    few = len(data["series"]) <= 5
    ends = []
    for index, series in enumerate(data["series"]):
        x, y, color = numbers(series["x"]), numbers(series["y"]), theme.color(index)
        axes.plot(x, y, color=color, marker="o", markersize=3.5 if len(x) < 25 else 0)
        if series.get("low") and series.get("high"):
            low, high = numbers(series["low"]), numbers(series["high"])
            axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
        known = [(a, b) for a, b in zip(x, y, strict=True) if finite(a, b) == [a, b]]
        if known:
            ends.append((known[-1][1], shorten(series["name"], 24), color))
    reference_line(axes, data.get("reference"), theme, "x")
    if data.get("from_zero"):
        axes.set_ylim(bottom=0)
    positive = min(finite(*(series["x"] for series in data["series"])), default=0.0) > 0
    number_axis(axes.xaxis, log=bool(data.get("x_log")) and positive, ticks=7)
    number_axis(axes.yaxis, ticks=5)
    axes.grid(axis="y")
    axes.set_xlabel(shorten(data["x_label"], 50))
    axes.set_ylabel(shorten(data["y_label"], 30))
    if few:
        _name_ends(axes, ends)
    else:
        key(figure, [series["name"] for series in data["series"]], theme)
    return figure


def _name_ends(axes: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Write names at the height of their lines' last points, apart where they would touch."""
    if not ends:
        return
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    places = spread([y for y, _, _ in ends], (high - low) * 0.085)
    for (_, name, color), place in zip(ends, places, strict=True):
        axes.annotate(
            name,
            (1, place),
            (4, 0),
            axes.get_yaxis_transform(),
            "offset points",
            color=color,
            va="center",
            annotation_clip=False,
        )
