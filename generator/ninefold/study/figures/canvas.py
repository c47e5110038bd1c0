"""Canvas: what all drawings share: sizes, short names, numbers on axes, keys, missing values."""

import math
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from ninefold.formats import show
from ninefold.plain_json import plain
from ninefold.study.figures.themes import BASE_SIZE, SMALL_SIZE, Theme

WIDTH = 6.0  # inches
POINTS = 72  # to the inch
CHARACTER = 0.58  # mean width of a character, in units of the font's size


def blank(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list]:
    """Return an empty figure `height` inches tall and its axes, row by row."""
    figure = Figure(figsize=(WIDTH, height))
    figure.set_layout_engine("constrained", h_pad=0.07, w_pad=0.06)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.flat)


def panels(count: int, per_row: int, height: float, **options: Any) -> tuple[Figure, list]:
    """Return a figure of `count` panels, each `height` inches tall, and their axes."""
    columns = min(per_row, max(count, 1))
    rows = math.ceil(max(count, 1) / columns)
    figure, axes = blank(rows * height + 0.4, rows, columns, **options)
    for spare in axes[count:]:
        spare.remove()
    return figure, axes[:count]


def numbers(values: Iterable[Any]) -> np.ndarray:
    """Return numbers as floats, with NaN for what is missing (None, as JSON has it) or infinite."""
    found = np.array([math.nan if value is None else float(value) for value in values])
    return np.where(np.isfinite(found), found, math.nan)


def finite(*values: Any) -> list[float]:
    """Return the finite numbers among numbers and lists of them."""
    flat = [item for value in values for item in (value if np.iterable(value) else [value])]
    return [float(item) for item in flat if item is not None and math.isfinite(item)]


def shorten(text: Any, width: float) -> str:
    """Return a name on one line, at most `width` average characters wide, with an ellipsis.

    What cannot be printed (and would make an SVG invalid) becomes a space.
    """
    printable = "".join(mark if mark.isprintable() else " " for mark in str(text))
    line = " ".join(printable.split()) or "–"
    if wide(line) <= width:
        return line
    while wide(line) > width - 1 and len(line) > 1:
        line = line[:-1]
    return line.rstrip() + "…"


def wide(text: str) -> float:
    """Estimate the width of a text in average characters."""
    return sum(_width_of(mark) for mark in text)


def _width_of(mark: str) -> float:
    if unicodedata.east_asian_width(mark) in "WF":
        return 2.0
    if mark in "MWmw@%&—…":
        return 1.6
    return 1.15 if mark.isupper() else 1.0


def room(inches: float, size: float = BASE_SIZE) -> float:
    """Return how many average characters fit into a width."""
    return inches * POINTS / (size * CHARACTER)


def number(value: float, _position: int | None = None) -> str:
    """Return a number as an axis shows it: 0.25, 2007, 12,000, 2.5·10⁶."""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e6:
        text = f"{value:,.10g}" if abs(value) >= 10_000 else f"{value:.10g}"
        return text.replace("-", "−")
    mantissa, exponent = f"{value:.4e}".split("e")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    mantissa = mantissa.rstrip("0").rstrip(".").replace("-", "−")
    return power if mantissa == "1" else f"{mantissa}·{power}".replace("−1·10", "−10")


def written(value: Any, form: str) -> str:
    """Return a value in a format of `ninefold.formats`; what is not finite reads as missing."""
    return show(plain(value), form)


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number_axis(axis: Any, *, log: bool = False, ticks: int = 6, whole: bool = False) -> None:
    """Give an axis, its data drawn, at most about `ticks` plainly written ticks."""
    if log:
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        low, high = axis.get_view_interval()
        steps = (1, 2, 5) if high < 100 * low else (1,)
        axis.set_major_locator(LogLocator(subs=steps, numticks=ticks))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(_few_ticks(axis, ticks, whole))
    axis.set_major_formatter(FuncFormatter(number))


