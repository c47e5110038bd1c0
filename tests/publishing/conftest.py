"""A small real project, made piece by piece: settings, sections, and what a run leaves."""

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ninefold.project import Project
from ninefold.records import Record, write_record

SETTINGS = """\
[study]
title = "Penguins & *friends*"
package = "penguins"
author = "A. Person"

[data]
source = "data/penguins.csv"
target = "species"
origin = "Palmer Station"
licence = "CC0-1.0"
"""
README = "# Title\n\n<!-- ninefold:begin -->\n<!-- ninefold:end -->\n\nMine.\n"
MIME = "application/vnd.ninefold+json"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 4"><rect width="8" height="4"/></svg>'


class SmallStudy:
    def __init__(self, root: Path):
        self.root = root
        self.write("ninefold.toml", SETTINGS)
        self.write("README.md", README)

    @property
    def project(self) -> Project:
        return Project(self.root)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def page(self, section: str, text: str) -> None:
        self.write(f"sections/{section}.md", text)

    def notebook(self, section: str, *cells) -> None:
        """Write a section's source: Markdown as text, code as `code(…)` cells, outputs dropped."""
        kept = [new_markdown_cell(c) if isinstance(c, str) else c for c in cells]
        for number, cell in enumerate(kept, start=1):
            cell["id"] = f"cell-{number}"
        bare = [{**cell, "outputs": []} if "outputs" in cell else cell for cell in kept]
        path = self.root / "sections" / f"{section}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(new_notebook(cells=[nbformat.from_dict(c) for c in bare]), path)
        self.executed = nbformat.writes(new_notebook(cells=kept))

    def ran(self, section: str, *cells, **found) -> Record:
        """Write a section and what its run left: the notebook with outputs, record and figures."""
        self.notebook(section, *cells)
        self.write(f"results/{section}/notebook.ipynb", self.executed)
        record = Record(section=section, **found)
        for figure in record.figures.values():
            for file in figure["files"].values():
                self.write(f"results/{section}/{file}", SVG)
        write_record(self.root / "results" / section, record)
        return record

    def failed(self, section: str, **failure) -> None:
        content = {"section": section, "cell": 2, "lines": [], **failure}
        self.write(f"results/{section}/failure/failure.json", json.dumps(content))


def code(source: str, *outputs, tags=(), **metadata):
    cell = new_code_cell(source, outputs=list(outputs))
    cell["metadata"] = {"tags": list(tags), **metadata}
    return cell


def shows(section: str, kind: str, name):
    pointer = {"schema": 1, "section": section, "kind": kind, "name": name}
    return new_output("display_data", data={MIME: pointer, "text/plain": "seen in Jupyter only"})


def figure_entry(name: str, **changes) -> dict:
    files = {"light": f"figures/{name}-light.svg", "dark": f"figures/{name}-dark.svg"}
    entry = {"drawing": "bars", "caption": "Bars.", "alt": "Three bars", "data": {"values": [1]}}
    return entry | {"files": files} | changes


def table_entry(*rows, columns=(("name", "text"), ("score", "score"))) -> dict:
    shown = [{"name": name, "label": name, "format": form} for name, form in columns]
    return {"caption": "Scores.", "columns": shown, "rows": [list(row) for row in rows]}


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
    )
    study.ran(
        "7-final-model",
        "# Final model",
        code("study.show('holdout')", shows("7-final-model", "figure", "holdout")),
        values={
            "best": {"name": "batch of 16", "accuracy": {"mean": 0.97, "low": 0.95, "high": 0.99}},
            "metric": "accuracy",
            "metric_label": "accuracy",
            "holdout": {"score": 0.957, "low": 0.88, "high": 0.985, "n": 69},
            "range": {"mean": 0.97, "low": 0.91, "high": 1.0},
            "inside": True,
            "constant": 0.4348,
            "simple": {"name": "logistic regression", "score": 0.942},
            "verdict": "beats the best simple model",
            "looks": 1,
        },
        figures={"holdout": figure_entry("holdout", caption="The hold-out.")},
        fits=30,
        run={"seconds": 12.5, "versions": {"scikit-learn": "1.7"}, "commit": "abc"},
    )
    study.page("9-resources", "# Resources\n\n{{ run.fits }} fits, {{ run.seconds | duration }}.\n")
    return study
