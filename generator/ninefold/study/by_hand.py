"""A notebook that a person opened, not `ninefold run`: which section it is, where that shows."""

import os
import re
from pathlib import Path

from ninefold.project import Project

_LAST = 7  # the section that reads of all others


def section_by_hand(project: Project) -> str:
    """Return the id of the section that Jupyter or VS Code opened; "" where no program says."""
    named = os.environ.get("JPY_SESSION_NAME") or _opened_by_vs_code()
    # Jupyter may name it from another folder; it works in the notebook's own.
    places = {Path(named).resolve(), Path.cwd() / Path(named).name} if named else set()
    return next((section.id for section in project.sections if section.path in places), "")


def number_by_hand(project: Project) -> int:
    """Return the number of a section that no program names: of the folder that its kernel works in,
    which most take from the notebook; else 7, so that no result is left out."""
    number = re.match(r"(\d+)-", os.path.relpath(Path.cwd(), project.root / "sections"))
    return int(number[1]) if number else _LAST


def said_by_hand(section: str) -> str:
    """Return what a notebook opened by hand says first, of a section that is known or ""."""
    command = f"ninefold run {section or 'SECTION'}"
    return f"Opened by hand: nothing that this notebook finds is recorded. '{command}' records it."


def _opened_by_vs_code() -> str:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return str(shell.user_ns.get("__vsc_ipynb_file__", "")) if shell else ""
