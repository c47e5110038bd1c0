"""Versions of the libraries that results depend on: those for all sections, and those that one
section uses beside them."""

import ast
import re
import warnings
from collections.abc import Collection, Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version

from ninefold import __version__

# ninefold's own dependencies that compute or draw, for every section; the last two are taken by
# pandas wherever they are installed. The rest (click, papermill, rich …) carry results about
# and change none; where a notebook imports one of them itself, it counts for that notebook.
FOR_ALL = (
    *("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "joblib", "skops"),
    *("tensorflow", "keras", "matplotlib", "pillow", "bottleneck", "numexpr"),
)

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")  # PEP 508
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+(\w+)|import[ \t]+([\w., \t]+))", re.MULTILINE)


@cache
def for_all() -> dict[str, str]:
    """Return name → version of what every section depends on, so far as it is installed."""
    found = {name: installed(name) for name in FOR_ALL}
    return {"ninefold": __version__, **{name: own for name, own in found.items() if own}}


@cache
def installed(name: str) -> str | None:
    """Return the version of an installed distribution; None where there is none, and for what
    cannot be the name of one: it may be from a stranger's record."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def used(
    sources: Iterable[str],
    imported: Iterable[tuple[str, tuple[str, ...]]],
    own_modules: Collection[str] = (),
) -> dict[str, str]:
    """Return name → version of the distributions that a section uses: whatever its code, given as
    `sources`, names in an import, and whatever else was `imported` while it ran (module, and the
    packages that were being imported just then). `own_modules` are the project's, which may be
    installed as well.

    What ninefold's own dependencies import while they are imported themselves does not count: a
    warm kernel has it before the notebook begins, and the notebook did not ask for it.
    """
    own = ninefolds_own()
    named = {name for text in sources for name in imports(text)} - set(own_modules)
    asked = {
        module
        for module, through in imported
        if module not in own_modules
        and not any(_distributions(package) & own for package in through)
    }
    found = set().union(*map(_distributions, named))
    found |= set().union(*map(_distributions, asked)) - own
    versions = {name: installed(name) for name in found - {"ninefold"}}
    return {name: version for name, version in versions.items() if version}


def imports(source: str) -> set[str]:
    """Return the packages that a text of Python, IPython's magics included, imports by name."""
    try:
        with warnings.catch_warnings(action="ignore"):  # what it says of "\\d" is the author's
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return _imports_by_line(source)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _imports_by_line(source: str) -> set[str]:
    found = set()
    for first, several in _IMPORT.findall(source):
        names = [first] if first else several.split(",")
        found |= {re.split(r"[.\s]", name.strip())[0] for name in names}
    return found - {""}


@cache
def ninefolds_own() -> frozenset[str]:
    """Return the distributions that ninefold, with TensorFlow, needs, and what these need."""
    from packaging.requirements import Requirement

    found: set[str] = set()
    left = ["ninefold"]
    while left:
        name = left.pop()
        if name in found or not installed(name):
            continue
        found.add(name)
        for line in requires(name) or ():
            requirement = Requirement(line)
            extra = {"extra": "tensorflow" if name == "ninefold" else ""}
            if requirement.marker is None or requirement.marker.evaluate(extra):
                left.append(canonical(requirement.name))
    return frozenset(found)


def _distributions(package: str) -> frozenset[str]:
    return _by_package().get(package, frozenset())


@cache
def _by_package() -> dict[str, frozenset[str]]:
    return {
        package: frozenset(map(canonical, names))
        for package, names in packages_distributions().items()
    }


def canonical(name: str) -> str:
    """Return a library's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
