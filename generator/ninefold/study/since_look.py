"""What has changed since the hold-out was first looked at, of all that the choice rests on."""

from collections.abc import Mapping

from ninefold.history import History
from ninefold.plain_json import digest
from ninefold.records import Record

_OF_CANDIDATES = ("4", "5", "6")  # the sections whose models are candidates


def holds_candidates(section: str) -> bool:
    return _number(section) in _OF_CANDIDATES


def keys_of(records: Mapping[str, Record]) -> dict[str, str]:
    """Return digests of what the sections that hold candidates ran with, as a look logs them."""
    return {name: digest(r.key) for name, r in records.items() if holds_candidates(name)}


def changed_since(history: History, now: Mapping[str, str]) -> list[str]:
    """Return the sections that have other results than at the first look, or none any more; nothing
    where the log does not hold what they were.

    now  as `keys_of`
    """
    first = next((look for look in history.looks if look["counted"]), {})
    then: dict[str, str] = first.get("keys", {})
    known = {_number(name) for name in then} | {"5", "6"}  # older looks lack section 4
    names = sorted({*then, *now}) if then else []
    return [n for n in names if _number(n) in known and then.get(n) != now.get(n)]


def _number(section: str) -> str:
    return section.partition("-")[0]
