"""Forecasts of experiments: kept with the first result they preceded, by the records that there are
and by the log.

A forecast is its section's. A point of the grid only keeps what was stated when it ran, so that
none can follow its result; it is shown and judged with the section's own run alone.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from ninefold.bounded import RECORD
from ninefold.errors import NinefoldError
from ninefold.history import read_history
from ninefold.project import Project
from ninefold.record_entries import ForecastEntry, NoForecast
from ninefold.records import RECORD_FILE, mistakes_of


@dataclass(frozen=True)
class FirstResult:
    """That a section has been evaluated before: the forecast that preceded it, as recorded, and
    the name of the record where that cannot be read any more."""

    forecast: dict[str, Any]
    unreadable: str = ""


_NEVER = {"stated": "never"}
_schema: TypeAdapter[Any] = TypeAdapter(ForecastEntry | NoForecast | None)


def first_result(project: Project, section: str) -> FirstResult | None:
    """Return what an earlier run of a section, whole or failed, leaves of a forecast: its own run
    or, before there is one, a point of its grid, also one that the grid no longer has. None where
    nothing has been evaluated.

    A record that cannot be read may have held a result: no forecast is known to precede it.
    """
    if not section:  # a notebook opened by hand
        return None
    own = project.section(section).notebook
    points = [point.id for point in project.points(project.section(own))]
    left_over = [n for n in project.left_over_points if n.rpartition("@")[0] == own]
    unreadable = ""
    for name in (own, *points, *left_over):
        for folder in (f"results/{name}", f"results/{name}/failure"):
            try:
                found = _first_result(project, f"{folder}/{RECORD_FILE}")
            except NinefoldError:
                unreadable = unreadable or f"{folder}/{RECORD_FILE}"
                continue
            if found:
                return found
    return FirstResult(_NEVER, unreadable) if unreadable else _logged(project, own)


def _logged(project: Project, notebook: str) -> FirstResult | None:
    """Return the same by the log alone: of results that are there no more."""
    forecast: dict[str, Any] = _NEVER
    for entry in read_history(project.files).of("run", "failed", "forecast"):
        if entry["section"].partition("@")[0] != notebook:
            continue
        if entry["kind"] == "forecast":
            forecast = {name: entry[name] for name in ForecastEntry.__required_keys__}
        elif entry["evaluations"]:
            return FirstResult(forecast)
    return None


def _first_result(project: Project, name: str) -> FirstResult | None:
    """Return what a record holds of a forecast, of whatever version the rest of it is."""
    try:
        content = project.files.json(name, RECORD)
    except FileNotFoundError:
        return None
    if not isinstance(content, dict):
        raise NinefoldError(f"{name} is no record")
    if not content.get("evaluations"):
        return None
    with mistakes_of(name):
        return FirstResult(_schema.validate_python(content.get("forecast")) or _NEVER)


def keep_forecast(stated: dict[str, Any], earlier: FirstResult | None) -> dict[str, Any]:
    """Return the forecast that the record is to hold.

    Before the first result (there is nothing `earlier`) it is what was stated, or "never".
    Afterwards what preceded the first result stands, and another one that is stated by now is kept
    as "later"; a first one that comes after the result is marked "after".

    Raises NinefoldError where only a part is stated or a number is out of range.
    """
    forecast = _validated(stated)
    if earlier is None:
        return {"stated": "before", **forecast} if forecast else _NEVER
    first = earlier.forecast
    if first["stated"] == "before" and forecast and any(first[n] != forecast[n] for n in forecast):
        return {**first, "later": forecast}
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
