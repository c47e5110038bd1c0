"""The entries of the log, schema version 1: a JSON object a line, each of one kind.

run       a section's results were about to be put in place: the digests of all that it left
undone    they could not be: the results before them stay
failed    a section's run failed after it had evaluated something
forecast  what a section's record holds of a forecast, where that is new
look      section 7 scored the hold-out
read      a notebook took the rows of the hold-out by itself
taken     the log of an older version, and the records that it left
mended    what was wrong with the log, and that it goes on
"""

import hashlib
from functools import cache
from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from ninefold.errors import NinefoldError
from ninefold.plain_json import parse_json

HISTORY = "results/history.jsonl"
SCHEMA = 1
START = "0" * 64  # what the first entry follows

_STRICT = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=10**6)]


class _Entry(TypedDict):
    kind: str
    previous: Digest
    time: NotRequired[str]


@with_config(_STRICT)
class Run(_Entry):
    section: str
    final: NotRequired[dict[str, str]]  # `[final]` of the settings, of a section with candidates
    key: str  # digest of the record's key
    files: dict[str, Digest]  # all that it left; of a folder, such as "figures/", one
    evaluations: Count
    tried: NotRequired[list[str]]  # digest of each evaluation, by which one counts once


@with_config(_STRICT)
class Undone(_Entry):
    section: str


@with_config(_STRICT)
class Failed(_Entry):
    section: str
    evaluations: Count
    tried: NotRequired[list[str]]


@with_config(_STRICT)
class Forecast(_Entry):
    section: str
    stated: Literal["before", "after"]
    winner: str
    difference: float
    confidence: float


@with_config(_STRICT)
class OldLook(TypedDict):
    """One scoring of the hold-out, as an older version logged it, too."""

    counted: bool  # whether configuration and content were a new pair
    configuration: NotRequired[str]
    content: NotRequired[str]
    variant: NotRequired[str]
    metric: NotRequired[str]
    score: NotRequired[float | None]
    time: NotRequired[str]
    keys: NotRequired[dict[str, str]]  # of sections 4 to 6, as they stood then
    split: NotRequired[dict[str, str]]  # the settings that say which rows are held out → JSON
    final: NotRequired[dict[str, str]]  # `[final]` of the settings


@with_config(_STRICT)
class Look(_Entry, OldLook):
    pass


@with_config(_STRICT)
class Read(_Entry):
    section: str


@with_config(_STRICT)
class Taken(_Entry):
    source: str  # the older log; "" for none
    sha256: str
    looks: list[OldLook]
    damaged: Count  # lines of it that could not be read
    instead: NotRequired[str]  # what stood in its place, and could be no log
    records: dict[str, Digest]  # section → its record, which no log had listed


@with_config(_STRICT)
class Mended(_Entry):
    damaged: Count  # lines that could not be read, and are in `kept`
    breaks: list[Digest]  # lines that follow nothing that is there
    heads: list[Digest]  # ends of branches that were merged
    lost: list[str]  # sections with results of which the log knew nothing
    kept: str  # the file that the log was copied to; "" for none
    instead: NotRequired[str]  # what stood in its place, and could be no log


_KINDS = (Run, Undone, Failed, Forecast, Look, Read, Taken, Mended)


@cache
def _kinds() -> dict[str, TypeAdapter[Any]]:
    return {kind.__name__.lower(): TypeAdapter(kind) for kind in _KINDS}


def parse_entry(line: bytes) -> dict[str, Any] | None:
    """Return the entry in a line; None where there is none that can be read.

    Raises NinefoldError for one of a newer version.
    """
    try:
        content = parse_json(line, HISTORY)
    except NinefoldError:
        return None
    if not isinstance(content, dict):
        return None
    schema = content.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise NinefoldError(
            f"{HISTORY} has entries of version {schema}",
            f"this ninefold reads {SCHEMA}",
            "install the ninefold that wrote them, or a newer one",
        )
    kind = _kinds().get(content["kind"]) if isinstance(content.get("kind"), str) else None
    if kind is None or type(schema) is not int or schema != SCHEMA:
        return None
    try:
        entry: dict[str, Any] = kind.validate_python(content)
    except ValidationError:
        return None
    return entry


def digest_of_line(line: bytes) -> str:
    """Return the digest by which the next entry names a line, its line end left out."""
    return hashlib.sha256(line.rstrip(b"\r\n")).hexdigest()
