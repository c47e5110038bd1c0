"""What a notebook shows is what its record holds: each display is written down before it is drawn.

A display carries, beside the picture, a pointer into the record (`application/vnd.ninefold+json`),
so that every number in a report can be traced.
"""

import base64
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold.bounded import write_whole
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.formats import fill, show
from ninefold.plain_json import plain
from ninefold.record_entries import FactKind, PredictionsFile
from ninefold.records import Record, write_record
from ninefold.study.figures import save, to_png

if TYPE_CHECKING:
    from ninefold.study.kept_predictions import Frames

MIME = "application/vnd.ninefold+json"


class Recorder:
    """The record of one section, growing with every call; written to `folder` each time.

    Without a folder (a notebook opened by hand, not by `ninefold run`) nothing is written.
    """

    def __init__(self, section: str, folder: Path | None):
        self.record = Record(section=section)
        self.folder = folder
        self._predictions: dict[str, Frames] = {}  # of the evaluations so far
        self._unwritten = False
        self._writes_after_cells = False

    @property
    def by_hand(self) -> bool:
        """Tell whether a person opened the notebook, so that nothing is written."""
        return self.folder is None

    def say(self, text: str) -> None:
        """Show a line that is no part of the record."""
        from IPython.display import display

        display({"text/plain": f"⚠ {text}"}, raw=True)

    def evaluation(self, name: str, content: dict[str, Any]) -> None:
        """Keep an evaluation under its name."""
        self.record.evaluations[name] = plain(content)
        self.record.fits += content["fits"]
        self._write()

    def predictions(self, name: str, predictions: "Frames") -> None:
        """Keep the out-of-fold predictions of an evaluation, as `to_keep` returned them, beside the
        record: after each cell that made some, since each time the whole file is written."""
        if self.folder is None:
            return
        self._predictions[name], self._unwritten = predictions, True
        if not self._writes_after_cells:
            self._writes_after_cells = _after_each_cell(self.write_predictions)
        if not self._writes_after_cells:
            self.write_predictions()

    def write_predictions(self, *_: Any) -> None:
        """Write the predictions that are not on disk yet. What keeps them from it is said, and no
        file of predictions is left: that no study is worth less."""
        from ninefold.study.kept_predictions import OUT_OF_FOLD, pack_predictions

        if self.folder is None or not self._unwritten:
            return
        self._unwritten = False
        try:
            self.keep_file(OUT_OF_FOLD, pack_predictions(self._predictions))
        except NinefoldError as error:
            self.record.predictions.pop(OUT_OF_FOLD, None)
            Files(self.folder).remove(OUT_OF_FOLD)
            self.say(f"The out-of-fold predictions are not kept: {error}")
            self._write()

    def keep_file(self, name: PredictionsFile, content: bytes) -> None:
        """Keep a file of predictions beside the record, which then names it; not by hand."""
        from ninefold.study.kept_predictions import describe_kept

        if self.folder is not None:
            write_whole(self.folder / name, content)
            self.record.predictions[name] = describe_kept(content)
            self._write()

    def value(self, **values: Any) -> None:
        """Keep values that expressions in prose can quote."""
        self.record.values.update(plain(values))
        self._write()

    def fact(self, text: str, kind: FactKind = "fact", **values: Any) -> None:
        """Show one computed line: a "fact", whose fields are kept as values too, a "note" that
        warns, or an "idea"."""
        self.record.facts.append({"kind": kind, "text": text, "values": plain(values)})
        if kind == "fact":
            self.record.values.update(plain(values))
        line = fill(text, plain(values))
        sign = {"fact": "⚙", "idea": "•"}.get(kind, "⚠")
        pointer = "note" if kind == "note" else "fact"
        self._show(pointer, len(self.record.facts) - 1, {"text/plain": f"{sign} {line}"})

    def alarm(self, text: str, **values: Any) -> None:
        """Show a note that a reader must know before the score: the report says it first."""
        known = self.record.values.get("alarms")
        earlier = known if isinstance(known, list) else []
        self.record.values["alarms"] = [*earlier, {"text": text, "values": plain(values)}]
        self.fact(text, kind="note", **values)

    def table(self, name: str, table: dict[str, Any]) -> None:
        """Show a table: {"caption", "columns": [{"name", "label", "format"}], "rows"}."""
        kept = self.record.tables[name] = plain(table)
        cells = [
            [
                show(cell, column["format"])
                for cell, column in zip(row, kept["columns"], strict=True)
            ]
            for row in kept["rows"]
        ]
        labels = [column["label"] for column in kept["columns"]]
        text = "\n".join("\t".join(row) for row in [labels, *cells])
        self._show("table", name, {"text/html": _html(kept, labels, cells), "text/plain": text})

    def figure(
        self, name: str, drawing: str, data: dict[str, Any], *, alt: str, caption: str
    ) -> None:
        """Draw a figure from plain data, in a light and a dark version."""
        kept = plain(data)
        files = None if self.folder is None else save(drawing, kept, self.folder, name)
        self.record.figures[name] = {
            "drawing": drawing,
            "data": kept,
            "alt": alt,
            "caption": caption,
            "files": files or {"light": ""},  # drawn by hand: nothing is written
        }
        picture = base64.b64encode(to_png(drawing, kept)).decode()
        self._show("figure", name, {"image/png": picture, "text/plain": alt})

    def data(self, source: str, sha256: str) -> None:
        """Keep which rows the section has read."""
        self.record.run["data"] = {"source": source, "sha256": sha256}
        self._write()

    def forecast(self, forecast: dict[str, Any]) -> None:
        self.record.forecast = plain(forecast)
        self._write()

    def _show(self, kind: str, name: str | int, shapes: dict[str, str]) -> None:
        from IPython.display import display

        self._write()
        pointer = {"schema": 1, "section": self.record.section, "kind": kind, "name": name}
        display({MIME: pointer, **shapes}, raw=True)

    def _write(self) -> None:
        if self.folder is not None:
            write_record(self.folder, self.record)


def _after_each_cell(write: Callable[..., None]) -> bool:
    """Have `write` called after each cell of the notebook; False where there is none."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.events.register("post_run_cell", write)
    return shell is not None


def _html(table: dict[str, Any], labels: list[str], cells: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(label)}</th>" for label in labels)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in cells
    )
    caption = escape(table.get("caption", ""))
    return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>"
