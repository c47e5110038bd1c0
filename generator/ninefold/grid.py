"""A grid over a notebook's parameters: its points, and for each a name any file system takes."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import product
from operator import itemgetter
from typing import Any

from ninefold.errors import NinefoldError

Point = tuple[tuple[str, Any], ...]  # (name, value) in the order of the file

MOST_POINTS = 1_000
_LONGEST_VALUE = 32
_LONGEST_NAME = 80

# What stands for itself in a folder's name: no file system bars it or changes its case, and no
# text can be mistaken for a number, as "16" could.
_NUMBERS = re.compile(r"[\[\],a-z0-9.+-]+")
_WORD = re.compile(r"(?!(?:true|false|null|nan|inf)$)[a-z][a-z0-9_.+-]*(?<!\.)")


def is_value(value: Any) -> bool:
    """Tell whether a parameter can have this value: JSON, finite, text that UTF-8 can hold."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_value(key) for key in value) and all(
            map(is_value, value.values())
        )
    if isinstance(value, list):
        return all(map(is_value, value))
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return not re.search("[\ud800-\udfff]", value)  # half of a character
    return value is None or isinstance(value, int)


def points(grid: Mapping[str, Sequence[Any]]) -> tuple[Point, ...]:
    """Return every combination of the values, the last name's changing fastest."""
    if not grid:
        return ()
    return tuple(tuple(zip(grid, values, strict=True)) for values in product(*grid.values()))


def check_values(values: Any) -> None:
    """Raise NinefoldError where `values` cannot be those of one name of a grid."""
    if not isinstance(values, list):
        raise NinefoldError("expected a list of values, such as [16, 32]")
    if not values:
        raise NinefoldError("expected at least one value, or no line for this name")
    if not all(map(is_value, values)):
        raise NinefoldError("expected finite numbers, text, true or false, or lists of them")
    known = set()
    for value in values:
        same = _same(value)
        if same in known:
            raise NinefoldError(f"{_json(value)} stands there twice", todo="leave one out")
        known.add(same)


def check_size(*grids: Mapping[str, Sequence[Any]]) -> None:
    """Raise NinefoldError where grids have more points than anyone means to run."""
    count = sum(math.prod(map(len, grid.values())) for grid in grids if grid)
    if count > MOST_POINTS:
        raise NinefoldError(
            f"{'its' if len(grids) == 1 else 'their'} {count:,} points are too many",
            f"expected at most {MOST_POINTS:,}",
            "leave some values out, or draw them at random as 6-improvements does",
        )


def point_name(point: Point) -> str:
    """Return a point's name, "batch_size=16,rate=0.01": other values give another name; in which
    order the file has them does not count.

    A value that a folder cannot be called by, or that is long, is shortened, and told apart by a
    digest: "activation=relu~1f0c2b9a61d3".
    """
    name = ",".join(
        f"{key}={_value_name(value)}" for key, value in sorted(point, key=itemgetter(0))
    )
    if len(name) > _LONGEST_NAME or not name.isascii():
        short = re.sub(r"[^\w=,.+~\[\]-]", "", name, flags=re.ASCII)[: _LONGEST_NAME - 20]
        return f"{short}~{_digest(dict(point))}"
    return name


def _value_name(value: Any) -> str:
    text = value if isinstance(value, str) else _json(value)
    plain = _WORD if isinstance(value, str) else _NUMBERS
    if plain.fullmatch(text) and len(text) <= _LONGEST_VALUE and not isinstance(value, dict):
        return text
    slug = re.sub(r"[^a-z0-9]+", "-", text.casefold(), flags=re.ASCII).strip("-")
    return f"{slug[:12]}~{_digest(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _digest(value: Any) -> str:
    return hashlib.sha256(_json(value).encode()).hexdigest()[:12]


def _same(value: Any) -> str:
    """Return a text that two values share where Python takes them for equal numbers, too."""
    if isinstance(value, float) and value.is_integer():
        return _same(int(value))
    if isinstance(value, list):
        return f"[{','.join(map(_same, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{_json(key)}:{_same(value[key])}' for key in sorted(value))}}}"
    return _json(value)
