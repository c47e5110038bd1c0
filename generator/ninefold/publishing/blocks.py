"""The document between a study and its formats: metadata, sections, typed blocks. Nothing else.

A block that shows a number says in `source` where it was computed: a file from the project's
root and a JSON pointer, "results/4-baseline/record.json#/tables/constants".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ninefold.records import RECORD_FILE
from ninefold.running.failures import Failure


@dataclass(frozen=True)
class Place:
    """Where in the project something stands, as a person finds it again."""

    file: str  # from the project's root, "/" on every system
    line: int  # counted from 1: in the file, or in the cell of a notebook
    cell: int | None = None  # counted from 1

    def __str__(self) -> str:
        if self.cell is None:
            return f"{self.file}:{self.line}"
        return f"{self.file}, cell {self.cell}, line {self.line}"


@dataclass(frozen=True)
class Quotation:
    """A number that prose quotes by an expression."""

    expression: str
    text: str  # as the reader sees it
    source: str  # "" where the section that computes it has not run


@dataclass(frozen=True)
class Heading:
    level: int  # in the document: one of the nine sections has 1
    text: str  # Markdown
    anchor: str = ""


@dataclass(frozen=True)
class Prose:
    """What a person wrote: Markdown, its expressions replaced."""

    markdown: str
    quoted: tuple[Quotation, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """A question to the author that still waits for an answer."""

    text: str  # Markdown without the quotation marks and the word DRAFT
    place: Place
    quoted: tuple[Quotation, ...] = ()


@dataclass(frozen=True)
class Fact:
    """One computed line."""

    text: str  # formats.fill puts the values in
    values: dict[str, Any]
    source: str


@dataclass(frozen=True)
class Note:
    """A warning: computed by a section (then with a source), or about the report itself."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    tone: Literal["note", "warning", "caution"] = "warning"


@dataclass(frozen=True)
class Table:
    caption: str
    columns: tuple[Mapping[str, Any], ...]  # name, label, format
    rows: tuple[tuple[Any, ...], ...]  # as recorded; formats.show makes text of them
    source: str
    sources: tuple[str, ...] = ()  # of each row, where they come from several records


@dataclass(frozen=True)
class Figure:
    name: str
    alt: str
    caption: str
    light: str  # file, from the project's root
    dark: str  # the same file where it has no version for the dark
    source: str = ""  # "" for a picture that the user's own code drew
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Code:
    language: str
    text: str


@dataclass(frozen=True)
class Output:
    """What the user's own code printed or returned, as text."""

    text: str


@dataclass(frozen=True)
class Forecast:
    """What the author of an experiment expected, beside what came."""

    stated: Literal["before", "after", "never"]
    expected: dict[str, Any]  # winner, difference, confidence
    outcome: dict[str, Any]  # winner, difference {mean, low, high}, verdict; {} before any
    source: str


Block = Heading | Prose | Prompt | Fact | Note | Table | Figure | Code | Output | Forecast | Failure
State = Literal["page", "fresh", "changed", "never", "failed"]


@dataclass(frozen=True)
class DocumentSection:
    """A section of the report; `blocks` leaves out its title."""

    id: str
    label: str  # its number in the outline: "2", "5.1"
    title: str  # Markdown, without the number
    blocks: tuple[Block, ...]
    state: State = "page"
    source: str = ""  # its own file; "" for the heading over several
    record: str = ""  # its record's file; "" without one
    predictions: tuple[str, ...] = ()  # files beside it that hold predictions
    anchor: str = ""
    failed_points: str = ""  # of its grid: "2 points failed"
    outdated_points: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Say what of its results does not hold, each in a few words."""
        states = {"failed": "failed", "changed": "out of date"}
        said = (states.get(self.state, ""), self.failed_points, self.outdated_points)
        return tuple(part for part in said if part)

    @property
    def heading(self) -> str:
        return f"{self.label}{'.' if self.depth == 1 else ''} {self.title}"

    @property
    def depth(self) -> int:
        """Return 1 for one of the nine, 2 for a section inside one."""
        return 1 + self.label.count(".")


@dataclass(frozen=True)
class Document:
    """A whole study, ready for a format.

    `pictures` are those that no file holds, by the names that figures give them.
    """

    title: str
    author: str
    sections: tuple[DocumentSection, ...]
    pictures: dict[str, bytes] = field(default_factory=dict)

    @property
    def unwritten(self) -> int:
        """Return how many prompts stand unanswered."""
        return self._count(Prompt)

    @property
    def parts(self) -> int:
        """Return how many parts a person writes: those written, and the unanswered prompts."""
        return self._count(Prompt, Prose)

    def _count(self, *kinds: type) -> int:
        return sum(isinstance(block, kinds) for s in self.sections for block in s.blocks)


def label_of(section: str) -> str:
    """Return the number in the outline: "5-experiments/2-batch-size" is "5.2"."""
    return ".".join(part.split("-", 1)[0] for part in section.split("/"))


def record_file(section: str) -> str:
    """Return where a section's record is, from the project's root."""
    return f"results/{section}/{RECORD_FILE}"


def pointer(file: str, *keys: str | int) -> str:
    """Return the address of a value in a JSON file (RFC 6901)."""
    return below(f"{file}#", *keys)


def below(address: str, *keys: str | int) -> str:
    """Return the address of a value inside the value at `address`."""
    return address + "".join(f"/{str(k).replace('~', '~0').replace('/', '~1')}" for k in keys)
