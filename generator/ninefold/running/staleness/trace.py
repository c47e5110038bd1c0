"""The trace of a run, `reads.jsonl`: what its notebook read, a line for each thing.

    {"watching": section}                            the first line
    {"file": path, "digest": …}                      opened to be read; with its content just then
    {"wrote": path}                                  written anew by the notebook itself
    {"setting": "harness.epochs", "value": JSON}     of ninefold.toml
    {"section": id, "digest": …}                     whose results were opened; of what they are
    {"module": name, "through": [name, …]}           imported, while those were being imported
    {"lost": error}                                  something could not be followed

A line is written as its thing happens, so that a kernel may end however it likes. Paths are named
as in `paths`, a folder's end in "/".
"""

from dataclasses import dataclass, field
from pathlib import Path

from ninefold.bounded import LOG
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.plain_json import parse_json
from ninefold.running.staleness.contents import ABSENT

READS = "reads.jsonl"


@dataclass
class Trace:
    """What one run of a notebook read, each as it stood when it was first read."""

    files: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    modules: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    wrote: set[str] = field(default_factory=set)


def read_trace(output: Path) -> Trace | None:
    """Return what a watched kernel wrote into `output`; None where it does not tell all."""
    try:
        text = Files(output).read(READS, LOG)
        lines = [parse_json(line, READS) for line in text.splitlines()]
    except (FileNotFoundError, NinefoldError):
        return None
    if not lines or not all(isinstance(line, dict) for line in lines):
        return None
    if "watching" not in lines[0] or any("lost" in line for line in lines):
        return None
    trace = Trace()
    for line in lines:
        match line:
            case {"file": str(name), "digest": str(found)}:
                trace.files.setdefault(name, found)
            case {"wrote": str(name)}:
                trace.wrote.add(name)
                if trace.files.get(name) == ABSENT:
                    del trace.files[name]  # looked for, not found and made: no input
            case {"setting": str(name), "value": str(value)}:
                trace.settings.setdefault(name, value)
            case {"section": str(name), "digest": str(found)}:
                trace.sections.setdefault(name, found)
            case {"module": str(name), "through": [*through]}:
                trace.modules.append((name, tuple(map(str, through))))
    return trace
