"""Where the two asset folders are: `template` (a new project) and `reports` (a finished one)."""

from pathlib import Path

from ninefold.errors import NinefoldError

_PACKAGE = Path(__file__).parent


def asset_folder(name: str) -> Path:
    """Return the folder `name` ("template" or "reports"): inside the wheel, else in the checkout.

    Raises NinefoldError where neither holds it.
    """
    for folder in (_PACKAGE / "_assets" / name, _PACKAGE.parent.parent / name):
        if folder.is_dir():
            return folder
    raise NinefoldError(
        f"the folder '{name}' that belongs to ninefold is missing", todo="install ninefold again"
    )
