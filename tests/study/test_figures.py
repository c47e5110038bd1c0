"""The figures: every drawing draws what it is given, legibly, and the same bytes each time."""

import copy
import math
import xml.etree.ElementTree as ElementTree
from itertools import cycle
from xml.sax.saxutils import escape

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from ninefold.study.figures import DARK, DRAWINGS, LIGHT, draw, save, to_png
from ninefold.study.figures.canvas import shorten, wide
from ninefold.study.figures.harness import _pieces

CURVE = {"mean": [0.9, 0.5, 0.4], "low": [0.8, 0.4, 0.3], "high": [1.0, 0.6, 0.5]}
FOLDS = [
    {"fold": i + 1, "train": 60, "validation": 15, "test": 25, "start": 25 * i, "stop": 25 * i + 25}
    for i in range(4)
]
TYPICAL = {
    "bars": {
        "labels": ["Adelie", "Gentoo"],
        "values": [122, 1099],
        "low": [100, 900],
        "high": [140, 1300],
        "x_label": "rows",
    },
    "distributions": {
        "panels": [
            {
                "title": "bill",
                "edges": [30.0, 40.0, 50.0, 60.0],
                "series": [
                    {"name": "Adelie", "counts": [3, 5, 1]},
                    {"name": "Gentoo", "counts": [0, 2, 7]},
                ],
            },
            {
                "title": "island",
                "labels": ["Biscoe", "Dream"],
                "series": [
                    {"name": "Adelie", "counts": [3, 5]},
                    {"name": "Gentoo", "counts": [9, 0]},
                ],
            },
        ],
        "y_label": "rows",
    },
    "relations": {
        "target": "mass",
        "panels": [
            {"title": "bill", "kind": "points", "x": [1.0, 2.0, 3.0], "y": [4.0, 5.0, 7.0]},
            {
                "title": "species",
                "kind": "boxes",
                "labels": ["a", "b"],
                "boxes": [[1, 2, 3, 4, 5], [2, 3, 4, 5, 9]],
                "x_label": "mass",
            },
            {
                "title": "island",
                "kind": "shares",
                "labels": ["x", "y"],
                "series": [
                    {"name": "yes", "values": [0.2, 0.5]},
                    {"name": "no", "values": [0.8, 0.5]},
                ],
            },
        ],
    },
    "correlation": {
        "labels": ["a", "b", "c"],
        "matrix": [[1, 0.5, -0.25], [0.5, 1, 0.0], [-0.25, 0, 1]],
    },
    "images": {"images": [[[0, 8], [16, 4]]] * 9, "labels": list(range(9))},
    "splits": {"rows": 125, "holdout": 25, "folds": FOLDS, "repeats": 3},
    "lines": {
        "series": [
            {
                "name": "log loss",
                "x": [1, 3, 10],
                "y": [3, 2, 1],
                "low": [2, 1, 0.5],
                "high": [4] * 3,
            }
        ],
        "x_label": "fits",
        "y_label": "standard error",
        "x_log": True,
        "reference": {"value": 1.5, "label": "margin"},
    },
    "learning_curves": {
        "panels": [
            {"title": f"variant {i}", "epochs": [1, 2, 3], "train": CURVE, "validation": CURVE}
            for i in range(3)
        ],
        "y_label": "log loss",
        "naive": 1.05,
    },
    "forest": {
        "rows": [
            {"name": "control", "mean": 0.131, "low": 0.1, "high": 0.2, "points": [0.1, 0.14]},
            {"name": "wider", "mean": 0.155, "low": 0.1, "high": 0.2, "group": "network"},
            {"name": "linear", "mean": 0.199, "low": 0.1, "high": 0.3, "group": "simple"},
        ],
        "reference": {"value": 0.69, "label": "best constant"},
        "x_label": "log loss",
        "better": "left",
    },
    "search": {
        "panels": [
            {"title": "rate", "x": [0.001, 0.01, 0.1], "log": True},
            {"title": "hidden", "x": ["(32,)", "(64,)", "(32,)"], "log": False},
        ],
        "y": [0.3, 0.2, 0.4],
        "y_label": "log loss",
        "best": 1,
        "better": "left",
    },
    "confusion": {
        "labels": ["no", "yes"],
        "counts": [[41, 2], [3, 1023]],
        "x_label": "predicted",
        "y_label": "true",
    },
    "calibration": {
        "bins": [
            {"predicted": 0.1, "observed": 0.12, "low": 0.05, "high": 0.2, "count": 40},
            {"predicted": 0.9, "observed": 0.85, "low": 0.7, "high": 0.95, "count": 30},
        ],
        "label": "malignant",
    },
    "residuals": {"predicted": [3.0, 5.0, 8.0], "actual": [2.5, 5.5, 8.0], "label": "mass (g)"},
    "holdout": {
        "metric": "accuracy",
        "range": {"mean": 0.96, "low": 0.931, "high": 0.998},
        "score": 0.957,
        "low": 0.88,
        "high": 0.985,
        "constant": 0.563,
        "rival": 0.94,
        "better": "right",
    },
}


