"""Values given to notebooks: read from text, matched with the names and types declared."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import Project, Section
from ninefold.running.notebooks import declared_parameters, read_notebook
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


def values_of(
    project: Project, named: Iterable[Section], given: Mapping[str, Any]
) -> dict[str, Values]:
    """Return each section's values: those of ninefold.toml, over them those `given` (name →
    value) to the `named` sections that declare the name.

    Raises NinefoldError for a section or a name that does not exist, and for a value of another
    type than its default, before anything runs.
    """
    settings = project.settings.sections
    notebooks = {section.id: section for section in project.sections if section.is_notebook}
    for unknown in settings.keys() - notebooks.keys():
        raise NinefoldError(
            f"ninefold.toml: there is no notebook '{unknown}'", did_you_mean(unknown, notebooks)
        )
    values = {name: dict(section.parameters) for name, section in settings.items()}
    declared = {name: _declared(notebooks[name]) for name, own in values.items() if own}
    if given:
        for section in named:
            mine = declared.setdefault(section.id, _declared(section))
            values.setdefault(section.id, {}).update(
                {name: value for name, value in given.items() if name in mine}
            )
        known = {name for section in named for name in declared[section.id]}
        for name in given.keys() - known:
            raise NinefoldError(
                f"no notebook that would run declares a parameter '{name}'",
                did_you_mean(name, sorted(known)) or "no cell in them is tagged 'parameters'",
            )
    for section_id, own in values.items():
        for name, value in own.items():
            _check(section_id, name, value, declared[section_id])
    return {section_id: own for section_id, own in values.items() if own}


def _declared(section: Section) -> Values:
    try:
        return declared_parameters(read_notebook(section.path))
    except NinefoldError as error:
        raise NinefoldError(f"{section.id}: {error}") from None


def _check(section: str, name: str, value: Any, declared: Values) -> None:
    if name not in declared:
        raise NinefoldError(
            f"{section} has no parameter '{name}'",
            did_you_mean(name, declared) or "none of its cells is tagged 'parameters'",
        )
    default = declared[name]
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):  # dates, infinities
        raise NinefoldError(
            f"{section}: '{name}' is {value}", "expected finite numbers, text, true or false"
        ) from None
    if default is not None and default is not ... and _kind(value) != _kind(default):
        raise NinefoldError(
            f"{section}: '{name}' is {value!r}", f"expected {_kind(default)} like {default!r}"
        )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "text" if isinstance(value, str) else f"a value of type {type(value).__name__}"
