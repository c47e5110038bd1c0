"""What people are told to try."""

import pytest

from ninefold.running.advice import advise


@pytest.mark.parametrize(
    ("error", "message", "advice"),
    [
        ("ModuleNotFoundError", "No module named 'sklearn.new'", "pip install scikit-learn, "),
        ("ModuleNotFoundError", "No module named 'jax'", "set KERAS_BACKEND=tensorflow, if Keras"),
        ("FileNotFoundError", "[Errno 2] No such file: 'x.csv'", "paths begin there"),
        ("KeyError", "'mass'", "if 'mass' is a column"),
        ("MemoryError", "", "fewer rows"),
        ("OSError", "[Errno 28] No space left on device", "free some space"),
        ("OSError", "[Errno 5] Input/output error", ""),
        ("DeadKernel", "the kernel was ended by SIGKILL in this cell", "memory"),
        ("DeadKernel", "the kernel was ended by SIGSEGV in this cell", "a library crashed"),
        ("DeadKernel", "the kernel ended itself with status 3 in this cell", "os._exit"),
        ("IndentationError", "unexpected indent", "mend the line"),
        ("SystemExit", "", "remove exit"),
        ("SomethingElse", "x", ""),
    ],
)
def test_what_people_meet_most_has_advice(error, message, advice):
    said = advise(error, message)
    assert (advice in said) if advice else said == ""


@pytest.mark.parametrize(
    "later", ["rate = 1", "def rate(): ...", "import x as rate", "for rate in []: pass", "%%x\n1"]
)
def test_a_name_that_a_later_cell_makes_is_found_there(later):
    said = advise("NameError", "name 'rate' is not defined", 1, ["rate", "1", later])
    if later.startswith("%"):
        assert said.startswith("no cell makes 'rate' before this one")
    else:
        assert said == "cell 3 makes 'rate', and a run goes from the top: move it up"