def changed(data, number=None, text=None):
    """Return a copy of a drawing's data with every float, every text mapped."""
    if isinstance(data, dict):
        kept = {"kind", "better", "format"}
        return {k: v if k in kept else changed(v, number, text) for k, v in data.items()}
    if isinstance(data, list):
        return [changed(item, number, text) for item in data]
    if isinstance(data, float) and number:
        return number(data)
    return text(data) if isinstance(data, str) and text else data


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Every typical figure's two files, by (drawing, theme), as text."""
    folder = tmp_path_factory.mktemp("figures")
    files = {drawing: save(drawing, data, folder, drawing) for drawing, data in TYPICAL.items()}
    return {
        (drawing, theme): (folder / path).read_text("utf-8")
        for drawing, paths in files.items()
        for theme, path in paths.items()
    }


def test_bins_without_intervals_have_no_bars():
    bins = [{**one, "low": None, "high": None} for one in TYPICAL["calibration"]["bins"]]
    axes = draw("calibration", {"bins": bins, "label": "y"}, DARK).get_axes()[0]
    assert not any(len(bars.get_segments()) for bars in axes.collections)


def test_every_drawing_is_tested():
    assert set(TYPICAL) == set(DRAWINGS)


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_a_figure_is_an_svg_of_text_in_each_theme_without_date_or_path(drawing, written):
    for theme, other in ((LIGHT, DARK), (DARK, LIGHT)):
        svg = written[drawing, theme.name]
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "<text" in svg
        assert "dc:date" not in svg
        assert "/home/" not in svg
        assert "DejaVu" not in svg
        assert theme.text in svg or theme.muted in svg
        assert other.text not in svg or other.text in theme.series


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_the_same_data_give_the_same_bytes(drawing, written, tmp_path):
    paths = save(drawing, copy.deepcopy(TYPICAL[drawing]), tmp_path, "again")
    assert paths == {"light": "figures/again-light.svg", "dark": "figures/again-dark.svg"}
    for theme, path in paths.items():
        assert (tmp_path / path).read_text("utf-8") == written[drawing, theme]


@pytest.mark.parametrize("drawing", DRAWINGS)
@pytest.mark.parametrize(
    "number",
    [
        lambda value: math.nan if value > 1 else None,
        lambda value: 0.0,
        lambda value: value * -1e9,
    ],
    ids=["missing", "constant", "negative and huge"],
)
def test_missing_constant_negative_and_huge_numbers_draw(drawing, number):
    data = changed(TYPICAL[drawing], number=number)
    if drawing == "distributions":
        data["panels"][0]["edges"] = [5.0, 5.0, 5.0, 5.0]  # a constant column
    assert draw(drawing, data, DARK).get_axes()


