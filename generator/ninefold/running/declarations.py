"""What a notebook's cell tagged `parameters` declares: names, defaults, and the types these imply.

A type is a tuple of alternatives, each a (kind, type of its items or None); None is any type.
"""

import ast
from dataclasses import dataclass
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.running.notebooks import source, tags

Type = tuple[tuple[str, Any], ...] | None

_KINDS = {  # said of one, and of the items of a list
    "whole": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "text": ("text", "texts"),
    "flag": ("true or false", "true or false"),
    "list": ("a list", "lists"),
    "table": ("a table", "tables"),
    "nothing": ("null", "null"),
}
_ANNOTATIONS = {
    "int": "whole", "float": "number", "str": "text", "bool": "flag", "None": "nothing",
    "list": "list", "List": "list", "tuple": "list", "Tuple": "list", "Sequence": "list",
    "Iterable": "list", "dict": "table", "Dict": "table", "Mapping": "table",
}  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """A name the tagged cell declares: its default (Ellipsis where that is no literal), its type
    (None where nothing can be said of it)."""

    default: Any
    type: Type

    def takes(self, value: Any) -> bool:
        """Tell whether a value is of this parameter's type."""
        return _fits(value, self.type) or (value is None and self.default is None)

    @property
    def expected(self) -> str:
        """Say which values it takes, in a few words."""
        said = f"expected {_said(self.type)}"
        return said if self.default in (None, ...) else f"{said} like {self.default!r}"

    def remedy(self, value: Any) -> str:
        """Say how to declare it so that it takes `value`, where that is not plain."""
        if isinstance(value, float) and type(self.default) is int:
            return f"declare it as {float(self.default)} to take fractions"
        if isinstance(self.default, str) and isinstance(value, (bool, int, float)):
            return f"in quotes it is text: '\"{value}\"'"
        return ""


def declared_parameters(notebook: dict[str, Any]) -> dict[str, Parameter]:
    """Return the names that the cell tagged `parameters` assigns or annotates.

    Raises NinefoldError where that cell is not plain Python, and where there are several:
    papermill puts the values given below the first, and the second would undo them.
    """
    tagged = [source(cell) for cell in notebook["cells"] if "parameters" in tags(cell)]
    if len(tagged) > 1:
        raise NinefoldError(
            f"{len(tagged)} cells are tagged 'parameters'", "expected one", "make one cell of them"
        )
    try:
        statements = ast.parse(tagged[0]).body if tagged else []
    except SyntaxError as error:
        raise NinefoldError(
            f"line {error.lineno} of the cell tagged 'parameters' is not Python", error.msg
        ) from None
    except (RecursionError, MemoryError):
        raise NinefoldError(
            "the cell tagged 'parameters' is nested too deeply", "expected plain assignments"
        ) from None
    found: dict[str, Parameter] = {}
    for statement in statements:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                found |= _assigned(target, statement.value)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            default = _literal(statement.value) if statement.value else ...
            annotated = _annotated(statement.annotation)
            found[statement.target.id] = Parameter(default, annotated or _type_of(default))
    return found


def _assigned(target: ast.expr, value: ast.expr) -> dict[str, Parameter]:
    """Return the names of a target; `a, b = 1, 2` declares two."""
    if isinstance(target, ast.Name):
        default = _literal(value)
        return {target.id: Parameter(default, _type_of(default))}
    found: dict[str, Parameter] = {}
    if isinstance(target, (ast.Tuple, ast.List)):
        values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        unknown: ast.expr = ast.Name("unknown", ast.Load())
        pairs = values if len(values) == len(target.elts) else [unknown] * len(target.elts)
        for name, one in zip(target.elts, pairs, strict=True):
            found |= _assigned(name, one)
    return found


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError):  # TypeError: a list as a dict's key
        return ...


def _annotated(annotation: ast.expr) -> Type:
    """Return the type an annotation names: `int | None`, `list[float]`, "Optional[str]"."""
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                return _annotated(ast.parse(text, mode="eval").body)
            except SyntaxError:
                return None
        case ast.Constant(value=None):
            return (("nothing", None),)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return ((_ANNOTATIONS[name], None),) if name in _ANNOTATIONS else None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _either(_annotated(left), _annotated(right))
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _subscripted(name, inner)
    return None


def _subscripted(name: str, inner: ast.expr) -> Type:
    parts = [part for part in _parts(inner) if not _is_ellipsis(part)]
    if name in ("Optional", "Union"):
        types = [_annotated(part) for part in parts]
        return _either(*types, *([(("nothing", None),)] if name == "Optional" else []))
    if name == "Literal":
        return _either(*(_type_of(_literal(part)) for part in parts))
    kind = _ANNOTATIONS.get(name)
    if kind == "list":
        return (("list", _either(*map(_annotated, parts))),)
    return ((kind, None),) if kind else None


def _parts(inner: ast.expr) -> list[ast.expr]:
    return inner.elts if isinstance(inner, ast.Tuple) else [inner]


def _is_ellipsis(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is ...


def _either(*types: Type) -> Type:
    """Return the alternatives of all; any type where one of them is any."""
    if not types or any(one is None for one in types):
        return None
    return tuple(dict.fromkeys(alternative for one in types for alternative in one or ()))


def _type_of(default: Any) -> Type:
    """Return the type a default implies; None of a default that implies none."""
    if isinstance(default, bool):
        return (("flag", None),)
    if isinstance(default, (list, tuple)):
        return (("list", _either(*map(_type_of, default))),)
    kinds = {int: "whole", float: "number", str: "text", dict: "table"}
    kind = kinds.get(type(default))
    return ((kind, None),) if kind else None


def _fits(value: Any, expected: Type) -> bool:
    return expected is None or any(_is(value, kind, items) for kind, items in expected)


def _is(value: Any, kind: str, items: Type) -> bool:
    if kind == "list":
        return isinstance(value, list) and all(_fits(item, items) for item in value)
    if isinstance(value, bool):
        return kind == "flag"
    kinds: dict[str, tuple[type, ...]] = {
        "whole": (int,), "number": (int, float), "text": (str,), "table": (dict,),
        "nothing": (type(None),),
    }  # fmt: skip
    return isinstance(value, kinds.get(kind, ()))


def _said(expected: Type, plural: bool = False) -> str:
    said = []
    for kind, items in expected or ():
        name = _KINDS[kind][plural]
        said.append(f"{name} of {_said(items, plural=True)}" if items else name)
    return " or ".join(said)
