"""Figures: every drawing of a study, from plain data to the same bytes each time.

A drawing is a function (data, theme) → Figure in `DRAWINGS`; its docstring says what the data,
a JSON-able dict kept in the section's record, must hold. A drawing computes layout only.
Missing numbers are None (or NaN).
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from ninefold.bounded import write_whole
from ninefold.record_entries import FigureFiles
from ninefold.study.figures import data as _data
from ninefold.study.figures import final, harness, results
from ninefold.study.figures.themes import DARK, LIGHT, Theme, settings

__all__ = ["DARK", "DRAWINGS", "LIGHT", "Theme", "draw", "save", "to_png"]

DRAWINGS: dict[str, Callable[[dict, Theme], Figure]] = {
    "bars": _data.bars,
    "distributions": _data.distributions,
    "relations": _data.relations,
    "correlation": _data.correlation,
    "images": _data.images,
    "splits": harness.splits,
    "lines": harness.lines,
    "learning_curves": results.learning_curves,
    "forest": results.forest,
    "search": results.search,
    "confusion": final.confusion,
    "calibration": final.calibration,
    "residuals": final.residuals,
    "holdout": final.holdout,
}

# Widths are laid out in matplotlib's own font, wider than any of these: what fits there fits here.
_PAGE_FONTS = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"


def draw(drawing: str, data: dict, theme: Theme = LIGHT) -> Figure:
    """Draw `data` as the drawing of that name. Raises KeyError for an unknown name."""
    with _styled(theme):
        figure = DRAWINGS[drawing](data, theme)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out; saving need not do it again
        return figure


def save(drawing: str, data: dict, folder: Path, name: str) -> FigureFiles:
    """Write NAME-light.svg and NAME-dark.svg into `folder`/figures; return their paths from
    `folder`. The same data give the same bytes."""
    for theme in (LIGHT, DARK):
        write_whole(folder / f"figures/{name}-{theme.name}.svg", _to_svg(drawing, data, theme))
    return {"light": f"figures/{name}-light.svg", "dark": f"figures/{name}-dark.svg"}


def to_png(drawing: str, data: dict) -> bytes:
    """Return the light figure as a PNG, as the notebook itself shows it."""
    return _rendered(drawing, data, LIGHT, format="png", dpi=150, metadata={"Software": None})


def _to_svg(drawing: str, data: dict, theme: Theme) -> str:
    metadata = {"Date": None, "Creator": None}
    svg = _rendered(drawing, data, theme, format="svg", dpi=150, metadata=metadata)
    return svg.decode("utf-8").replace("'DejaVu Sans'", _PAGE_FONTS)


def _rendered(drawing: str, data: dict, theme: Theme, **options) -> bytes:
    figure = draw(drawing, data, theme)
    buffer = io.BytesIO()
    with _styled(theme):
        figure.savefig(buffer, **options)
    return buffer.getvalue()


@contextmanager
def _styled(theme: Theme) -> Iterator[None]:
    """Work under the theme on matplotlib's defaults, whatever the user's own settings are.

    A name's emoji is missing in matplotlib's font only: an SVG leaves it to the page's fonts.
    """
    with matplotlib.style.context([settings(theme)], after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s)Glyph .* missing from font")
        yield