def test_the_smallest_and_the_largest_data_draw():
    one = {
        "bars": {"labels": ["a"], "values": [0], "x_label": "rows"},
        "correlation": {"labels": ["a"], "matrix": [[1.0]]},
        "images": {"images": [[[7]]], "labels": ["one"]},
        "splits": {
            "rows": 8,
            "holdout": 0,
            "folds": [FOLDS[0] | {"stop": 4, "test": 4}],
            "repeats": 1,
        },
        "confusion": {"labels": ["a"], "counts": [[0]], "x_label": "", "y_label": ""},
        "residuals": {"predicted": [], "actual": [], "label": "y"},
        "calibration": {"bins": [], "label": "y"},
        "forest": TYPICAL["forest"] | {"rows": []},
        "lines": TYPICAL["lines"] | {"series": [{"name": "a", "x": [], "y": []}]},
        "learning_curves": {"panels": [_panel(1)], "y_label": "loss", "naive": None},
    }
    ten = [str(i) for i in range(10)]
    many = {
        "bars": {"labels": ten * 3, "values": [10**k for k in range(30)], "x_label": "rows"},
        "confusion": {"labels": ten, "counts": [[99999] * 10] * 10, "x_label": "", "y_label": ""},
        "distributions": {
            "panels": [
                {
                    "title": "t",
                    "edges": [0, 1, 2],
                    "series": [{"name": f"class {i}", "counts": [i, 1]} for i in range(10)],
                }
            ],
            "y_label": "rows",
        },
        "learning_curves": {"panels": [_panel(20)] * 12, "y_label": "loss"},
        "correlation": {"labels": ten * 2, "matrix": [[0.5] * 20] * 20},
    }
    for data in (one, many):
        for drawing in data:
            assert draw(drawing, data[drawing], DARK).get_axes()


def _panel(epochs):
    curve = {part: [0.5] * epochs for part in ("mean", "low", "high")}
    return {"title": "t", "epochs": list(range(epochs)), "train": curve, "validation": curve}


WILD = [
    "$x_1$ {a} 100 % | \\frac{",
    "😀 emoji 🐧🐧",
    "é" * 60,
    "列名" * 20,
    "</text><script>",
    "a\x00\nb\ufffe",
    "",
]


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_wild_names_draw_and_stay_valid(drawing, tmp_path):
    names = cycle(WILD)
    data = changed(TYPICAL[drawing], text=lambda _: next(names))
    svg = (tmp_path / save(drawing, data, tmp_path, "wild")["dark"]).read_text("utf-8")
    assert not [e for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("script")]


@given(name=st.text() | st.text(st.characters(categories=["Cc", "Cf", "Cs", "So", "Zs", "Lo"])))
def test_a_shortened_name_is_one_valid_line_no_wider_than_asked(name):
    short = shorten(name, 20)
    assert short
    assert wide(short) <= 21
    assert ElementTree.fromstring(f"<a>{escape(short)}</a>").text == short
    assert short.isprintable()


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_long_names_are_shortened_and_stay_inside_the_figure(drawing):
    figure = draw(drawing, changed(TYPICAL[drawing], text=lambda text: "WIDE name " * 6 + text))
    edge = figure.bbox
    outside = [
        text.get_text()
        for text in figure.findobj(Text)
        if "WIDE" in text.get_text()
        for box in [text.get_window_extent()]
        if box.width and (box.x0 < edge.x0 - 2 or box.x1 > edge.x1 + 2)
    ]
    assert not outside


def test_a_bar_is_as_long_as_its_value_and_says_it():
    figure = draw("bars", TYPICAL["bars"])
    assert [bar.get_width() for bar in figure.axes[0].patches] == [122, 1099]
    assert {"122", "1,099", "Adelie", "Gentoo", "rows"} <= set(texts(figure))


def test_a_confusion_matrix_says_its_counts():
    assert {"41", "2", "3", "1,023"} <= set(texts(draw("confusion", TYPICAL["confusion"])))


def test_the_correlations_below_the_diagonal_are_written():
    shown = texts(draw("correlation", TYPICAL["correlation"]))
    assert {"0.50", "−0.25", "0.00"} <= set(shown)
    assert "1.00" not in shown


def test_the_parts_of_a_fold_fill_its_bar_without_overlap():
    for fold in FOLDS:
        pieces = sorted(_pieces(fold, 100, ordered=False), key=lambda piece: piece[1])
        assert [piece[1] for piece in pieces[1:]] == [piece[2] for piece in pieces[:-1]]
        lengths = dict.fromkeys(("train", "validation", "test"), 0)
        for part, start, stop in pieces:
            lengths[part] += stop - start
        assert lengths == {part: fold[part] for part in lengths}


