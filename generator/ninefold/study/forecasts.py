"""Forecasts of experiments: kept with the first result they preceded.

A forecast is its section's. A point of the grid only keeps what was stated when it ran, so that
none can follow its result; it is shown and judged with the section's own run alone.
"""

from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.records import Record, read_record


def first_result(project: Project, section: str) -> Record | None:
    """Return what an earlier run of a section evaluated, whole or failed: its own run or, before
    there is one, a point of its grid, also one that the grid no longer has. None where nothing
    has been evaluated.
    """
    if not section:  # a notebook opened by hand
        return None
    own = project.section(section).notebook
    points = [point.id for point in project.points(project.section(own))]
    left_over = [name for name in project.left_over if name.rpartition("@")[0] == own]
    for name in (own, *points, *left_over):
        results = project.results_of(name)
        for folder in (results, results / "failure"):
            record = read_record(folder)
            if record and record.evaluations:
                return record
    return None


def keep_forecast(stated: dict[str, Any], earlier: Record | None) -> dict[str, Any]:
    """Return the forecast that the record is to hold.

    Before the first result (no `earlier` record holds one) it is what was stated, or "never".
    Afterwards what preceded the first result stands; one that comes later is marked "after".

    Raises NinefoldError where only a part is stated or a number is out of range.
    """
    forecast = _validated(stated)
    if earlier is None or not earlier.evaluations:
        return {"stated": "before" if forecast else "never", **(forecast or {})}
    first = earlier.forecast or {"stated": "never"}
    if first["stated"] == "before" or not forecast:
        return first
    return {"stated": "after", **forecast}


def _validated(stated: dict[str, Any]) -> dict[str, Any] | None:
    missing = [name for name, value in stated.items() if value is None]
    if len(missing) == len(stated):
        return None
    if missing:
        raise NinefoldError(f"the forecast lacks {' and '.join(missing)}", "expected all three")
    if stated["difference"] < 0:
        raise NinefoldError("the forecast's difference is negative", "expected its size")
    if not 0.5 <= stated["confidence"] <= 1:
        raise NinefoldError(
            f"the forecast's confidence is {stated['confidence']}", "expected 0.5 to 1"
        )
    return stated
