"""A project's sections and results as one document."""

from dataclasses import replace

from ninefold.errors import NinefoldError
from ninefold.history import History
from ninefold.project import Project, Section
from ninefold.publishing.blocks import (
    Block,
    Document,
    DocumentSection,
    Fact,
    Heading,
    Place,
    State,
    label_of,
    record_file,
)
from ninefold.publishing.calibration import score_forecasts
from ninefold.publishing.context import Context, build_context
from ninefold.publishing.displays import forecast
from ninefold.publishing.grids import grid_of
from ninefold.publishing.markdown import anchor, escape, plain_text
from ninefold.publishing.notebooks import notebook_blocks
from ninefold.publishing.pages import page_blocks, read_page
from ninefold.publishing.provenance import calibration_facts, provenance_facts
from ninefold.records import Record
from ninefold.running.staleness.keys import Keys, own_keys

# The sections that are folders have no file of their own to be named in.
_FOLDERS = {"5-experiments": "Experimental results", "6-improvements": "Improvements"}


def build_document(project: Project, records: dict[str, Record], history: History) -> Document:
    """Return the document of a project, given the records of its sections and its log. Runs
    nothing.

    Raises NinefoldError for a file that cannot be read and an expression that names nothing.
    """
    if not project.sections:
        raise NinefoldError(f"no sections in {project.root / 'sections'}")
    context = build_context(project, records)
    keys = own_keys(project)
    sections: list[DocumentSection] = []
    pictures: dict[str, bytes] = {}
    folder = ""
    for section in project.sections:
        parent = section.id.rpartition("/")[0]
        if parent and parent != folder:
            sections.append(_folder_section(parent))
        folder = parent
        shown, drawn = _section(keys, section, records, context)
        sections.append(shown)
        pictures.update(drawn)
    _add_to_last(sections, calibration_facts(records), "5", "6")
    _add_to_last(sections, provenance_facts(project, records, history), "9")
    study = project.settings.study
    return Document(study.title, study.author, _with_anchors(study.title, sections), pictures)


def _add_to_last(sections: list[DocumentSection], facts: list[Fact], *numbers: str) -> None:
    """Put computed lines at the end of the last section with one of the numbers, or of all."""
    fitting = [i for i, own in enumerate(sections) if own.label.partition(".")[0] in numbers]
    last = (fitting or [len(sections) - 1])[-1]
    sections[last] = replace(sections[last], blocks=(*sections[last].blocks, *facts))


def _folder_section(folder: str) -> DocumentSection:
    return DocumentSection(folder, label_of(folder), _FOLDERS.get(folder, _spoken(folder)), ())


def _section(
    keys: Keys, section: Section, records: dict[str, Record], context: Context
) -> tuple[DocumentSection, dict[str, bytes]]:
    record = records.get(section.id)
    file = section.file
    pictures: dict[str, bytes] = {}
    state: State = "page"
    if section.is_notebook:
        shown = notebook_blocks(keys, section, record, context)
        blocks, state, pictures = shown.blocks, shown.state, shown.pictures
    else:
        blocks = page_blocks(read_page(keys.project, file), context, Place(file, 1))
    title, blocks = _take_title(blocks, _spoken(section.id))
    if record:
        blocks = _with_forecast(blocks, section, record)
    grid = grid_of(keys, section, records)
    end = _heading_at(blocks, "findings", len(blocks))  # what an author writes of the results
    blocks = [*blocks[:end], *grid.blocks, *blocks[end:]]
    label = label_of(section.id)
    depth = label.count(".")
    levelled = tuple(
        replace(b, level=max(b.level, 2) + depth) if isinstance(b, Heading) else b for b in blocks
    )
    found = record_file(section.id) if record else ""
    whole = DocumentSection(
        section.id, label, title, levelled, state, file, found,
        predictions=tuple(f"results/{section.id}/{name}" for name in record.predictions)
        if record else (),
        failed_points=grid.failed, outdated_points=grid.outdated,
    )  # fmt: skip
    return whole, pictures


def _take_title(blocks: list[Block], otherwise: str) -> tuple[str, list[Block]]:
    """Return the first heading's text, and the blocks without it."""
    for index, block in enumerate(blocks):
        if isinstance(block, Heading):
            return block.text, blocks[:index] + blocks[index + 1 :]
    return otherwise, blocks


def _with_forecast(blocks: list[Block], section: Section, record: Record) -> list[Block]:
    """Put the forecast below the heading "Results", or at the end where there is none."""
    stated = forecast(section.id, record)
    if stated is None:
        return blocks
    place = _heading_at(blocks, "results", len(blocks) - 1) + 1
    return [*blocks[:place], stated, *_scored(section, record), *blocks[place:]]


def _scored(section: Section, record: Record) -> list[Block]:
    """Return the line that says how good a forecast was; none for one without an outcome, or that
    follows it."""
    found = score_forecasts({section.id: record}).get(section.id)
    if found is None:
        return []
    text = "The forecast's winner {had} the best mean: Brier score {brier:score}"
    text += "." if found.error is None else "; its difference was off by {error:signed}."
    had = "had" if found.won else "did not have"
    values = {"had": had, "brier": found.brier, "error": found.error}
    return [Fact(text, values, "")]


def _heading_at(blocks: list[Block], name: str, otherwise: int) -> int:
    """Return the place of the first heading of that name, or `otherwise`."""
    for place, block in enumerate(blocks):
        if isinstance(block, Heading) and plain_text(block.text).strip().casefold() == name:
            return place
    return otherwise


def _spoken(section: str) -> str:
    """Return a title made of an id: "5-experiments/2-batch-size" is "Batch size"."""
    return escape(section.rpartition("/")[2].partition("-")[2].replace("-", " ").capitalize())


def _with_anchors(title: str, sections: list[DocumentSection]) -> tuple[DocumentSection, ...]:
    taken: dict[str, int] = {}
    anchor(escape(title), taken)
    found = []
    for section in sections:
        own = anchor(section.heading, taken)
        blocks = tuple(
            replace(block, anchor=anchor(block.text, taken))
            if isinstance(block, Heading)
            else block
            for block in section.blocks
        )
        found.append(replace(section, anchor=own, blocks=blocks))
    return tuple(found)
