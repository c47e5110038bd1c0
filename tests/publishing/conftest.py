"""A small study on disk, for each test."""

import pytest
from nbformat.v4 import new_output
from small_study import SmallStudy, code, figure_entry, shows, table_entry


@pytest.fixture
def study(tmp_path) -> SmallStudy:
    return SmallStudy(tmp_path)


@pytest.fixture
def whole(study) -> SmallStudy:
    """A study with every kind of block."""
    study.page(
        "1-problem",
        "# Problem description\n\nWhich penguin is it? See [the data](../data/README.md).\n\n"
        "## The decision\n\n> **DRAFT** Who pays for\n> a false {{ study.target }}?\n\n"
        "We have {{ data_summary.rows }} rows; the model reaches {{ best.accuracy }}.\n",
    )
    study.ran(
        "2-data-summary",
        "# Data summary",
        code("study.show('overview')", shows("2-data-summary", "fact", 0)),
        code(
            "study.show('columns')",
            shows("2-data-summary", "table", "columns"),
            shows("2-data-summary", "figure", "types"),
            shows("2-data-summary", "note", 1),
        ),
        code(
            "print('mine')",
            new_output("stream", name="stdout", text="mine\n"),
            new_output("stream", name="stderr", text="a warning\n"),
            new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": "<F>"}),
            alt="My own picture",
        ),
        values={"rows": 275, "problem": "multiclass", "odd|name": 3},
        facts=[
            {"kind": "fact", "text": "{rows:integer} rows", "values": {"rows": 275}},
            {"kind": "note", "text": "quick: {folds:integer} folds", "values": {"folds": 3}},
        ],
        tables={"columns": table_entry(["a|b*c*", 0.5], ["bill_length", None])},
        figures={"types": figure_entry("types")},
        run={"commit": "abc"},
    )
    study.ran(
        "5-experiments/1-spot-check",
        "# Spot-check\n\n## Results",
        code("study.show('scores')", shows("5-experiments/1-spot-check", "table", "scores")),
        tables={"scores": table_entry(["linear", 0.91])},
        values={
            "outcome": {
                "winner": "linear",
                "difference": {"mean": 0.01, "low": -0.01, "high": 0.03},
                "verdict": "no difference seen",
            }
        },
        forecast={"stated": "before", "winner": "wide", "difference": 0.02, "confidence": 0.7},
        run={"commit": "abc"},
    )
    study.ran(
        "7-final-model",
        "# Final model",
        code("study.show('holdout')", shows("7-final-model", "figure", "holdout")),
        values={
            "best": {
                "name": "batch of 16",
                "kind": "network",
                "accuracy": {"mean": 0.97, "low": 0.95, "high": 0.99},
            },
            "metric": "accuracy",
            "metric_label": "accuracy",
            "holdout": {"score": 0.957, "low": 0.88, "high": 0.985, "n": 69},
            "range": {"mean": 0.97, "low": 0.91, "high": 1.0},
            "inside": True,
            "constant": 0.4348,
            "simple": {"name": "logistic regression", "score": 0.942},
            "rival": {
                "name": "logistic regression",
                "kind": "linear",
                "expected": 0.93,
                "compared": 12,
                "folds": {"mean": 0.04, "low": 0.01, "high": 0.07, "verdict": "better"},
                "holdout": {"mean": 0.015, "low": -0.02, "high": 0.05, "verdict": "undecided"},
            },
            "verdict": "beats the best simple model",
            "looks": 1,
        },
        figures={"holdout": figure_entry("holdout", caption="The hold-out.")},
        fits=30,
        run={"seconds": 12.5, "versions": {"scikit-learn": "1.7"}, "commit": "abc"},
    )
    study.looked()
    study.logged()
    study.page("9-resources", "# Resources\n\n{{ run.fits }} fits, {{ run.seconds | duration }}.\n")
    return study
