"""The executed notebook as it is committed."""

import sys
from pathlib import Path

import pytest

from ninefold.running.scrubbing import path_cleaner, scrub, settle

ROOT = Path("/srv/a {b}/stu dy")
CLEAN = path_cleaner(ROOT, ROOT / ".ninefold/staging/77/4-baseline", "4-baseline")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{ROOT}/data/x.csv is read", "data/x.csv is read"),
        (f"in {ROOT}", "in ."),
        (f"{ROOT}-2/data", f"{ROOT}-2/data"),
        (
            f"{ROOT}/.ninefold/staging/77/4-baseline/figures/a.svg",
            "results/4-baseline/figures/a.svg",
        ),
        (ROOT.as_uri() + "/data/x.csv", "data/x.csv"),
        (f"{Path.home()}/.keras/x", "~/.keras/x"),
        (f"{sys.prefix}/bin/python", "…/bin/python"),
        ("/tmp/ipykernel_4711/123.py:6: UserWarning", "cell:6: UserWarning"),
        ("<object at 0x7f3a5c0b1e80>", "<object at 0x…>"),
        ("0x1F is 31", "0x1F is 31"),
    ],
)
def test_texts_lose_what_belongs_to_this_machine(text, shown):
    assert CLEAN(text) == shown


@pytest.mark.parametrize(
    ("stream", "shown"),
    [
        ("a\nb\n", "a\nb\n"),
        ("1 %\r2 %\r100 %\ndone", "100 %\ndone"),
        ("long line\rshort\n", "shortline\n"),
        ("12\b\b34\n", "34\n"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("\x1b[1m1/9\x1b[0m\b\b\b9/9\n", "9/9\n"),
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
        ("", ""),
    ],
)
def test_a_stream_shows_what_a_terminal_shows_at_its_end(stream, shown):
    assert settle(stream) == shown


def code(*outputs, **more):
    return {
        **{"cell_type": "code", "id": "one", "source": "x", "execution_count": 1},
        **{"metadata": {}, "outputs": list(outputs), **more},
    }


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def notebook(*cells, **metadata):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def scrubbed(*cells, **metadata):
    return scrub(notebook(*cells, **metadata), notebook(code()), CLEAN)


def test_pieces_of_a_stream_are_joined_whatever_their_order():
    display = {"output_type": "display_data", "data": {"text/plain": "3"}, "metadata": {}}
    streams = [stream("a"), stream("!", "stderr"), stream(["b\n", "c"]), display, stream("d")]
    (cell,) = scrubbed(code(*streams))["cells"]
    assert [output.get("text") for output in cell["outputs"]] == [["ab\n", "c"], ["!"], None, ["d"]]


def test_lines_that_tensorflow_prints_at_its_start_go():
    noise = (
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
        "I0000 00:00:1795230247.284053   14592 port.cc:153] oneDNN custom operations are on.\n"
    )
    (cell,) = scrubbed(code(stream(noise + "a warning\n", "stderr"), stream(noise)))["cells"]
    assert cell["outputs"] == [stream(["a warning\n"], "stderr")]


def test_numbers_that_json_lacks_become_null_and_pictures_stay():
    data = {"application/vnd.x+json": {"a": [float("nan"), 1.5]}, "image/png": f"{ROOT}/"}
    display = {"output_type": "display_data", "data": data, "metadata": {}}
    (cell,) = scrubbed(code(display))["cells"]
    assert cell["outputs"][0]["data"] == {
        **{"application/vnd.x+json": {"a": [None, 1.5]}, "image/png": f"{ROOT}/"}
    }


def test_metadata_keeps_what_is_stable():
    done = scrubbed(
        code(metadata={"tags": [], "papermill": {"duration": 1}, "jupyter": {"x": 1}}),
        code(id="random", metadata={"tags": ["injected-parameters"], "execution": {"a": "10:00"}}),
        code(metadata={"tags": ["papermill-error-cell-tag"]}),
        papermill={"start_time": "now", "input_path": f"{ROOT}/x", "parameters": {"rate": 0.1}},
        kernelspec={"name": "mine", "display_name": "Anna's"},
    )
    assert [cell["metadata"] for cell in done["cells"]] == [
        *({"jupyter": {"x": 1}}, {"tags": ["injected-parameters"]}),
    ]
    assert [cell["id"] for cell in done["cells"]] == ["one", "at-2"]
    assert done["metadata"]["papermill"] == {"parameters": {"rate": 0.1}}
    assert done["metadata"]["kernelspec"]["name"] == "python3"


def test_a_word_of_a_million_characters_is_cleaned_without_looking_at_each_of_them_anew():
    word = "QUJD" * 250_000
    path = "/tmp/ipykernel_12/34.py"
    assert CLEAN(f"<img src={word}> {path}") == f"<img src={word}> cell"
