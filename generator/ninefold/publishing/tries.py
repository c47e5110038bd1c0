"""What was tried in sections 4 to 6, by family: the more, the luckier the best of them."""

from collections import Counter
from collections.abc import Mapping

from ninefold.formats import show
from ninefold.history import History, digest_of_try
from ninefold.record_entries import EvaluationEntry
from ninefold.records import Record

_SECTIONS = ("4-", "5-", "6-")
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
    counts = Counter(_families(records).values())
    return {**{name: counts[name] for name in _FAMILIES if counts[name]}, "total": counts.total()}


def _families(records: Mapping[str, Record]) -> dict[str, str]:
    """Return digest of an evaluation in sections 4 to 6 → its family."""
    return {
        digest_of_try(entry): _family(entry)
        for section, record in records.items()
        if section.startswith(_SECTIONS)
        for entry in record.evaluations.values()
    }


def count_gone(records: Mapping[str, Record], history: History) -> int:
    """Return how many different evaluations in sections 4 to 6 the log has of runs, whole or
    failed, that are in no record any more."""
    logged = (e for e in history.of("run", "failed") if e["section"].startswith(_SECTIONS))
    tried = {each for entry in logged for each in entry.get("tried", ())}
    return len(tried - _families(records).keys())


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
