"""Section 2: warnings that rows depend on one another, each with the setting that treats it."""

import json
from typing import TYPE_CHECKING, Any

from ninefold.formats import fill
from ninefold.study.dependence import Order, Unit, find_order, find_units

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_MOST_UNITS = 3
_UNIT = (
    "The rows of one {column} are alike in {target} (intraclass correlation {correlation:score}; "
    "{levels:integer} values of {column}, {each:score} rows each on average). In random folds a "
    "model can recognise the {column}, and its scores are too good for a new one. If the model "
    "is to work for new ones, set `group = {setting}` under [data]."
)
_ORDER = (
    "Neighbouring rows of the file are alike in {target} (correlation {correlation:score}, more "
    "than chance gives). If the rows were taken one after another, random folds give scores that "
    "are too good: {treatment}. If the file was only sorted, nothing needs to be done."
)
_SORTED = (
    "The file is sorted by {target}, so its order tells nothing of time. The rows are divided at "
    "random, and this does no harm."
)


def dependence(study: "Study") -> None:
    """Whether groups or an order in the development rows are ignored, by how alike the target is
    within them; kept as `warnings`, a list of {"code": "groups" or "order", "text"}."""
    data, record = study.development(), study.recorder
    units = find_units(data)
    order = find_order(data, units)
    found = [("groups", _UNIT, _unit_values(study, unit)) for unit in units[:_MOST_UNITS]]
    if order.matters:
        found.append(("order", _ORDER, _order_values(study, order)))
    for _, text, values in found:
        record.fact(text, kind="note", **values)
    record.value(warnings=[{"code": code, "text": fill(text, v)} for code, text, v in found])
    if order.sorted_by_target:
        record.fact(_SORTED, target=data.target)


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
    treatment = "name the column that says when as `time` under [data]"
    if order.times:
        named = json.dumps(order.times[0], ensure_ascii=False)
        treatment = f"set `time = {named}` under [data] if that column says when"
    return {
        "target": study.settings.data.target,
        "correlation": order.neighbours.correlation,
        "treatment": treatment,
    }
