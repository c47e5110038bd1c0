"""A new project: all of it, or nothing."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ninefold.assets import asset_folder
from ninefold.errors import NinefoldError
from ninefold.scaffold.answers import complete_answers, template_context
from ninefold.scaffold.dataset import check_against_data, open_data, require_target, ship
from ninefold.scaffold.repository import first_commit
from ninefold.scaffold.source import VENDOR, ninefold_source

_CACHES = ("__pycache__", "*.pyc", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache")


def new_project(
    answers: Mapping[str, str],
    destination: Path | None = None,
    data: Path | None = None,
    *,
    git: bool = True,
    tell: Callable[[str], None] = lambda line: None,
) -> Path:
    """Make a project at `destination` and return its path.

    answers      answers to the template's prompts; the others take the template's defaults
    destination  a folder that does not exist yet; None: the answer to `slug`
    data         the file to copy into the project; None where answers["data"] is its path or
                 "builtin:NAME"
    git          make the project a repository with a first commit
    tell         is called with each line that the user should read

    Raises NinefoldError, and leaves nothing behind, for whatever cannot make a project.
    """
    shipment = open_data(data or answers.get("data", ""))
    require_target(answers, shipment)
    complete = complete_answers(usual_answers() | dict(answers) | {"data": shipment.name})
    dataset = check_against_data(complete, shipment)
    destination = destination or Path(complete["slug"])
    check_destination(destination)
    with _workshop(destination) as workshop:
        if not complete["ninefold_source"]:
            complete["ninefold_source"] = ninefold_source(workshop)
        root = render_template(complete, workshop)
        ship(shipment, root / "data", complete)
        _move(workshop / VENDOR, root / VENDOR)
        problem = first_commit(root, complete["author"], complete["email"]) if git else ""
        _move(root, destination)
    for line in (*shipment.notes, *dataset.notes, problem):
        if line:
            tell(line)
    return destination


def usual_answers() -> dict[str, str]:
    """Return the answers that follow from the Python that runs here."""
    return {"python_version": f"{sys.version_info.major}.{sys.version_info.minor}"}


def check_destination(destination: Path) -> None:
    """Raise NinefoldError where a project cannot go there: nothing is ever overwritten."""
    if destination.exists() or destination.is_symlink():
        raise NinefoldError(
            f"'{destination}' exists",
            "expected the name of a new folder",
            "choose another name; nothing was changed",
        )
    nearest = next(parent for parent in destination.absolute().parents if parent.exists())
    if not nearest.is_dir():
        raise NinefoldError(f"'{nearest}' is a file", "expected a folder to put the project into")


def render_template(answers: Mapping[str, str], folder: Path) -> Path:
    """Render the template with a full set of answers into `folder`; return the project's path."""
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_files

    # A copy, because pip leaves byte code in the installed template, and cookiecutter copies it.
    template = folder / "template"
    shutil.copytree(asset_folder("template"), template, ignore=shutil.ignore_patterns(*_CACHES))
    context = {"cookiecutter": template_context(answers)}
    try:
        # Cookiecutter leaves a copy of each hook it runs among the system's temporary files. What
        # the first refuses has been refused (`complete_answers`), the second is run here.
        made = generate_files(
            str(template), context=context, output_dir=str(folder / "made"), accept_hooks=False
        )
    except CookiecutterException as error:
        raise NinefoldError(f"the template could not be rendered: {error}") from None
    hook = template / "hooks" / "post_gen_project.py"
    subprocess.run([sys.executable, "-I", str(hook.resolve())], cwd=made, check=True)
    return Path(made)


@contextmanager
def _workshop(destination: Path) -> Iterator[Path]:
    """Lend a folder beside the destination; on failure leave no folder that was not there."""
    missing = [parent for parent in destination.absolute().parents if not parent.exists()]
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".ninefold-", dir=destination.parent) as folder:
            yield Path(folder)
    except BaseException as error:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        if isinstance(error, OSError):
            raise NinefoldError(
                f"'{destination}' cannot be written: {_reason(error)}", todo="choose another place"
            ) from None
        raise


def _reason(error: OSError) -> str:
    """Return what the system says; a whole tree that was not copied says it of each file."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        return str(error.args[0][-1][-1])
    return error.strerror or str(error)


def _move(source: Path, target: Path) -> None:
    if source.exists():
        source.rename(target)
