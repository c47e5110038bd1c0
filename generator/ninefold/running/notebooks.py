"""Section notebooks as plain JSON, checked as far as ninefold looks at them when they are read."""

from collections.abc import Mapping
from functools import cache
from pathlib import PurePath
from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, JsonValue, TypeAdapter, with_config
from typing_extensions import TypedDict

from ninefold.bounded import NOTEBOOK, must_be_short
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.records import mistakes_of

_STRICT = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
_TODO = "mend it, or take it back from git"

Text = str | list[str]  # the format keeps a text as one string or as a list of its lines


@with_config(_STRICT)
class Pointer(TypedDict):
    """What a display of ninefold's says beside the picture: where in the record it stands."""

    schema: int
    kind: str
    name: str | int


Shapes = TypedDict(  # of what is displayed, those that a report takes
    "Shapes",
    {
        "application/vnd.ninefold+json": NotRequired[Pointer],
        "image/svg+xml": NotRequired[Text],
        "image/png": NotRequired[Text],
        "text/markdown": NotRequired[Text],
        "text/plain": NotRequired[Text],
    },
)
with_config(_STRICT)(Shapes)


@with_config(_STRICT)
class OutputEntry(TypedDict):
    output_type: str
    name: NotRequired[str]  # of a stream
    text: NotRequired[Text]
    data: NotRequired[Shapes]


@with_config(_STRICT)
class CellMetadata(TypedDict):
    tags: NotRequired[list[str] | None]
    alt: NotRequired[str]  # describes a picture that the cell draws


@with_config(_STRICT)
class CellEntry(TypedDict):
    cell_type: Literal["code", "markdown", "raw"]
    source: Text
    id: NotRequired[str]
    metadata: NotRequired[CellMetadata]
    outputs: NotRequired[list[OutputEntry]]


@with_config(_STRICT)
class KernelSpec(TypedDict):
    language: NotRequired[str | None]


@with_config(_STRICT)
class LanguageInfo(TypedDict):
    name: NotRequired[str | None]


@with_config(_STRICT)
class NotebookMetadata(TypedDict):
    kernelspec: NotRequired[KernelSpec | None]
    language_info: NotRequired[LanguageInfo | None]
    papermill: NotRequired[dict[str, JsonValue]]


@with_config(_STRICT)
class Notebook(TypedDict):
    """A notebook of nbformat 4, as far as anything here looks at it."""

    nbformat: Literal[4]
    cells: list[CellEntry]
    metadata: NotRequired[NotebookMetadata | None]


def read_notebook(files: Files, name: str | PurePath) -> dict[str, Any]:
    """Return a notebook's JSON, in which all that `Notebook` names is of its type.

    Raises NinefoldError where there is none, or none of version 4.
    """
    called = files.name(name)
    try:
        notebook = files.json(name, NOTEBOOK)
    except FileNotFoundError:
        raise NinefoldError(f"no such file: {called}") from None
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
        raise NinefoldError(
            f"{called} is not a notebook", "expected nbformat 4", "open and save it in Jupyter"
        )
    with mistakes_of(called, _TODO):
        _schema().validate_python(notebook)
    prose = (cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    must_be_short(called, sum(joined(text).count("\n") for text in prose))
    return notebook


@cache
def _schema() -> TypeAdapter[Any]:
    return TypeAdapter(Notebook)


def check_language(notebook: Mapping[str, Any]) -> None:
    """Check that a notebook is written in Python. Raises NinefoldError where it says otherwise."""
    metadata = notebook.get("metadata") or {}
    says = (
        (metadata.get("kernelspec") or {}).get("language"),
        (metadata.get("language_info") or {}).get("name"),
    )
    language = next(filter(None, says), "python")
    if str(language).lower() not in ("python", "ipython"):
        raise NinefoldError(
            f"the notebook is written in {language}",
            "ninefold runs Python",
            "translate it, or execute it with papermill and its own kernel",
        )


def joined(text: Text) -> str:
    """Return a text of a notebook as one string."""
    return text if isinstance(text, str) else "".join(text)


def source(cell: Mapping[str, Any]) -> str:
    """Return a cell's text."""
    return joined(cell["source"])


def sources(notebook: dict[str, Any], kind: str) -> list[str]:
    """Return the texts of the cells of a kind, "code" or "markdown", that are not empty."""
    texts = (source(cell) for cell in notebook["cells"] if cell.get("cell_type") == kind)
    return [text for text in texts if text.strip()]


def tags(cell: Mapping[str, Any]) -> list[str]:
    """Return a cell's tags."""
    return list(cell.get("metadata", {}).get("tags") or ())
