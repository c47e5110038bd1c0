"""The reader's first minute: what a study asked, what came out, and how sure that is.

Everything is read from section 7's record, from its `values` (see `final_values`) and its figure
"holdout". What is missing is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ninefold.bounded import AGAIN
from ninefold.formats import show
from ninefold.history import History
from ninefold.project import Project
from ninefold.publishing.blocks import Document, Figure, Prose, pointer, record_file
from ninefold.publishing.displays import figure
from ninefold.publishing.final_values import Alarm, Alarming, FinalValues, Rival
from ninefold.publishing.headline import NETWORKS, headline, spell_difference
from ninefold.publishing.integrity import Doubt, find_doubts
from ninefold.records import Record, mistakes_of

DATA, FINAL = "2-data-summary", "7-final-model"
_PROBLEMS = {
    "binary": "binary classification",
    "multiclass": "classification",
    "regression": "regression",
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
    """`lead` is the author's own Markdown; everything else is computed, plain text.

    doubts  what does not add up in the study, a sentence each
    alarms  what a reader must know before the score, the worst first
    looks   how often the hold-out was looked at, by the log; 0, too, where it cannot tell
    """

    lead: str
    about: tuple[str, ...]
    metric: str
    doubts: tuple[str, ...]
    alarms: tuple[str, ...]
    verdict: str
    lines: tuple[Line, ...]
    beside: Line | None  # the same score in a metric that is easier to read
    rows: int | None  # of the hold-out
    looks: int
    quick: str
    failed: tuple[str, ...]  # headings of the sections whose last run failed, or a point's
    outdated: tuple[str, ...]  # of those whose results no longer hold for another reason
    figure: Figure | None
    unwritten: int
    parts: int


def summarise(
    project: Project, records: dict[str, Record], document: Document, history: History
) -> Summary:
    """Return the summary of a study; before section 7 has run, it holds no result. Raises
    NinefoldError where its record holds other values than section 7 leaves."""
    record = records.get(FINAL)
    with mistakes_of(record_file(FINAL), AGAIN, "values"):
        values = FinalValues.model_validate(record.values if record else {})
    return Summary(
        lead=_lead(document),
        about=tuple(_about(project, records)),
        metric=_metric(values),
        doubts=_said(find_doubts(project, records, history)),
        alarms=tuple(alarm.said for alarm in (*values.alarms, *_of_data(records))),
        verdict=headline(values),
        lines=tuple(_lines(values)),
        beside=_beside(values, record),
        rows=values.holdout.n,
        looks=0 if history.instead else history.count,
        quick=project.settings.harness.quick,
        failed=tuple(_not_holding(document, failed=True)),
        outdated=tuple(_not_holding(document, failed=False)),
        figure=figure("holdout", FINAL, record) if record and "holdout" in record.figures else None,
        unwritten=document.unwritten,
        parts=document.parts,
    )


def _said(doubts: list[Doubt]) -> tuple[str, ...]:
    """Return what does not add up, each with its code; of one kind a few."""
    found: list[str] = []
    for code in dict.fromkeys(doubt.code for doubt in doubts):
        said = list(dict.fromkeys(doubt.sentence for doubt in doubts if doubt.code == code))
        more = len(said) - _MOST_OF_A_KIND
        found += [f"{sentence} ({code})" for sentence in said[:_MOST_OF_A_KIND]]
        found += [f"{more} more of these: see 'ninefold check'. ({code})"] if more > 0 else []
    return tuple(found)


_MOST_OF_A_KIND = 5


def _of_data(records: dict[str, Record]) -> list[Alarm]:
    """Return what is alarming about the development rows."""
    record = records.get(DATA)
    with mistakes_of(record_file(DATA), AGAIN, "values"):
        return Alarming.model_validate(record.values if record else {}).alarms


def _not_holding(document: Document, *, failed: bool) -> Iterator[str]:
    """Yield the headings of sections whose own run, or a point of whose grid, failed; or those
    where one is out of date."""
    for section in document.sections:
        own = section.state == ("failed" if failed else "changed")
        remark = section.failed_points if failed else section.outdated_points
        if own or remark:
            yield section.heading + (f" ({remark})" if remark else "")


def _lead(document: Document) -> str:
    """Return the first paragraph of the problem's description, where a person wrote it."""
    first = next(iter(document.sections[0].blocks), None)
    return first.markdown.split("\n\n")[0] if isinstance(first, Prose) else ""


