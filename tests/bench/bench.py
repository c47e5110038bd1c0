"""Race ninefold against `model.fit`, scikit-learn and papermill on this machine: `make bench`."""

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

import first_line
import kept
import twelve
from board import draw
from ledger import summarise
from rich.console import Console
from runs import FOLDS, NAMES, REPEATS, Scale, plan_jobs, run_all

PACKAGES = ("ninefold", "keras", "tensorflow", "scikit-learn", "numpy", "papermill")
# Of whole notebooks: each returns its rows and targets.
NOTEBOOKS = {"first-line": first_line.measure, "twelve": twelve.measure, "kept": kept.measure}


def main() -> int:
    """Return 0, or 1 where a process broke; never for being slow."""
    asked = _arguments()
    timed = FOLDS * REPEATS - 1 if asked.all_folds else asked.timed_folds
    scale = Scale(timed, asked.repeat, asked.quick)
    # a table in a pipe is as wide as it needs to be
    console, progress = Console(width=None if os.isatty(1) else 120), Console(stderr=True)
    machine = describe_machine()
    measured = []
    entries = plan_jobs(scale, asked.only)
    for entry, outcome in run_all(entries, scale.rounds):
        measured.append((entry, outcome))
        done = f"{len(measured)} of {len(entries) * scale.rounds}: {entry.group}, {entry.label}"
        progress.print(done, outcome.get("failed", ""), markup=False, highlight=False)
    summary = {**summarise(measured), "notebooks": []}
    for name, measure in NOTEBOOKS.items():
        if name in (asked.only or NOTEBOOKS):
            rows, targets = measure(asked.quick)
            summary["notebooks"] += rows
            summary["targets"] += targets
            progress.print(f"notebooks: {name}", highlight=False)
    console.print(*(f"{key}: {value}" for key, value in machine.items()), sep="\n", highlight=False)
    if asked.quick:
        console.print("--quick: too little was run for these figures to mean anything")
    console.print(draw(summary), highlight=False)
    if asked.json:
        settings = {"rounds": scale.rounds, "quick": scale.quick}
        report = {"machine": machine, "settings": settings, **summary}
        asked.json.write_text(json.dumps(report, indent=2) + "\n")
    return int(any(row["failed"] for row in summary["rows"]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Example: python tests/bench/bench.py --only plain variants --json bench.json",
    )
    names = (*NAMES, *NOTEBOOKS)
    add = parser.add_argument
    add(
        "--only",
        nargs="+",
        choices=names,
        default=(),
        metavar="NAME",
        help=f"of {', '.join(names)}",
    )
    add("--repeat", type=_count, default=1, metavar="N", help="rounds; their median counts")
    add("--timed-folds", type=_count, default=3, metavar="N", help="folds to time model.fit on")
    add("--all-folds", action="store_true", help="time model.fit on all of them")
    add("--quick", action="store_true", help="too little to mean anything, to see that it runs")
    add("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected at least 1")
    return number


def describe_machine() -> dict[str, str]:
    """Return what the figures depend on: processor, cores, load before the start, versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {
        "processor": f"{_processor()}, {cores} cores",
        "load": f"{os.getloadavg()[0]:.1f} processes at the start",
        "python": platform.python_version(),
    }
    return found | {name: version(name) for name in PACKAGES}


def _processor() -> str:
    described = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows as much
    lines = described.read_text().splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    raise SystemExit(main())
