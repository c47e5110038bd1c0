"""What a terminal of 80 columns shows of a run."""

import io
import re

import pytest
from rich.console import Console

from ninefold.cli import live
from ninefold.cli.lines import planned
from ninefold.running.events import CellStarted, Notice, Planned
from ninefold.running.execution import Outcome
from ninefold.running.failures import Failure
from ninefold.running.plan import Step

SECTION = "5-experiments/3-weight-regularization"


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the test moves."""
    now = [1000.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def board(clock):
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True)
    return live._Board(console, began=clock[0])


def shown(board, width=80):
    """Return the lines that the view has now, without colours and spinner."""
    console = Console(file=io.StringIO(), width=width, height=board.console.height)
    console.print(board)
    lines = console.file.getvalue().splitlines()
    return [re.sub("[\u2800-\u28ff]", "*", line).rstrip() for line in lines]


def printed(board):
    """Return the lines that stay above it."""
    text = re.sub("\x1b\\[[0-9;]*m", "", board.console.file.getvalue())
    return [line.rstrip() for line in text.splitlines()]


def test_each_section_has_a_line_and_all_together_one(board, clock):
    board.listen(Planned({"4-baseline": 30.0, SECTION: 100.0, "7-final-model": None}))
    for section in ("4-baseline", SECTION):
        board.listen(CellStarted(section, 0, 0))
    clock[0] += 10
    board.listen(CellStarted("4-baseline", 3, 12))
    assert shown(board) == [
        "* 4-baseline                                 10 s cell 3 of 12, last time 30 s",
        "* 5-experiments/3-weight-regularization      10 s starting, last time 1:40 min",
        "· 7-final-model                                   waits",
        "  0 of 3 done · 10 s · about 1:30 min left",
    ]
    board.listen(Outcome("4-baseline", "ran", "never run", 12.3))
    assert printed(board) == ["✓ 4-baseline                                 12 s never run"]
    assert shown(board)[0].startswith(f"* {SECTION}")
    assert shown(board)[-1].startswith("  1 of 3 done · 10 s")


def test_a_run_of_which_no_time_is_known_promises_none(board):
    board.listen(Planned({"4-baseline": None}))
    assert shown(board)[-1] == "  0 of 1 done · 0 s"


def test_what_was_not_executed_is_told_too(board, capsys):
    board.listen(Planned({"4-baseline": None, "7-final-model": None}))
    board.listen(Outcome("2-data-summary", "kept", "nothing changed"))
    failure = Failure("4-baseline", "KeyError", "'mass'", 2, ("→   1  x",), "try this")
    board.listen(Outcome("4-baseline", "failed", "never run", 3.0, failure))
    board.listen(Outcome("7-final-model", "skipped", "needs 4-baseline, which failed"))
    board.listen(Notice("kernels start cold: no fork"))
    assert printed(board) == [
        "= 2-data-summary                             kept nothing changed",
        "✗ 4-baseline                                3.0 s failed in cell 2",
        "– 7-final-model                           not run needs 4-baseline, which failed",
        "kernels start cold: no fork",
    ]
    told = capsys.readouterr().err.splitlines()
    assert told[:4] == [
        "failed 4-baseline in cell 2 after 3.0 s",
        *("    →   1  x", "    KeyError: 'mass'", "    try: try this"),
    ]
    assert shown(board) == []


def test_what_is_done_but_not_well_is_counted_apart(board):
    board.listen(Planned(dict.fromkeys(("2-a", "3-b", "4-c", "5-d"), 0.2)))
    board.listen(Outcome("2-a", "ran", "never run", 1.0))
    board.listen(Outcome("3-b", "failed", "never run", 1.0, Failure("3-b", "E", "no")))
    board.listen(Outcome("4-c", "skipped", "needs 3-b, which failed"))
    waiting, total = shown(board)
    assert waiting.endswith("waits, last time under 1 s")
    assert total == "  3 of 4 done · 1 failed · 1 not run · 0 s · ends soon"


@pytest.mark.parametrize("width", [80, 40, 20])
def test_no_line_wraps_however_narrow_the_terminal(board, clock, width):
    board.listen(Planned({SECTION: 100.0, "7-final-model": 5000.0}))
    board.listen(CellStarted(SECTION, 3, 12))
    board.listen(Outcome("2-a", "failed", "never run", 1.0, Failure("2-a", "E", "no")))
    clock[0] += 10
    lines = shown(board, width)
    assert len(lines) == 3
    assert max(map(len, lines)) <= width


def test_more_sections_than_lines_are_counted(board):
    board.console.height = 10
    board.listen(Planned({f"5-experiments/{n}-x": None for n in range(40)}))
    lines = shown(board)
    assert len(lines) < 10
    assert lines[-2] == "  and 33 more"


def test_a_long_name_shows_its_end(board):
    name = "5-experiments/2-batch-size@batch_size={},rate=0.001"
    board.listen(Planned({name.format(size): None for size in (1, 2)}))
    first, second = (line.split()[1] for line in shown(board)[:2])
    assert first == "…/2-batch-size@batch_size=1,rate=0.001"
    assert second.endswith("batch_size=2,rate=0.001")


def test_a_plan_says_what_would_run_why_and_for_how_long():
    class Named:
        id = "4-baseline"

    stale, fresh = (Step(Named(), why, {}, {}, ()) for why in ("never run", None))
    assert planned(stale, 12.3) == "would run 4-baseline: never run (12 s the last time)"
    assert planned(fresh, 12.3) == "would keep 4-baseline: nothing changed"
