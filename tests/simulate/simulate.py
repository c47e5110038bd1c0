"""Measure what the statistics promise: error, power and coverage, each beside its target.

The simulations are the functions of `of_*.py`, two processes at a time. Exit status 1 where a
target is missed by more than two Monte Carlo standard errors.
"""

import argparse
import importlib
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent))

from simulation import SIMULATIONS, Row

HEADER = ("| simulation | setting | | measured | target | draws |\n"
          "| :--- | :--- | :--- | ---: | :--- | ---: |")  # fmt: skip


def load() -> None:
    """Import every module of simulations beside this one."""
    for path in sorted(Path(__file__).parent.glob("of_*.py")):
        importlib.import_module(path.stem)


def main() -> int:
    load()
    asked = _arguments()
    names = [name for name in SIMULATIONS if any(part in name for part in asked.only)]
    missed, start = 0, time.perf_counter()
    print(HEADER, flush=True)
    with ProcessPoolExecutor(asked.jobs, initializer=load) as pool:
        waiting = {pool.submit(_run, name, asked.share): name for name in names}
        for done in as_completed(waiting):
            rows, seconds = done.result()
            for row in rows:
                missed += not row.is_fine()
                print(line(waiting[done], row), flush=True)
            print(f"{waiting[done]}: {seconds:.0f} s", file=sys.stderr)
    print(f"{missed} missed, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return int(missed > 0)


def _run(name: str, share: float) -> tuple[list[Row], float]:
    start = time.perf_counter()
    return SIMULATIONS[name].run(share), time.perf_counter() - start


def line(name: str, row: Row) -> str:
    """Return a row of the table in Markdown, bold where its target is missed."""
    value = f"{row.value:.3g}" if row.error is not None else f"{100 * row.value:.1f} %"
    shown = value if row.is_fine() else f"**{value}**"
    cells = (name, row.setting, row.quantity, shown, _target(row), str(row.draws))
    return f"| {' | '.join(cells)} |"


def _target(row: Row) -> str:
    ends = [f"{end:g}" if row.error is not None else f"{100 * end:g} %"
            for end in (row.low, row.high)]  # fmt: skip
    if row.low > -float("inf") and row.high < float("inf"):
        return f"{ends[0]} to {ends[1]}"
    if row.high < float("inf"):
        return f"≤ {ends[1]}"
    return f"≥ {ends[0]}" if row.low > -float("inf") else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=[""], help="simulations whose names hold this")
    parser.add_argument("--share", type=float, default=1.0, help="of the usual draws")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
