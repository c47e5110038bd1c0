"""What `evaluate(verbose=1)` shows, where, and how often."""

import io
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import ninefold
from ninefold.errors import NinefoldError
from ninefold.quiet import load_tensorflow
from ninefold.study.training import Progress, progress

load_tensorflow()
import keras  # noqa: E402
from keras import layers  # noqa: E402


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def seconds(monkeypatch):
    """Let time pass by hand, from 0."""
    passed = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: passed[0])
    return passed


def test_a_terminal_has_one_line_with_the_time_left_that_is_cleared(seconds):
    stream = Terminal()
    shown = Progress(4, stream)
    shown.finish()
    seconds[0] = 3.0
    shown.tell("dropout, repeat 1, fold 2", share=0.5)
    seconds[0] = 3.1
    shown.tell("dropout, repeat 1, fold 2", share=0.6)
    shown.close()
    blank, *lines = stream.getvalue().split("\r")
    assert blank == ""
    assert [line.strip() for line in lines] == [
        "2 of 4 · dropout, repeat 1, fold 2 · about 5 s left", "", "",
    ]  # fmt: skip
    assert {len(line) for line in lines[:2]} == {79}


def test_a_notebook_has_a_line_every_ten_seconds(seconds):
    stream = io.StringIO()
    shown = Progress(30, stream)
    for second in range(1, 21):
        seconds[0] = second
        shown.tell(f"epoch {second} of 40", share=second / 40, networks=30)
    shown.close()
    assert stream.getvalue().splitlines() == [
        "1 to 30 of 30 · epoch 10 of 40 · about 30 s left",
        "1 to 30 of 30 · epoch 20 of 40 · about 20 s left",
    ]


def network() -> Any:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    return model


def evaluate(build: Any, **options: Any) -> None:
    X = np.random.default_rng(0).normal(size=(40, 4))
    y = (X[:, 0] > 0).astype(int)
    ninefold.evaluate(build, X, y, folds=2, repeats=1, epochs=3, **options)


@pytest.mark.parametrize(
    ("build", "engine", "lines"),
    [
        (
            {"none": network, "again": network}, "graph",
            ["1 of 4 · none, repeat 1, fold 1", "2 of 4 · none, repeat 1, fold 2",
             "3 of 4 · again, repeat 1, fold 1", "4 of 4 · again, repeat 1, fold 2"],
        ),
        (network, "fit", ["1 of 2 · repeat 1, fold 1", "2 of 2 · repeat 1, fold 2"]),
        (network, "batched", [f"1 to 2 of 2 · epoch {number} of 3" for number in (1, 2, 3)]),
        (LogisticRegression(), "auto", ["1 of 2 · repeat 1, fold 1", "2 of 2 · repeat 1, fold 2"]),
    ],
)  # fmt: skip
def test_each_engine_tells_how_far_it_is(build, engine, lines, monkeypatch, capsys):
    ticks = iter(range(0, 10_000, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(ticks))
    evaluate(build, engine=engine, verbose=1)
    shown = [line.rpartition(" · ")[0] for line in capsys.readouterr().err.splitlines()]
    assert list(dict.fromkeys(shown)) == lines


def test_nothing_is_shown_unasked(monkeypatch, capsys):
    ticks = iter(range(0, 10_000, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(ticks))
    evaluate(network, engine="batched")
    assert capsys.readouterr() == ("", "")


def test_another_verbosity_is_refused():
    with pytest.raises(NinefoldError, match="verbose=2; expected 0 or 1"):
        evaluate(network, verbose=2)
