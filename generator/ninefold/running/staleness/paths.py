"""The name by which a path counts: the way to it from the project's root; none for what is no part
of the study."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ninefold.running.staleness.contents import NOT_OF_THE_STUDY, NOTEBOOKS_AND_PROSE

_CLOSED = NOT_OF_THE_STUDY - {"results", "sections", "__pycache__"}


def is_under_way(parts: Sequence[str]) -> bool:
    """Whether a path from the root, in its parts, leads to what runs are making."""
    return parts[0] == ".ninefold" or tuple(parts[:2]) == ("results", ".ninefold")


class Paths:
    """Names of the files of the project at `root`, whose run writes into `output`."""

    def __init__(self, root: Path, output: Path):
        self.root, self.output = str(root), str(output)
        self._folders: dict[str, str | None] = {}  # as spelled → from the root; None: not ours

    def name(self, path: Any) -> str | None:
        """Return a file's path from the project's root; None where it does not count."""
        if not is_path(path):
            return None
        folder, file = os.path.split(os.fsdecode(path))
        if not os.path.isabs(folder):
            folder = os.path.join(os.getcwd(), folder)
        if folder not in self._folders:
            self._folders[folder] = self._folder(os.path.normpath(folder))
        inside = self._folders[folder]
        if inside is None or not file:
            return None
        if inside.endswith("__pycache__/"):
            if not file.endswith(".pyc"):
                return None
            inside, file = inside.removesuffix("__pycache__/"), file.partition(".")[0] + ".py"
        name = inside + file
        loose = name.startswith("results/") and name.count("/") == 1  # leaderboard, looks
        told = name.startswith("sections/") and name.endswith(NOTEBOOKS_AND_PROSE)
        return None if loose or told or name in NOT_OF_THE_STUDY else name

    def _folder(self, folder: str) -> str | None:
        """Return a folder's path from the root, "" or one that ends in "/"; None: not ours."""
        for spelled in (folder, os.path.realpath(folder)):
            if spelled == self.root:
                return ""
            if _is_in(spelled, self.root):
                break
        else:
            return None
        parts = spelled[len(self.root) + 1 :].split(os.sep)
        if parts[0] in _CLOSED or "site-packages" in parts or is_under_way(parts):
            return None
        # what lies in the project, and is none of it: a virtual environment, this run's output
        inner = (place for place in (sys.prefix, self.output) if _is_in(place, self.root))
        if any(_is_in(spelled, place) for place in inner):
            return None
        return "/".join(parts) + "/"


def is_path(path: Any) -> bool:
    """Whether what is opened is given by a path, and not by the number of an open file."""
    return isinstance(path, (str, bytes, os.PathLike))


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
