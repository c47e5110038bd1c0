"""Themes: the colours and type of every figure, once for a light page and once for a dark one."""

from dataclasses import dataclass
from typing import Any

from matplotlib.colors import Colormap, LinearSegmentedColormap

BASE_SIZE = 11.0  # points, on a figure six inches wide: still read when shrunk to a phone
SMALL_SIZE = 10.0


@dataclass(frozen=True)
class Theme:
    """Colours by what they say. `page` is the colour of the page that shows the figure (GitHub's);
    `background` is what the file paints behind itself."""

    name: str
    page: str
    background: str
    text: str
    muted: str  # axes, ticks, what steps back
    faint: str  # grid lines, empty cells
    series: tuple[str, ...]  # classes, models, curves: told apart by colour-blind readers
    accent: str  # the one thing to look at
    low: str  # the negative end of a diverging scale
    high: str  # its positive end, and the full end of a sequential one

    def color(self, index: int) -> str:
        """Return the colour of the series at `index`; they repeat after the tenth."""
        return self.series[index % len(self.series)]

    def sequential(self) -> Colormap:
        """Return the map from nothing (the page) to everything."""
        return LinearSegmentedColormap.from_list("sequential", [self.page, self.high])

    def diverging(self) -> Colormap:
        """Return the map from the negative end through nothing to the positive end."""
        return LinearSegmentedColormap.from_list("diverging", [self.low, self.page, self.high])


# The series are Okabe and Ito's eight (https://jfly.uni-koeln.de/color/), darker where they would
# vanish on white and lighter where they would on black, then a grey and a brown.
LIGHT = Theme(
    name="light",
    page="#ffffff",
    background="#ffffff",
    text="#1f2328",
    muted="#59636e",
    faint="#d8dee4",
    series=(
        *("#0072b2", "#d55e00", "#009e73", "#b8578f", "#cf9200"),
        *("#4aa8e0", "#3d4752", "#8c6bb1", "#8a9199", "#8c5a2b"),
    ),
    accent="#d55e00",
    low="#d55e00",
    high="#0072b2",
)
DARK = Theme(
    name="dark",
    page="#0d1117",
    background="none",
    text="#f0f6fc",
    muted="#9198a1",
    faint="#2f363d",
    series=(
        *("#4aa3e8", "#f0883e", "#3fb98f", "#e08cbb", "#e3b341"),
        *("#9bd3f7", "#d0d7de", "#b392f0", "#7d8590", "#c08a5a"),
    ),
    accent="#f0883e",
    low="#b8591f",
    high="#2b7fc6",
)


def settings(theme: Theme) -> dict[str, Any]:
    """Return matplotlib's settings under a theme; applied on its defaults, not on the user's."""
    return {
        "figure.facecolor": theme.background,
        "savefig.facecolor": theme.background,
        "axes.facecolor": "none",
        "axes.edgecolor": theme.muted,
        "axes.labelcolor": theme.muted,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": BASE_SIZE,
        "axes.titleweight": "bold",
        "axes.titlepad": 5.0,
        "axes.titlecolor": theme.text,
        "axes.labelsize": BASE_SIZE,
        "axes.axisbelow": True,
        "font.size": BASE_SIZE,
        "font.family": ["DejaVu Sans"],  # travels with matplotlib: the same layout everywhere
        "grid.color": theme.faint,
        "grid.linewidth": 0.8,
        "legend.frameon": False,
        "legend.fontsize": BASE_SIZE,
        "lines.linewidth": 1.8,
        "text.color": theme.text,
        "text.parse_math": False,  # names hold dollar signs
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "xtick.labelsize": SMALL_SIZE,
        "ytick.labelsize": SMALL_SIZE,
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "svg.fonttype": "none",  # text stays text: small files, readable diffs, searchable
        "svg.hashsalt": "ninefold",
    }
