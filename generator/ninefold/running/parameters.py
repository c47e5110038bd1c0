"""Values given to notebooks: read from text, matched with the names and types declared."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.grid import is_value, points
from ninefold.project import Project, Section
from ninefold.running.declarations import Parameter, declared_parameters
from ninefold.running.notebooks import read_notebook
from ninefold.suggestions import did_you_mean

Values = dict[str, Any]  # a parameter's name → its value


def parse_value(text: str) -> Any:
    """Return the value a JSON or TOML literal stands for; any other text stands for itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = table.get("value")
    plain = isinstance(value, (bool, int, float, str, list)) and len(table) == 1
    return value if plain else text  # dates have no JSON; a line break would begin a second key


def own_values(project: Project) -> dict[str, Values]:
    """Return each task's values by ninefold.toml alone: a section's `parameters`, and over them
    those of a point."""
    settings = project.settings.sections
    return {
        task.id: {**settings[task.notebook].parameters, **dict(task.point)}
        for task in project.tasks
        if task.notebook in settings
    }


def values_of(
    project: Project, named: Iterable[Section], given: Mapping[str, Any]
) -> dict[str, Values]:
    """Return each task's values: those of ninefold.toml, over them those `given` (name → value)
    to the `named` tasks whose notebooks declare the name.

    Raises NinefoldError, before anything runs, for a section or a name that does not exist, for a
    value of another type than is declared, for one given to a point that has its own, and for a
    grid of section 7.
    """
    notebooks = {section.id: section for section in project.sections if section.is_notebook}
    declared = _Declared(project)
    for name, own in project.settings.sections.items():
        if name not in notebooks:
            raise NinefoldError(
                f"ninefold.toml: there is no notebook '{name}'", did_you_mean(name, notebooks)
            )
        _refuse_looks(notebooks[name], own.grid)
        for parameter, value in own.parameters.items():
            _check("ninefold.toml: ", notebooks[name], parameter, value, declared)
        for parameter, several in own.grid.items():
            for value in several:
                _check("ninefold.toml, grid: ", notebooks[name], parameter, value, declared)
    values = own_values(project)
    if given:
        _give({name: _as_json(value) for name, value in given.items()}, named, values, declared)
    return {task: own for task, own in values.items() if own}


def _refuse_looks(section: Section, grid: Mapping[str, Sequence[Any]]) -> None:
    if grid and section.number == 7:
        raise NinefoldError(
            f"ninefold.toml: sections.{section.id}.grid would look at the hold-out "
            f"{len(points(grid))} times",
            "section 7 looks once",
            "try the values in section 5 or 6",
        )


def _give(
    given: Values, named: Iterable[Section], values: dict[str, Values], declared: "_Declared"
) -> None:
    """Put the values given over those of the named tasks that declare them."""
    known: set[str] = set()
    for task in named:
        mine = given.keys() & declared.by(task).keys()
        for name in mine:
            _check("", task, name, given[name], declared)
            if name in dict(task.point):
                raise NinefoldError(
                    f"{task.id} has a '{name}' of its own",
                    todo=f"give it to the notebook itself: 'ninefold run {task.notebook} -p …'",
                )
        values.setdefault(task.id, {}).update({name: given[name] for name in mine})
        known |= declared.by(task).keys()
    for name in given.keys() - known:
        raise NinefoldError(
            f"no notebook that would run declares a parameter '{name}'",
            did_you_mean(name, sorted(known)) or "no cell in them is tagged 'parameters'",
        )


class _Declared:
    """What notebooks declare, each read once."""

    def __init__(self, project: Project) -> None:
        self._files = project.files
        self._known: dict[Path, dict[str, Parameter]] = {}

    def by(self, task: Section) -> dict[str, Parameter]:
        if task.path not in self._known:
            try:
                self._known[task.path] = declared_parameters(read_notebook(self._files, task.path))
            except NinefoldError as error:
                raise NinefoldError(f"{task.notebook}: {error}") from None
        return self._known[task.path]


def _check(where: str, task: Section, name: str, value: Any, declared: _Declared) -> None:
    parameters = declared.by(task)
    if name not in parameters:
        raise NinefoldError(
            f"{where}{task.notebook} has no parameter '{name}'",
            did_you_mean(name, parameters) or "none of its cells is tagged 'parameters'",
        )
    if not is_value(value):
        raise NinefoldError(
            f"{where}{task.notebook}: '{name}' is {value}",
            "expected finite numbers, text, true or false",
        )
    parameter = parameters[name]
    if not parameter.takes(value):
        raise NinefoldError(
            f"{where}{task.notebook}: '{name}' is {value!r}",
            parameter.expected,
            parameter.remedy(value),
        )


def _as_json(value: Any) -> Any:
    """Return NumPy's numbers and arrays, and tuples, as JSON has them: papermill refuses the
    first and would hand on the last as text."""
    if hasattr(value, "tolist"):
        return _as_json(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return value
