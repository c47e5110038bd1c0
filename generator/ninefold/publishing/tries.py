"""What was tried in sections 4 to 6, by family: the more, the luckier the best of them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ninefold.formats import show
from ninefold.plain_json import digest
from ninefold.records import EvaluationEntry, Record

# Family → how one and several of it are called, the simplest first.
_FAMILIES = {
    "constant": ("constant", "constants"),
    "linear": ("linear model", "linear models"),
    "tree": ("single tree", "single trees"),
    "simple": ("scikit-learn model", "scikit-learn models"),
    "network": ("network", "networks"),
    "ensemble": ("average of networks", "averages of networks"),
}


def count_tries(records: Mapping[str, Record]) -> dict[str, int]:
    """Return family → how many different evaluations, points of grids included, and their "total".
    One that was judged twice to the same result, such as a control, counts once."""
    known: dict[str, str] = {}
    for section, record in records.items():
        if section.startswith(("4-", "5-", "6-")):
            for entry in record.evaluations.values():
                alike: list[Any] = [entry["variant"], entry["members"], entry["summary"]]
                known[digest(alike)] = _family(entry)
    counts = Counter(known.values())
    return {**{name: counts[name] for name in _FAMILIES if counts[name]}, "total": counts.total()}


def spell_tries(counts: Mapping[str, int]) -> str:
    """Return the same in words, the most numerous family first: "35 networks, 1 linear model"."""
    families = sorted((name for name in counts if name in _FAMILIES), key=lambda n: -counts[n])
    return ", ".join(
        f"{show(counts[name], 'integer')} {_FAMILIES[name][counts[name] > 1]}" for name in families
    )


def _family(entry: EvaluationEntry) -> str:
    """Return the family of an evaluation: of an estimator, as its record says."""
    if entry["engine"] == "constant":
        return "constant"
    if entry["engine"] != "scikit-learn":
        return "network" if entry["members"] == 1 else "ensemble"
    named = entry["variant"].get("family")
    return named if named in ("constant", "linear", "tree") else "simple"
