"""A project's report, rendered into memory; compared with, or written over, what is committed."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.publishing.context import read_records
from ninefold.publishing.document import build_document
from ninefold.publishing.github import FIGURES, render_github
from ninefold.publishing.summary import summarise
from ninefold.suggestions import did_you_mean

# A format: what renders it, and the folder that holds nothing but its files.
FORMATS = {"github": (render_github, FIGURES)}


@dataclass(frozen=True)
class Rendering:
    """The files of a report by their paths from the project's root, and the folder that is
    theirs alone: what else lies in it is stale."""

    files: dict[str, bytes]
    folder: str


def render(project: Project, name: str = "github") -> Rendering:
    """Render a project's report in the format `name`. Executes and writes nothing.

    The same project gives the same bytes. Raises NinefoldError for an unknown format and for
    whatever in the project keeps the report from being made.
    """
    if name not in FORMATS:
        raise NinefoldError(f"no format '{name}'", did_you_mean(name, FORMATS))
    make, folder = FORMATS[name]
    records = read_records(project)
    document = build_document(project, records)
    return Rendering(make(project, document, summarise(project, records, document)), folder)


def differences(project: Project, rendering: Rendering) -> list[str]:
    """Return the names of the files that are missing, stale or not what would be rendered."""
    different = [
        name for name, content in rendering.files.items() if not _same(project.root / name, content)
    ]
    return sorted({*different, *_stale(project, rendering)})


def write(project: Project, rendering: Rendering) -> list[str]:
    """Write what differs, remove what is stale; return the names of both."""
    different = differences(project, rendering)
    for name in different:
        if name in rendering.files:
            _write_bytes(project.root / name, rendering.files[name])
        else:
            (project.root / name).unlink()
    return different


def _same(path: Path, content: bytes) -> bool:
    """git may change the line ends of text; that makes no other report."""
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return False
    if path.suffix in (".md", ".svg"):
        return found.replace(b"\r\n", b"\n") == content.replace(b"\r\n", b"\n")
    return found == content


def _stale(project: Project, rendering: Rendering) -> list[str]:
    files = (project.root / rendering.folder).rglob("*")
    names = (path.relative_to(project.root).as_posix() for path in files if path.is_file())
    return [name for name in names if name not in rendering.files]


def _write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise NinefoldError(f"{path} cannot be written: {error.strerror}") from None
