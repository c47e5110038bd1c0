"""The files of the project that code names in its texts: whatever opens them, Python may not."""

import ast
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from ninefold.files import Files
from ninefold.running.staleness.contents import (
    NOT_OF_THE_STUDY,
    NOTEBOOKS_AND_PROSE,
    SETTINGS,
    digest_of,
)


def named_files(files: Files, sources: Iterable[str]) -> dict[str, str]:
    """Return path → digest of the project's files that texts in the code name, as they are now:
    one may be what the notebook wrote."""
    names = {_name(files.root, text) for source in sources for text in _texts(source)}
    return {name: digest_of(files, name) for name in names if name}


def _texts(source: str) -> Iterator[str]:
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source)
    except (SyntaxError, ValueError):  # magics
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _name(root: Path, text: str) -> str | None:
    """Return the path from the root of a file of the study that a text names, if it does."""
    path = os.path.normpath(root / text)
    if not path.startswith(f"{root}{os.sep}") or not os.path.isfile(path):  # noqa: PTH113
        return None
    name = Path(path).relative_to(root).as_posix()
    first = name.partition("/")[0]
    if first == "sections":
        return None if name.endswith(NOTEBOOKS_AND_PROSE) else name
    return None if first in NOT_OF_THE_STUDY | {SETTINGS} else name
