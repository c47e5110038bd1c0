"""The reader's first minute: what a study asked, what came out, and how sure that is.

Everything is read from section 7's record, whose `values` hold

    best        {"name", …}                    metric, metric_label
    holdout     {"score", "low", "high", "n"}  range     {"mean", "low", "high"}
    constant    score                          simple    {"name", "score"}
    inside      whether the score is inside the range
    verdict     in words                       looks     how often the hold-out was looked at

and `figures` a "holdout". What is missing is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ninefold.formats import show
from ninefold.project import Project
from ninefold.publishing.blocks import Document, Figure, Prose, pointer
from ninefold.publishing.context import record_file
from ninefold.publishing.displays import figure
from ninefold.records import Record

FINAL = "7-final-model"
_PROBLEMS = {
    "binary": "binary classification",
    "multiclass": "classification",
    "regression": "regression",
}
_SKILL = "By cross-validation, on the folds that also chose it, the model has skill"
# The three verdicts, so that they can stand alone; "skill" in two; and where there is none.
_VERDICTS = {
    "no evidence of skill": "By cross-validation there is no evidence of skill: the model does "
    "not clearly beat a constant",
    "skill": f"{_SKILL}, but does not clearly beat the best simple model",
    "no better": f"{_SKILL}, but the best simple model scores as well or better",
    "beats the best simple model": f"{_SKILL}, and beats the best simple model",
    "no test: folds ordered in time": "The folds are ordered in time, so that no test of skill is "
    "valid: what there is to go by is the hold-out, which follows them",
}


@dataclass(frozen=True)
class Line:
    """One line of the headline table."""

    label: str
    score: str
    remark: str
    source: str


@dataclass(frozen=True)
class Summary:
    """`lead` is the author's own Markdown; everything else is computed, plain text."""

    lead: str
    about: tuple[str, ...]
    metric: str
    verdict: str
    lines: tuple[Line, ...]
    beside: Line | None  # the same score in a metric that is easier to read
    rows: int | None  # of the hold-out
    looks: int | None
    quick: str
    failed: tuple[str, ...]  # headings of the sections whose last run failed, or a point's
    outdated: tuple[str, ...]  # of those whose results no longer hold for another reason
    figure: Figure | None
    unwritten: int
    parts: int


def summarise(project: Project, records: dict[str, Record], document: Document) -> Summary:
    """Return the summary of a study; before section 7 has run, it holds no result."""
    record = records.get(FINAL)
    values = record.values if record else {}
    verdict = str(values.get("verdict") or "")
    return Summary(
        lead=_lead(document),
        about=tuple(_about(project, records)),
        metric=_metric(values),
        verdict=_VERDICTS.get(_no_better(values) or verdict, verdict),
        lines=tuple(_lines(values)),
        beside=_beside(values, record),
        rows=(values.get("holdout") or {}).get("n"),
        looks=values.get("looks"),
        quick=project.settings.harness.quick,
        failed=tuple(_not_holding(document, failed=True)),
        outdated=tuple(_not_holding(document, failed=False)),
        figure=figure("holdout", FINAL, record) if record and "holdout" in record.figures else None,
        unwritten=document.unwritten,
        parts=document.parts,
    )


def _not_holding(document: Document, *, failed: bool) -> Iterator[str]:
    """Yield the headings of sections whose own run, or a point of whose grid, failed; or those
    where one is out of date."""
    for section in document.sections:
        own = section.state == ("failed" if failed else "changed")
        remark = section.failed_points if failed else section.outdated_points
        if own or remark:
            yield section.heading + (f" ({remark})" if remark else "")


def _no_better(values: dict[str, Any]) -> str:
    """Return "no better" where a model with skill has no better mean than the best simple one."""
    from ninefold.study.metrics import METRICS

    metric = values.get("metric", "")
    own = ((values.get("best") or {}).get(metric) or {}).get("mean")
    other = ((values.get("simple") or {}).get("expected") or {}).get("mean")
    if values.get("verdict") != "skill" or own is None or other is None:
        return ""
    return (
        "no better" if (own - other) * (1 if METRICS[metric].greater_is_better else -1) <= 0 else ""
    )


def _lead(document: Document) -> str:
    """Return the first paragraph of the problem's description, where a person wrote it."""
    first = next(iter(document.sections[0].blocks), None)
    return first.markdown.split("\n\n")[0] if isinstance(first, Prose) else ""


def _about(project: Project, records: dict[str, Record]) -> list[str]:
    """Return what is known before any result: kind of problem, target, size, data."""
    settings = project.settings
    found = records["2-data-summary"].values if "2-data-summary" in records else {}
    problem = found.get("problem", settings.study.problem)
    rows = found.get("rows")
    parts = [
        f"{_PROBLEMS.get(problem, 'prediction')} of {settings.data.target}",
        f"{show(rows, 'integer')} development rows" if isinstance(rows, int) else "",
        f"data: {settings.data.origin or settings.data.source}",
        settings.data.licence,
    ]
    return [part for part in parts if part]


def _lines(values: dict[str, Any]) -> list[Line]:
    best = (values.get("best") or {}).get("name")
    simple = values.get("simple") or {}
    predicted = (values.get("range") or {}).get("low") is not None
    expected = "… as predicted by cross-validation" if predicted else "… mean of cross-validation"
    rows = [
        _line(values, "holdout", f"final model: {best}" if best else "final model", "score"),
        _line(values, "range", expected, "mean"),
        _line(values, "simple", f"best simple model: {simple.get('name', '')}", "score"),
        _line(values, "constant", "strongest constant", ""),
    ]
    return [row for row in rows if row]


def _metric(values: dict[str, Any]) -> str:
    """Return the deciding metric's label, and which way is better where that is down."""
    from ninefold.study.metrics import METRICS

    label = str(values.get("metric_label") or values.get("metric") or "score")
    known = METRICS.get(values.get("metric", ""))
    return label if known is None or known.greater_is_better else f"{label} (lower is better)"


def _beside(values: dict[str, Any], record: Record | None) -> Line | None:
    """Return the hold-out score in the metric that people read more easily than log loss."""
    from ninefold.study.metrics import METRICS, shown_beside

    table = record.tables.get("holdout-scores") if record else None
    if table is None or values.get("metric") not in METRICS:
        return None
    label = METRICS[shown_beside(values["metric"])].label
    for index, row in enumerate(table["rows"]):
        if row[0] == label and len(row) > 2 and row[1] is not None:
            source = pointer(record_file(FINAL), "tables", "holdout-scores", "rows", index)
            return Line(label, show(row[1], "score"), _range(row[2]), source)
    return None


def _range(interval: dict[str, Any] | None) -> str:
    return show(interval, "interval") if interval and interval.get("low") is not None else ""


def _line(values: dict[str, Any], name: str, label: str, key: str) -> Line | None:
    """Return a line of the table, or None where its number is missing."""
    found: Any = values.get(name) or {}
    score = found.get(key) if key else values.get(name)
    if score is None:
        return None
    remark = _range(found) if key else ""
    if name == "simple" and found.get("expected"):
        remark = f"by cross-validation {show(found['expected'], 'pm')}"
    if name == "range" and isinstance(values.get("inside"), bool):
        remark += ", the score is inside" if values["inside"] else ", the score is OUTSIDE"
    return Line(label, show(score, "score"), remark, pointer(record_file(FINAL), "values", name))
