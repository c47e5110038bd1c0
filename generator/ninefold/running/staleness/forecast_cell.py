"""The code of a cell as results depend on it: without what a forecast states."""

import ast
import warnings
from typing import Any

NAMES = ("winner", "difference", "confidence")


def without_forecast(source: str) -> str:
    """Return a cell's code in which the literal arguments of `study.forecast(…)` are left out, so
    that correcting one makes nothing stale; anything else as it is."""
    calls = _forecasts(source)
    lines = source.encode().splitlines(keepends=True)  # columns are counted in bytes
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    code = source.encode()
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset), reverse=True):
        begin = starts[_end_line(call.func) - 1] + (call.func.end_col_offset or 0)
        end = starts[_end_line(call) - 1] + (call.end_col_offset or 0)
        code = code[:begin] + b"()" + code[end:]
    return code.decode()


def stated_forecasts(source: str) -> list[dict[str, Any]]:
    """Return what a cell's literal calls of `study.forecast` state: name → value."""
    found = []
    for call in _forecasts(source):
        values = dict(zip(NAMES, call.args, strict=False))
        values |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        found.append({name: ast.literal_eval(value) for name, value in values.items()})
    return found


def _forecasts(source: str) -> list[ast.Call]:
    """Return the calls of `study.forecast` whose arguments are literals; none in what is no plain
    Python."""
    if "forecast" not in source:
        return []
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # magics
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_forecast(node)]


def _end_line(node: ast.expr) -> int:
    return node.end_lineno or node.lineno


def _is_forecast(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(attr="forecast", value=ast.Name(id="study")):
            values = [*call.args, *(keyword.value for keyword in call.keywords)]
            return all(_is_literal(value) for value in values)
    return False


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
