"""Section notebooks as plain JSON: what of them the runner reads without executing anything."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ninefold.errors import NinefoldError


def read_notebook(path: Path) -> dict[str, Any]:
    """Return a notebook's JSON. Raises NinefoldError where it is not a notebook of version 4."""
    try:
        notebook = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise NinefoldError(
            f"the notebook {path.name} is not valid JSON ({error})",
            todo="restore it from git, or mend the place it names",
        ) from None
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
        raise NinefoldError(
            f"{path.name} is not a notebook", "expected nbformat 4", "open and save it in Jupyter"
        )
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise NinefoldError(f"the notebook {path.name} has no list of cells", todo="restore it")
    return notebook


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


def source(cell: dict[str, Any]) -> str:
    """Return a cell's text, which the format keeps as one string or as a list of lines."""
    text = cell.get("source", "")
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def sources(notebook: dict[str, Any], kind: str) -> list[str]:
    """Return the texts of the cells of a kind, "code" or "markdown", that are not empty."""
    texts = (source(cell) for cell in notebook["cells"] if cell.get("cell_type") == kind)
    return [text for text in texts if text.strip()]


def tags(cell: dict[str, Any]) -> list[str]:
    """Return a cell's tags."""
    return list(cell.get("metadata", {}).get("tags") or ())
