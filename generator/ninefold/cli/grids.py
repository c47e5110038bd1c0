"""The points of a grid in a table of sections: told by name where they are few, else counted; and
the results of sections and points that are gone."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from ninefold.project import Project

Row = dict[str, Any]  # of `ninefold status`

_MOST_NAMED = 6  # points of a grid; of more only those that failed have a line of their own
_MOST_FAILED = 5
_MOST_CAUSES = 3
_MOST_LEFT_OVER = 10
_GONE = "sections or points of grids that are gone"


def folded(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows, those of points indented below their section's, many as one that counts."""
    for grid, group in groupby(rows, lambda row: row["section"].rpartition("@")[0]):
        points = list(group)
        if grid and len(points) > _MOST_NAMED:
            yield _counted(points)
            points = [row for row in points if row["state"] == "failed"][:_MOST_FAILED]
        for row in points:
            yield row | {"section": f"  @{row['section'].rpartition('@')[2]}"} if grid else row


def _counted(points: list[Row]) -> Row:
    """Return one row for all points: how many are in which state, and of what cause."""
    states = Counter(row["state"] for row in points)
    causes = Counter((row["state"], row["why"]) for row in points if row["state"] != "failed")
    said = [f"{count} {_of_cause(*cause)}" for cause, count in causes.most_common(_MOST_CAUSES)]
    told = sum(count for _, count in causes.most_common(_MOST_CAUSES)) + states["failed"]
    said += [f"{len(points) - told} stale for other reasons"] if told < len(points) else []
    said += [f"{states['failed']} failed"] if states["failed"] else []
    return {
        "section": f"  {len(points):,} points of its grid",
        "prompts": 0,
        "state": next(state for state in ("failed", "stale", "fresh") if states[state]),
        "results": "; ".join(said),
        "seconds": sum(row["seconds"] or 0 for row in points) or None,
    }


def _of_cause(state: str, why: str) -> str:
    return f"{state}: {why}" if why else state


def left_over_lines(project: Project) -> list[str]:
    """Say which results belong to sections or points that are gone, and what to do."""
    names = [f"results/{name}" for name in project.left_over]
    if not names:
        return []
    more = len(names) - _MOST_LEFT_OVER
    return [
        f"results of {_GONE}, used by nothing; 'ninefold status --prune' removes them:",
        *(f"  {name}" for name in names[:_MOST_LEFT_OVER]),
        *([f"  and {more:,} more"] if more > 0 else []),
    ]


def left_over_note(project: Project) -> list[str]:
    """Return the same as one line, at the end of a run."""
    count = len(project.left_over)
    said = f"{count:,} folder{'s' if count > 1 else ''} of results of {_GONE}"
    return [f"{said}: 'ninefold status' lists them"] if count else []


def pruned_lines(project: Project, removed: Sequence[str]) -> list[str]:
    """Say which results were removed, and which were not, and why."""
    why = "a link, or its record is not one that a run left there; delete it if you do not need it"
    return [
        *(f"removed results/{name}" for name in removed),
        *(f"kept results/{name}: {why}" for name in project.left_over),
    ]
