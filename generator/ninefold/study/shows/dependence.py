"""Section 2: warnings that rows depend on one another, each with the setting that treats it."""

import json
from typing import TYPE_CHECKING, Any

from ninefold.study.dependence import Order, Unit, find_order, find_units

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_MOST_UNITS = 3
_UNIT = (
    "Rows of one {column} are alike in {target} (intraclass correlation {correlation:score}; "
    "{levels:integer} values of {column}, {each:score} rows each on average). Random folds put the "
    "same {column} on both sides, so the scores are too good for a new one. If new ones matter, "
    "set `group = {setting}` under [data]."
)
_ORDER = (
    "Neighbouring rows of the file are alike in {target} (correlation {correlation:score}), more "
    "than by chance. If the rows came one after another, the scores of random folds are too good: "
    "{treatment}."
)
_SORTED = (
    "The file is sorted by {target}. The rows are divided at random; if they came one after "
    "another, {treatment}."
)


def dependence(study: "Study") -> None:
    """Whether groups or an order in the development rows are ignored, by how alike the target is
    within them."""
    data, record = study.development(), study.recorder
    units = find_units(data)
    order = find_order(data, units)
    for unit in units[:_MOST_UNITS]:
        record.alarm(_UNIT, **_unit_values(study, unit))
    if order.matters:
        record.alarm(_ORDER, **_order_values(study, order))
    if order.sorted_by_target:
        record.fact(_SORTED, target=data.target, treatment=_treatment(order))


def _unit_values(study: "Study", unit: Unit) -> dict[str, Any]:
    return {
        "column": unit.column,
        "target": study.settings.data.target,
        "correlation": unit.alike.correlation,
        "levels": unit.levels,
        "each": len(study.development()) / unit.levels,
        "setting": json.dumps(unit.column, ensure_ascii=False),
    }


def _order_values(study: "Study", order: Order) -> dict[str, Any]:
    return {
        "target": study.settings.data.target,
        "correlation": order.neighbours.correlation,
        "treatment": _treatment(order),
    }


def _treatment(order: Order) -> str:
    if not order.times:
        return "name the column that says when as `time` under [data]"
    named = json.dumps(order.times[0], ensure_ascii=False)
    return f"set `time = {named}` under [data] if that column says when"
