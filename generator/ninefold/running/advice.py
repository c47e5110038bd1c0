"""What to try when a cell failed: advice for the exceptions that people meet most."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence

# Where a package is called otherwise than the module it brings.
_PACKAGES = {
    **{"sklearn": "scikit-learn", "skimage": "scikit-image", "cv2": "opencv-python"},
    **{"PIL": "pillow", "yaml": "pyyaml", "bs4": "beautifulsoup4"},
}

_BACKENDS = ("jax", "openvino", "torch")  # that Keras imports where it is set to one of them


def advise(error: str, message: str, cell: int | None = None, cells: Sequence[str] = ()) -> str:
    """Return what to try after `error` with its `message`; "" where nothing general can be said.

    cell   the number of the one that failed, from 1
    cells  the texts of all that have a number
    """
    if error == "NameError":
        return _about_a_name(_quoted(message), cells[cell:] if cell else (), cell or 0)
    advice = _ADVICE.get(error, "")
    return advice if isinstance(advice, str) else advice(message)


def _about_a_name(name: str, later: Sequence[str], before: int) -> str:
    for number, text in enumerate(later, before + 1):
        if name in _bound(text):
            return f"cell {number} makes '{name}', and a run goes from the top: move it up"
    return f"no cell makes '{name}' before this one: was it deleted, renamed or misspelt?"


def _bound(text: str) -> set[str]:
    """Return the names that a cell makes for those below it; none where it is not plain Python."""
    try:
        return set(_names(ast.parse(text).body))
    except SyntaxError:
        return set()


def _names(statements: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            yield statement.name
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.split(".")[0] for alias in statement.names)
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id


def _about_a_module(message: str) -> str:
    module = _quoted(message).split(".")[0]
    package = _PACKAGES.get(module, module)
    install = f"pip install {package}, and add it to requirements.txt"
    if module in _BACKENDS:
        return f"set KERAS_BACKEND=tensorflow, if Keras asks for {module}; else {install}"
    return f"{install}; if it is a file of yours, it must lie in the project's folder"


def _about_a_key(message: str) -> str:
    return f"if {message.strip()} is a column: is it spelt as in the data, and not dropped there?"


def _about_the_system(message: str) -> str:
    if "No space left" in message or "quota exceeded" in message:
        return "free some space on the disk, then run again; older results are as they were"
    return ""


def _about_a_kernel(message: str) -> str:
    if "SIGKILL" in message:
        return f"was it memory that ran out? {_MEMORY}"
    if "ended itself" in message:
        return "remove what ends the process, as os._exit does, from this cell"
    return "a library crashed: are the installed ones those that requirements.txt asks for?"


def _quoted(message: str) -> str:
    found = re.search(r"['\"]([^'\"]+)['\"]", message)
    return found[1] if found else message.strip()


_PATHS = "a notebook works in the project's folder: paths begin there, as in 'data/table.csv'"
_MEMORY = "fewer rows, smaller batches or models, or a machine with more memory"
_SYNTAX = "mend the line, and run the cell in Jupyter first"
_ADVICE: dict[str, str | Callable[[str], str]] = {
    "AssertionError": "the notebook checks this itself; look at the values in the cell's lines",
    "CalledProcessError": "run it in a terminal, in the project's folder, to see why",
    "DeadKernel": _about_a_kernel,
    "FileNotFoundError": _PATHS,
    "IndentationError": _SYNTAX,
    "ImportError": "is the package as new as requirements.txt asks? pip install -r them again",
    "KeyError": _about_a_key,
    "MemoryError": _MEMORY,
    "ModuleNotFoundError": _about_a_module,
    "OSError": _about_the_system,
    "PermissionError": "who may read and write that file? 'ls -l' shows it",
    "ResourceExhaustedError": _MEMORY,  # TensorFlow's
    "SyntaxError": _SYNTAX,
    "SystemExit": "remove exit, quit or sys.exit; where a notebook cannot go on, raise an error",
}
