"""How a failing cell is told."""

from ninefold.running.failures import Failure, excerpt, failing_line

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
    assert failing_line(traceback) == 4
    assert failing_line(["File x.py:88"]) is None


def test_a_summary_is_one_line():
    failure = Failure("4-baseline", "ValueError", "\nfirst\nsecond")
    assert failure.summary == "ValueError: first"
    assert len(Failure("4-baseline", "E", "x" * 9999).summary) < 320


def test_an_error_of_ninefold_is_told_in_its_own_words():
    assert Failure("4-baseline", "NinefoldError", "no column 'x'").summary == "no column 'x'"
