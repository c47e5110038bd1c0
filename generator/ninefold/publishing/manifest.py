"""What ninefold has written into a project's report: the one list of what it may remove there.

`report/manifest.json` is {"schema": 1, "formats": {format: {file: SHA-256}}}, of text with "\\n" at
the ends of lines. A file that is no more what the list says is somebody else's, and stays.
"""

import hashlib
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from ninefold.bounded import REPORT
from ninefold.errors import NinefoldError
from ninefold.plain_json import pretty
from ninefold.project import Project
from ninefold.records import mistakes_of

MANIFEST = "report/manifest.json"
SCHEMA = 1
_TEXT = (".md", ".svg", ".json")


class Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    formats: dict[str, dict[str, str]] = {}

    def with_format(self, name: str, files: Mapping[str, bytes]) -> "Manifest":
        """Return the same once a format's files are these."""
        listed = {file: digest_of(file, content) for file, content in files.items()}
        return Manifest(formats={**self.formats, name: listed})

    def to_json(self) -> bytes:
        """Return what the file holds."""
        return pretty({"schema": SCHEMA, "formats": self.formats}).encode()


def read_manifest(project: Project) -> Manifest | None:
    """Return what earlier reports are listed to have written; None where there is no list, or none
    that can be read: it is written anew, and nothing is removed meanwhile."""
    try:
        content = project.files.json(MANIFEST, REPORT)
        if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA:
            return None
        with mistakes_of(MANIFEST):
            return Manifest.model_validate(content)
    except (FileNotFoundError, NinefoldError):
        return None


def digest_of(file: str, content: bytes) -> str:
    """Return the SHA-256 of a file's content, whatever git has made of its line ends."""
    return hashlib.sha256(settled(file, content)).hexdigest()


def settled(file: str, content: bytes) -> bytes:
    """Return a file's content with the line ends that it was written with."""
    return content.replace(b"\r\n", b"\n") if file.endswith(_TEXT) else content
