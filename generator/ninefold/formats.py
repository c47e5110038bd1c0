"""How a number becomes text: one table of named formats, used wherever a reader sees a number.

A table's column, a fact's field (`{rows:integer}`) and an expression's filter
(`{{ best.accuracy | pm }}`) name a format of this table.
"""

import re
from collections.abc import Callable
from typing import Any

MISSING = "–"


def show(value: Any, name: str = "") -> str:
    """Return `value` as text in the format `name`; without one, in the format of its type.

    Raises KeyError for an unknown name.
    """
    form = FORMATS[name or _natural(value)]
    return MISSING if value is None else form(value)


def _natural(value: Any) -> str:
    if isinstance(value, dict) and "mean" in value:
        return "pm"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "text"
    return "integer" if isinstance(value, int) else "score"


def _score(value: float) -> str:
    """Three decimals below ten, two significant digits below a thousandth, thousands apart."""
    if 0 < abs(value) < 0.0005:
        return minus(f"{value:.2g}")
    value = value or 0.0  # of −0
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:,.{1 if abs(value) < 100 else 0}f}"
    return minus(text)


def _significant(value: float) -> str:
    return minus(f"{value or 0.0:.3g}" if abs(value) < 1000 else f"{value:,.0f}")


def _signed(value: float) -> str:
    """With its sign; what the rounding of sums leaves of 0 is 0."""
    if abs(value) < 1e-12:
        return _score(0.0)
    return ("−" if value < 0 else "+") + _score(abs(value))


def _interval(value: dict | list) -> str:
    low, high = (value["low"], value["high"]) if isinstance(value, dict) else value
    if low is None or high is None:
        return MISSING
    return f"{_score(low)} to {_score(high)}"


def _plus_minus(value: dict) -> str:
    """The mean and half the width of its interval; the interval itself where the mean is not in its
    middle, as of one that is cut to the metric's range."""
    mean, low, high = value["mean"], value.get("low"), value.get("high")
    if low is None or high is None:
        return _score(mean)
    if abs((high - mean) - (mean - low)) > _LOPSIDED * (high - low):
        return f"{_score(mean)} ({_interval(value)})"
    return f"{_score(mean)} ± {_score((high - low) / 2)}"


_LOPSIDED = 0.02  # of an interval's width: beyond what rounding of a record does


def _percent(share: float) -> str:
    """One decimal; of a share too small for it, a bound: 1 row of 5,000 is not 0.0 %."""
    return "< 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def times(count: int) -> str:
    """Return how often: "once", "3 times"."""
    return "once" if count == 1 else f"{count:,} times"


def _list(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def minus(number: str) -> str:
    """Return a number's text with minus signs instead of hyphens, that of an exponent too."""
    return number.replace("-", "−")


FORMATS: dict[str, Callable[[Any], str]] = {
    "text": _list,
    "integer": lambda value: minus(f"{round(value):,}"),
    "score": _score,
    "significant": _significant,
    "signed": _signed,
    "percent": _percent,
    "p": lambda value: "< 0.001" if value < 0.001 else f"{value:.3f}",
    "duration": _duration,
    "interval": _interval,
    "pm": _plus_minus,
}


def fill(text: str, values: dict[str, Any]) -> str:
    """Fill a fact's fields: "{rows:integer} rows" with {"rows": 344} is "344 rows".

    Raises KeyError for a field without a value or a format that does not exist.
    """
    return re.sub(r"\{(\w+)(?::(\w+))?\}", lambda m: show(values[m[1]], m[2] or ""), text)
