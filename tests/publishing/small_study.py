"""A small real project, made piece by piece: settings, sections, and what a run leaves."""

import json
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ninefold.history import append, digest_of_file
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

    def looked(self, *counted: bool, **entry) -> None:
        """Log looks at the hold-out."""
        for each in counted or (True,):
            append(self.project.files, "look", {"counted": each, **entry})

    def logged(self, *sections: str) -> None:
        """Log the results of sections as those of a run."""
        files = self.project.files
        for section in sections or [task.id for task in self.project.tasks]:
            name = f"results/{section}/record.json"
            if files.exists(name):
                digests = {"record.json": digest_of_file(files, name)}
                entry = {"section": section, "key": "k", "files": digests, "evaluations": 0}
                append(files, "run", entry)

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
