"""Whether a forecast's winner is the name of a variant, said before anything is trained."""

import ast
import warnings
from collections.abc import Collection, Iterator

from ninefold.bounded import NOTEBOOK
from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.suggestions import did_you_mean

_NAMING = ("evaluate", "evaluate_all", "keep")


def must_be_named(project: Project, section: str, winner: str, names: Collection[str]) -> None:
    """Raise NinefoldError if no variant of the section can be called `winner`.

    names  those known when `evaluate_all` is called: its own, and those judged before

    Nothing is raised where a later call may bear the name, which only the end of the section
    shows: if the notebook has further calls that name variants, or this one stands in a loop. A
    point of a grid may have other names; its forecast is judged in its section's own run.
    """
    if winner in names or "@" in section or not section:
        return
    if _naming_calls(project, section) == 1:
        raise no_such_variant(winner, names)


def no_such_variant(winner: str, names: Collection[str]) -> NinefoldError:
    """Return the error for a winner that no variant bears."""
    return NinefoldError(
        f"the forecast's winner is '{winner}', but no variant is called so",
        did_you_mean(winner, names),
        "correct the name in study.forecast; nothing has been trained yet",
    )


def _naming_calls(project: Project, section: str) -> int:
    """Return how many calls in a notebook name variants, one in a loop as two; 0 where its code
    cannot be read."""
    try:
        content = project.files.json(project.section(section).path, NOTEBOOK)
        cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
        return sum(sum(_calls(_parsed("".join(cell["source"])), 1)) for cell in cells)
    except (NinefoldError, FileNotFoundError, LookupError, TypeError):
        return 0


def _parsed(source: str) -> ast.AST:
    """Return a cell's code, without lines of IPython's own; nothing for what is no Python."""
    lines = ["" if line.lstrip()[:1] in ("%", "!") else line for line in source.split("\n")]
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _calls(node: ast.AST, times: int) -> Iterator[int]:
    loops = (ast.For, ast.While, ast.FunctionDef, ast.comprehension, ast.ListComp, ast.DictComp)
    inner = 2 if isinstance(node, loops) else times
    match node:
        case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id="study"))) if name in _NAMING:
            yield inner
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, inner)
