"""A project's report, rendered into memory; compared with, or written over, what is committed."""

from dataclasses import dataclass

from ninefold.bounded import REPORT as FILE
from ninefold.errors import NinefoldError
from ninefold.history import read_history
from ninefold.project import Project
from ninefold.publishing.context import read_records
from ninefold.publishing.document import build_document
from ninefold.publishing.github import FIGURES, REPORT, SIGNATURE, render_github
from ninefold.publishing.manifest import (
    MANIFEST,
    Manifest,
    digest_of,
    read_manifest,
    settled,
)
from ninefold.publishing.summary import summarise
from ninefold.suggestions import did_you_mean

# A format: what renders it, and the folder that holds nothing but its files.
FORMATS = {"github": (render_github, FIGURES)}


@dataclass(frozen=True)
class Rendering:
    """The files of a report in one format by their paths from the project's root; `folder` is
    theirs alone."""

    format: str
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
    history = read_history(project.files)
    document = build_document(project, records, history)
    files = make(project, document, summarise(project, records, document, history))
    return Rendering(name, files, folder)


def differences(project: Project, rendering: Rendering) -> list[str]:
    """Return the names of the files that are missing, stale or not what would be rendered.

    Raises NinefoldError where the folder of the report is not ninefold's own.
    """
    listed = _listed(project)
    files = {**rendering.files, MANIFEST: _manifest(listed, rendering).to_json()}
    different = [name for name, content in files.items() if not _same(project, name, content)]
    return sorted({*different, *_stale(project, listed, rendering)})


def write(project: Project, rendering: Rendering) -> list[str]:
    """Write what differs, remove what earlier reports wrote and this one has not; return the names
    of both. Raises NinefoldError as `differences` does."""
    different = differences(project, rendering)
    files = {**rendering.files, MANIFEST: _manifest(_listed(project), rendering).to_json()}
    stale = [name for name in different if name not in files]
    # In this order, so that what a kill leaves undone is still on a list.
    for name in stale:
        project.files.remove(name)
    for name in sorted(set(different) - set(stale), key=lambda name: name != MANIFEST):
        project.files.write(name, files[name])
    return different


def foreign(project: Project, rendering: Rendering) -> list[str]:
    """Return the names of the files that lie in the format's own folder, and that ninefold did not
    write, or not so: it leaves them."""
    known = {*rendering.files, *_stale(project, _listed(project), rendering)}
    return [name for name in project.files.walk(rendering.folder) if name not in known]


def _listed(project: Project) -> Manifest:
    """Return what earlier reports have written. Raises NinefoldError where nobody has listed
    anything, and yet something stands where the report is to be."""
    listed = read_manifest(project)
    if listed is None and not _is_report(project):
        raise NinefoldError(
            f"{REPORT} was not written by ninefold",
            "expected report/ to be ninefold's own",
            "move it elsewhere, such as to docs/",
        )
    return listed or Manifest()


def _is_report(project: Project) -> bool:
    """Tell whether the report is one of a version that kept no list, or none is there yet."""
    try:
        return SIGNATURE.encode() in project.files.read(REPORT, FILE)
    except FileNotFoundError:
        return True


def _manifest(listed: Manifest, rendering: Rendering) -> Manifest:
    own = {n: c for n, c in rendering.files.items() if n.startswith("report/")}
    return listed.with_format(rendering.format, own)


def _same(project: Project, name: str, content: bytes) -> bool:
    project.files.place(name)  # no link on the way
    try:
        found = project.files.read(name, FILE)
    except (FileNotFoundError, NinefoldError):  # a link, say: it is replaced
        return False
    return settled(name, found) == settled(name, content)


def _stale(project: Project, listed: Manifest, rendering: Rendering) -> list[str]:
    """Return what the format once had and has not now, as far as it is still as it was written."""
    once = listed.formats.get(rendering.format, {})
    return [
        name
        for name, digest in once.items()
        if name not in rendering.files and _is_own(project, rendering.folder, name, digest)
    ]


def _is_own(project: Project, folder: str, name: str, digest: str) -> bool:
    if not name.startswith(f"{folder}/") or "/" in name.removeprefix(f"{folder}/"):
        return False
    try:
        project.files.place(name)
        return digest_of(name, project.files.read(name, FILE)) == digest
    except (FileNotFoundError, NinefoldError):
        return False