def _about(project: Project, records: dict[str, Record]) -> list[str]:
    """Return what is known before any result: kind of problem, target, size, data."""
    settings = project.settings
    found = records[DATA].values if DATA in records else {}
    problem = str(found.get("problem", settings.study.problem))
    rows = found.get("rows")
    parts = [
        f"{_PROBLEMS.get(problem, 'prediction')} of {settings.data.target}",
        f"{show(rows, 'integer')} development rows" if isinstance(rows, int) else "",
        f"data: {settings.data.origin or settings.data.source}",
        settings.data.licence,
    ]
    return [part for part in parts if part]


def _lines(values: FinalValues) -> list[Line]:
    held, simple, rival = values.holdout, values.simple, values.rival
    named = f"final model: {values.name}" if values.name else "final model"
    by_folds = f"by cross-validation {show(simple.expected, 'pm')}" if simple.expected else ""
    rows = [
        ("holdout", named, held.score, _between(held.low, held.high) or held.reason),
        ("range", *_range_line(values)),
    ]
    other = rival if rival and rival.name != simple.name else None
    if simple.name != values.name:
        which = "candidate" if other and other.kind not in NETWORKS else "model"
        rows.append(("simple", f"best simple {which}: {simple.name}", simple.score, by_folds))
    if other:
        by_folds = f"by cross-validation {show(other.expected, 'score')}"
        rows.append(("rival/score", f"best network: {other.name}", other.score, by_folds))
    rows += [
        ("constant", values.constant_name, values.constant, ""),
    ]
    found = [
        Line(
            label,
            show(score, "score"),
            remark,
            pointer(record_file(FINAL), "values", *name.split("/")),
        )
        for name, label, score, remark in rows
        if score is not None
    ]
    return [*found, *(_differences(values.rival) if values.rival else [])]


def _differences(rival: Rival) -> Iterator[Line]:
    """Yield the paired differences from the rival, on the hold-out and by cross-validation."""
    adjusted = f", adjusted for {rival.compared} candidates" if (rival.compared or 1) > 1 else ""
    kinds = (
        ("holdout", f"difference from {rival.name}, paired", ""),
        ("folds", "… by cross-validation", adjusted),
    )
    for part, label, remark in kinds:
        found = getattr(rival, part)
        if found is not None:
            mean, _, interval = spell_difference(found).partition(", ")
            source = pointer(record_file(FINAL), "values", "rival", part)
            yield Line(label, mean, interval + (remark if interval else ""), source)


def _range_line(values: FinalValues) -> tuple[str, float | None, str]:
    """Return label, mean and remark of what cross-validation had said."""
    if values.range is None:
        return "", None, ""
    mean, between = values.range["mean"], _between(values.range["low"], values.range["high"])
    if not between:
        return "… mean of cross-validation", mean, ""
    where = {True: ", the score is inside", False: ", the score is OUTSIDE", None: ""}
    return "… as predicted by cross-validation", mean, between + where[values.inside]


def _between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else show({"low": low, "high": high}, "interval")


def _metric(values: FinalValues) -> str:
    """Return the deciding metric's label, and which way is better where that is down."""
    from ninefold.study.metrics import METRICS

    label = values.metric_label or values.metric or "score"
    known = METRICS.get(values.metric)
    return label if known is None or known.greater_is_better else f"{label} (lower is better)"


def _beside(values: FinalValues, record: Record | None) -> Line | None:
    """Return the hold-out score in the metric that people read more easily than log loss."""
    from ninefold.study.metrics import METRICS, shown_beside

    table = record.tables.get("holdout-scores") if record else None
    if table is None or values.metric not in METRICS:
        return None
    label = METRICS[shown_beside(values.metric)].label
    for index, row in enumerate(table["rows"]):
        match row:
            case [name, float(score), interval, *_] if name == label:
                source = pointer(record_file(FINAL), "tables", "holdout-scores", "rows", index)
                return Line(label, show(score, "score"), _of_row(interval), source)
    return None


def _of_row(interval: Any) -> str:
    match interval:
        case {"low": float(low), "high": float(high)}:
            return _between(low, high)
    return ""
