"""How a failing cell is told."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from ninefold.running.failures import Failure, excerpt, failing_line, readable
from ninefold.stopping import end_of

SOURCE = "one\ntwo\nthree\nfour\nfive\nsix\n"


def test_an_excerpt_marks_the_failing_line_among_its_neighbours():
    assert excerpt(SOURCE, 3) == (
        *("    1  one", "    2  two", "→   3  three", "    4  four", "    5  five"),
    )
    assert excerpt(SOURCE, 6)[-1] == "→   6  six"


def test_an_excerpt_without_a_line_shows_how_the_cell_begins():
    assert excerpt(SOURCE, None)[0] == "    1  one"
    assert not any("→" in line for line in excerpt(SOURCE, 99))
    assert excerpt("", None) == ()


def test_the_failing_line_is_the_one_in_the_cell_not_in_a_library():
    traceback = ["\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[3]\x1b[39m, line 4", "x.py:88"]
    assert failing_line(traceback, SOURCE) == 4
    assert failing_line(["File x.py:88"], SOURCE) is None


class Shell(InteractiveShell):
    """IPython, which keeps the last traceback that it shows."""

    def _showtraceback(self, etype, evalue, stb):
        self.shown = stb


DEFINE = "%%time\na = 1\ndef f():\n    1 / 0\nb = 1"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("1\n2\n\n1 / 0\n3", 4),
        ("\n \n1\n1 / 0", 4),
        ("\n1\nx = 2 3", 3),
        ("x = 1\ny = 2\nz = 3\n%time w = 1 / 0", 4),
        ("%%time\n1\n1 / 0\n2", 3),
        ("%%time\n1 / 0", 2),
        ("%%time\nx = 1\nx = 2 3", 3),
        ("\n%%time\n\n\n1\n1 / 0\n2", 6),
        ("1\n2\n3\n4\n5\nf()\n6", 6),
        ("%%time\n1\nf()\n2", 3),
    ],
)
def test_the_failing_line_is_found_in_what_ipython_shows(source, line):
    shell = Shell(config=Config(HistoryManager={"enabled": False}))
    for each in (DEFINE, source):
        shell.run_cell(each, store_history=True)
    assert failing_line(shell.shown, source) == line


def test_a_message_has_no_name_of_a_file_that_is_a_cell():
    assert readable("invalid syntax (3848249891.py, line 4)") == "invalid syntax"
    assert readable("invalid syntax (helper.py, line 4)") == "invalid syntax (helper.py, line 4)"


def test_of_a_script_the_last_line_of_its_errors_is_told_and_not_its_text():
    message = "Command 'b\"echo '1'\\nexit 4\"' returned non-zero exit status 4."
    assert readable(message) == "the script returned non-zero exit status 4."
    assert readable(message, "one\ntwo\n") == "the script returned non-zero exit status 4: two"
    assert readable("something else.", "one\ntwo\n") == "something else."


def test_the_end_of_a_process_is_told_by_its_status_or_the_name_of_its_signal():
    assert end_of(3) == "ended itself with status 3"
    assert end_of(-11) == "was ended by SIGSEGV"
    assert end_of(-99) == "was ended by signal 99"


def test_an_error_without_a_message_is_told_by_its_name():
    assert Failure("4-baseline", "ValueError", "").summary == "ValueError"


def test_a_summary_is_one_line():
    failure = Failure("4-baseline", "ValueError", "\nfirst\nsecond")
    assert failure.summary == "ValueError: first"
    assert len(Failure("4-baseline", "E", "x" * 9999).summary) < 320


def test_an_error_of_ninefold_is_told_in_its_own_words():
    assert Failure("4-baseline", "NinefoldError", "no column 'x'").summary == "no column 'x'"