def _few_ticks(axis: Any, ticks: int, whole: bool) -> MaxNLocator:
    """Return a locator of so few ticks that their numbers do not run together."""
    width = math.inf  # of a standing axis: its numbers lie one above the other
    if axis.axis_name == "x":
        width = room(0.7 * WIDTH / axis.axes.get_gridspec().ncols, SMALL_SIZE)
    while True:
        locator = MaxNLocator(ticks, integer=whole, steps=[1, 2, 5, 10])
        low, high = axis.get_view_interval()
        texts = [number(tick) for tick in locator.tick_values(low, high) if low <= tick <= high]
        if ticks == 2 or sum(wide(text) + 2 for text in texts) <= width:
            return locator
        ticks -= 1


def name_rows(axes: Axes, names: Sequence[Any], width: float, theme: Theme) -> None:
    """Label rows 0, 1, … of a horizontal drawing, the first at the top, without tick marks."""
    axes.set_yticks(range(len(names)), [shorten(name, width) for name in names])
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, labelcolor=theme.text)
    axes.spines["left"].set_visible(False)


def label_rows(axes: Axes, text: str) -> None:
    """Label the x axis of a drawing of named rows; a long label reaches left, under the names."""
    axes.set_xlabel(text, loc="right" if wide(text) > room(0.5 * WIDTH) else "center")


def key(figure: Figure, names: Sequence[Any], theme: Theme, colors: Sequence[str] = ()) -> None:
    """Put a key of colours above the panels, in as few lines as its names need."""
    colors = colors or [theme.color(index) for index in range(len(names))]
    short = [shorten(name, 24) for name in names]
    line = room(WIDTH - 0.2)
    in_one = sum(wide(name) + 4 for name in short) <= line
    columns = len(short) if in_one else max(1, int(line / (max(map(wide, short)) + 4)))
    figure.legend(
        handles=[Patch(color=color, label=name) for color, name in zip(colors, short, strict=True)],
        loc="outside upper left",
        ncols=columns,
        handlelength=0.9,
        handleheight=0.9,
        handletextpad=0.5,
        columnspacing=1.4,
        borderpad=0.3,
    )


def reference_line(axes: Axes, reference: dict[str, Any] | None, theme: Theme, along: str) -> None:
    """Draw a dashed line at a value, `along` "x" (lying) or "y" (standing), and name it."""
    if not reference or not finite(reference["value"]):
        return
    value, label = reference["value"], reference.get("label")
    style: dict[str, Any] = {
        "color": theme.muted,
        "linewidth": 1.1,
        "linestyle": (0, (4, 3)),
        "zorder": 1,
    }
    text: dict[str, Any] = {"color": theme.muted, "fontsize": SMALL_SIZE, "va": "bottom"}
    label = shorten(label, 36) if label else ""
    if along == "x":
        axes.axhline(value, **style)
        place = blended_transform_factory(axes.transAxes, axes.transData)
        axes.annotate(label, (0, value), (4, 2), place, "offset points", **text)
    else:
        axes.axvline(value, **style)
        place = blended_transform_factory(axes.transData, axes.transAxes)
        axes.annotate(label, (value, 1), (0, 2), place, "offset points", ha="center", **text)


def towards_better(label: str, better: str | None) -> str:
    """Return an axis' label with an arrow to its better end ("left" or "right")."""
    gap = "\u2003\u2003"  # an SVG would run plain spaces together
    return {"left": f"← better{gap}{label}", "right": f"{label}{gap}better →"}.get(
        better or "", label
    )


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Move positions apart until neighbours are `gap` away, keeping order and centre."""
    order = np.argsort(positions, kind="stable")
    placed = np.array(positions, dtype=float)[order]
    for _ in range(50):
        overlap = np.maximum(gap - np.diff(placed), 0)
        if not (overlap > gap / 100).any():
            break
        placed[:-1] -= overlap / 2
        placed[1:] += overlap / 2
    back = np.empty_like(placed)
    back[order] = placed
    return back.tolist()


def readable_on(color: Any) -> str:
    """Return the text colour, near black or white, that reads on a cell's colour: white where its
    contrast is 3.5 or more (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    parts = np.array(to_rgb(color))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "#ffffff" if luminance < 1.05 / 3.5 - 0.05 else "#0d1117"
