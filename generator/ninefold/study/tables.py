"""The form of a recorded table."""

from collections.abc import Sequence
from typing import Any


def make_table(
    caption: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    """Return a table as records keep it.

    columns  (label, format) of each; a format is a name in `ninefold.formats.FORMATS`, "" takes
             that of each value's type
    """
    return {
        "caption": caption,
        "columns": [{"name": label, "label": label, "format": form} for label, form in columns],
        "rows": [list(row) for row in rows],
    }