def test_a_fold_in_time_order_trains_validates_tests_and_leaves_later_rows_blank():
    fold = {"fold": 2, "train": 30, "validation": 10, "test": 20, "start": 40, "stop": 60}
    pieces = [("train", 0, 30), ("validation", 30, 40), ("test", 40, 60)]
    assert _pieces(fold, 100, ordered=True) == pieces
    data = TYPICAL["splits"] | {"folds": [fold, fold | {"groups": 1}], "ordered": True}
    shown = texts(draw("splits", data))
    assert {"30", "10", "20", "fold 2", "fold 2: 1 group"} <= set(shown)
    assert "100 development rows, in time order" in shown


def test_lines_can_stand_on_zero():
    flat = TYPICAL["lines"] | {"series": [{"name": "a", "x": [1, 2], "y": [9.0, 9.5]}]}
    flat["reference"] = None
    assert draw("lines", flat).axes[0].get_ylim()[0] > 5
    assert draw("lines", flat | {"from_zero": True}).axes[0].get_ylim()[0] == 0


def test_the_headline_figure_says_score_range_and_baselines():
    shown = " / ".join(texts(draw("holdout", TYPICAL["holdout"])))
    for said in (
        "hold-out 0.957 (0.880 to 0.985)",
        "cross-validation predicted 0.931 to 0.998",
        "best constant 0.563",
        "best simple model 0.940",
        "better →",
    ):
        assert said in shown


def test_the_headline_figure_without_a_range_shows_the_score_and_the_baselines():
    no_range = {"mean": 0.96, "low": None, "high": None}
    shown = " / ".join(texts(draw("holdout", TYPICAL["holdout"] | {"range": no_range})))
    assert "predicted" not in shown
    assert "hold-out 0.957 (0.880 to 0.985)" in shown
    assert "best constant 0.563" in shown


def test_a_holdout_score_without_an_interval_is_drawn_alone():
    figure = draw("holdout", TYPICAL["holdout"] | {"low": None, "high": None})
    (shown,) = [text for text in texts(figure) if text.startswith("hold-out ")]
    assert "(" not in shown


@pytest.mark.parametrize("place", [0.94, 0.99, 0.8])
def test_baselines_that_lie_together_are_named_apart(place):
    data = TYPICAL["holdout"] | {"constant": place, "rival": place + 0.001}
    figure = draw("holdout", data)
    boxes = [t.get_window_extent() for t in figure.findobj(Text) if "best" in t.get_text()]
    assert len(boxes) == 2
    assert not boxes[0].overlaps(boxes[1])
    assert all(0 <= box.x0 < box.x1 <= figure.bbox.x1 for box in boxes)


def test_a_diverged_curve_is_cut_off_and_said_without_stretching_the_others():
    wild = {"mean": [0.9, 1e12, None], "low": [0.8, 1e11, None], "high": [1.0, 1e13, None]}
    panels = TYPICAL["learning_curves"]["panels"]
    data = TYPICAL["learning_curves"] | {"panels": [*panels, panels[0] | {"train": wild}]}
    figure = draw("learning_curves", data)
    assert figure.axes[0].get_ylim()[1] < 100
    assert texts(figure).count("diverged ↗") == 1


def test_the_best_trial_is_marked_where_it_lies():
    figure = draw("search", TYPICAL["search"])
    marks = [axes.collections[1].get_offsets().tolist() for axes in figure.axes]
    assert marks == [[[0.01, 0.2]], [[1.0, 0.2]]]


def test_a_png_is_drawn_for_the_notebook():
    png = to_png("bars", TYPICAL["bars"])
    assert png.startswith(b"\x89PNG")
    assert png == to_png("bars", TYPICAL["bars"])


def test_the_users_matplotlib_settings_do_not_matter(written, tmp_path):
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "text.usetex": True}):
        path = save("lines", TYPICAL["lines"], tmp_path, "lines")["light"]
    assert (tmp_path / path).read_text("utf-8") == written["lines", "light"]
