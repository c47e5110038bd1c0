"""Train with all that Keras has, by ninefold and by plain Keras, and compare: `make exact`."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from ninefold.quiet import load_tensorflow

load_tensorflow()
import keras  # noqa: E402
import of_callbacks  # noqa: E402
import of_layers  # noqa: E402
import of_losses  # noqa: E402
import of_optimizers  # noqa: E402
from case import Case, public_classes  # noqa: E402
from compare import Outcome, compare  # noqa: E402

# What is compared: its cases, and the module of Keras that they must cover.
KINDS: dict[str, tuple[Any, ModuleType]] = {
    "optimizer": (of_optimizers, keras.optimizers),
    "loss": (of_losses, keras.losses),
    "layer": (of_layers, keras.layers),
    "callback": (of_callbacks, keras.callbacks),
}
FAULTS = ("over", "failed", "no fit")


def main() -> int:
    """Return 1 where a case differs more than it may or breaks, or a class is not known here."""
    asked = _arguments()
    kinds = asked.only or tuple(KINDS)
    strange = [f"{kind} {name}" for kind in kinds for name in unknown(kind)]
    part, parts = asked.part
    cases = [case for case in cases_of(kinds) if asked.named in case.name][part - 1 :: parts]
    if asked.list:
        print(*(f"{case.kind:9} {case.name}" for case in cases), sep="\n")
        return 0
    print(f"{'':9} {'':50} engine        weights  predicted  history")
    outcomes = []
    for case in cases:
        outcomes.append(compare(case))
        print(line_of(outcomes[-1]), flush=True)
    print(*summary_of(outcomes, kinds), *(f"unknown: {name}" for name in strange), sep="\n")
    if asked.json:
        figures = [asdict(o) | {"case": f"{o.case.kind} {o.case.name}"} for o in outcomes]
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")
    return int(bool(strange) or any(outcome.verdict in FAULTS for outcome in outcomes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='Example: python tests/exact/exact.py --only layer --named "Conv2D"',
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=KINDS, default=(), metavar="KIND", help=", ".join(KINDS))
    add("--named", default="", metavar="TEXT", help="cases whose names hold it")
    add(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="N/M",
        help="every M-th case, from the N-th: parts can run side by side",
    )
    add("--list", action="store_true", help="name the cases, and train none")
    add("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


def _part(text: str) -> tuple[int, int]:
    part, parts = map(int, text.split("/"))
    if not 1 <= part <= parts:
        raise argparse.ArgumentTypeError("expected 1/2 or the like")
    return part, parts


def cases_of(kinds: Iterable[str]) -> Iterator[Case]:
    """Yield the cases of what the installed Keras has: an older one has less."""
    for kind in kinds:
        cases, module = KINDS[kind]
        yield from (case for case in cases.cases() if hasattr(module, case.name.split(",")[0]))


def unknown(kind: str) -> list[str]:
    """Return the public classes of the installed Keras that no case holds and no table excludes."""
    cases, module = KINDS[kind]
    return sorted(public_classes(module).keys() - cases.COVERED - cases.NOT_APPLICABLE.keys())


def line_of(outcome: Outcome) -> str:
    case, figures = outcome.case, (outcome.weights, outcome.predictions, outcome.history)
    compared = outcome.engine and outcome.verdict in ("ok", "over")
    numbers = "  ".join(f"{figure:8.0e}" if compared else f"{'':8}" for figure in figures)
    found = f"{outcome.engine:12} {numbers}  {outcome.verdict} {outcome.message}"
    return f"{case.kind:9} {case.name:50} {found}"


def summary_of(outcomes: list[Outcome], kinds: Iterable[str]) -> Iterator[str]:
    yield ""
    yield (
        f"Keras {version('keras')}, TensorFlow {version('tensorflow')}, {os.cpu_count()} cores, "
        f"Python {sys.version.split()[0]}"
    )
    compared = [o for o in outcomes if o.verdict in ("ok", "over")]
    for engine, number in sorted(Counter(o.engine for o in compared).items()):
        its = [o for o in compared if o.engine == engine]
        same = sum(o.largest == 0 for o in its)
        worst = max(its, key=lambda o: o.largest)
        yield (
            f"{engine}: {number} cases, {same} bit for bit, at most {worst.largest:.0e} apart "
            f"({worst.case.name})"
        )
    for verdict, number in Counter(o.verdict for o in outcomes).items():
        yield f"{verdict}: {number}"
    for outcome in outcomes:
        if outcome.verdict != "ok":
            yield f"  {outcome.verdict}: {outcome.case.kind} {outcome.case.name}: {outcome.message}"
    for kind in kinds:
        for name, reason in KINDS[kind][0].NOT_APPLICABLE.items():
            yield f"  left out: {kind} {name}: {reason}"


if __name__ == "__main__":
    sys.exit(main())
