import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.plain_json import digest, plain, write_json
from ninefold.records import RECORD_FILE, Record, read_parts, read_record, write_record

FACT = {"kind": "fact", "text": "{rows} rows", "values": {"rows": 3}}


def test_a_record_reads_back_as_it_was_written(tmp_path):
    record = Record(section="4-baseline", values={"rows": 3}, facts=[FACT], fits=7)
    write_record(tmp_path, record)
    assert read_record(Files(tmp_path)) == record


def test_a_folder_without_a_record_has_none(tmp_path):
    assert read_record(Files(tmp_path)) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not valid JSON"),
        ("[]", "has the record version None; this ninefold reads 1"),
        ('{"record_schema": 0, "section": "x"}', "has the record version 0"),
        ('{"record_schema": 1}', "'section': Field required"),
        ('{"record_schema": 1, "section": "x", "extra": 1}', "'extra': Extra inputs"),
    ],
)
def test_a_broken_or_older_record_is_one_clear_line(tmp_path, content, said):
    (tmp_path / "record.json").write_text(content)
    with pytest.raises(NinefoldError, match="run the section again") as error:
        read_record(Files(tmp_path))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "digest"),
    [("../../secret.txt", "0" * 64), ("predictions.parquet", "../secret"), ("x.parquet", "0" * 64)],
)
def test_a_record_names_no_other_file_of_predictions(tmp_path, name, digest):
    kept = {name: {"sha256": digest, "rows": 1, "bytes": 1}}
    content = {"record_schema": 1, "section": "x", "predictions": kept}
    (tmp_path / "record.json").write_text(json.dumps(content))
    with pytest.raises(NinefoldError, match="'predictions"):
        read_record(Files(tmp_path))


def test_json_is_sorted_rounded_and_ends_in_a_newline(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1 / 3, "a": [1.0, math.nan, np.float32(2.5)], "é": "ü"})
    text = (tmp_path / "a.json").read_text("utf-8")
    assert text == '{\n "a": [1.0, null, 2.5],\n "b": 0.333333,\n "é": "ü"\n}\n'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(json_values)
def test_any_value_is_written_as_json_that_reads_back(value):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "value.json"
        write_json(path, value)
        assert json.loads(path.read_text("utf-8")) == plain(value)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(NinefoldError, match=r"a\.json cannot be written: No space left on device"):
        write_json(path, 2)
    assert path.read_text() == "1\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_numpy_values_become_plain_ones():
    value = {"a": np.arange(2), 1: (np.int64(3), np.nan, np.inf), "p": None}
    assert plain(value) == {"a": [0, 1], "1": [3, None, None], "p": None}


def test_a_digest_does_not_depend_on_order():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    values=st.dictionaries(st.text(), nested, max_size=3),
    key=st.dictionaries(st.sampled_from(["key", '"key": ', "\n "]), nested, max_size=3),
    indent=st.sampled_from(["as written", None, 1, 4]),
)
def test_parts_of_a_record_are_what_the_whole_says(tmp_path_factory, values, key, indent):
    folder = tmp_path_factory.mktemp("record")
    write_record(folder, Record(section="4-baseline", values=values, key=key, run={"seconds": 1}))
    path = folder / RECORD_FILE
    if indent != "as written":
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")), indent=indent))
    whole = read_record(Files(folder))
    parts = read_parts(Files(folder), ".", "key", "run")
    assert (parts["key"], parts["run"]) == (whole.key, whole.run)


def test_parts_of_no_record_or_a_broken_one_are_none_or_an_error(tmp_path):
    assert read_parts(Files(tmp_path), ".", "key") is None
    write_record(tmp_path, Record(section="4-baseline", key={"code": "abc"}))
    path = tmp_path / RECORD_FILE
    path.write_text(path.read_text("utf-8")[:-4])
    with pytest.raises(NinefoldError, match="not valid JSON"):
        read_parts(Files(tmp_path), ".", "key")
    path.write_text('{\n "key": {},\n "record_schema": 0,\n "section": "x"\n}\n')
    with pytest.raises(NinefoldError, match="record version 0"):
        read_parts(Files(tmp_path), ".", "key")


def test_a_record_that_could_not_be_read_again_is_not_written(tmp_path):
    write_record(tmp_path, Record(section="4-baseline", values={"x": 1}))
    with pytest.raises(NinefoldError) as error:
        write_record(tmp_path, Record(section="4-baseline", values={"x": "é" * 5_000_000}))
    assert str(error.value) == (
        "record.json has 10 MiB; a record has 8 MiB at most; record less of what no report shows"
    )
    assert read_record(Files(tmp_path)).values == {"x": 1}
