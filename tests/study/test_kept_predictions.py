"""Predictions beside a record give the same scores again, and a stranger's cannot explode."""

import hashlib
import io
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as arrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

import ninefold
from ninefold.bounded import Kind
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.records import read_record
from ninefold.study.evaluation import over_seeds
from ninefold.study.kept_predictions import (
    HOLDOUT,
    OUT_OF_FOLD,
    describe_kept,
    pack_holdout,
    pack_predictions,
    read_predictions,
    to_keep,
)
from ninefold.study.recorder import Recorder
from ninefold.study.scoring import score_folds

NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(60, 3))
LABELS = np.where(X[:, 0] + NUMBERS.normal(size=60) > 0, "evaluation", "probability of row")


def evaluate(model, y=LABELS, **options):
    return ninefold.evaluate(model, X, y, folds=3, repeats=2, validation=0, **options)


def kept(tmp_path, content, section="5-a", name=OUT_OF_FOLD):
    folder = tmp_path / "results" / section
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return Files(tmp_path), {name: describe_kept(content)}


def stranger(tmp_path, content):
    """Return what reading a file of this content gives, which its record names truly."""
    folder = tmp_path / "results" / "5-a"
    folder.mkdir(parents=True)
    (folder / OUT_OF_FOLD).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    named = {OUT_OF_FOLD: {"sha256": digest, "rows": 1, "bytes": len(content)}}
    return read_predictions(Files(tmp_path), "5-a", named)


def packed(**columns):
    content = io.BytesIO()
    parquet.write_table(arrow.table(columns), content, compression="zstd")
    return content.getvalue()


PLACES = {"evaluation": ["a"], "seed": [0], "repeat": [0], "fold": [0], "row": [0]}


@pytest.mark.parametrize(
    "y", [LABELS, np.array(["a", "b", "c"])[np.arange(60) % 3], X[:, 0] * 3 + 2024.0]
)
def test_predictions_read_back_give_the_same_scores(tmp_path, y):
    model = LogisticRegression() if y.dtype.kind == "U" else LinearRegression()
    evaluation = evaluate(model, y)
    files, record = kept(tmp_path, pack_predictions({"the model": to_keep(evaluation)}))
    found = read_predictions(files, "5-a", record)["the model"][0]
    assert list(found) == list(evaluation.predictions)
    pd.testing.assert_frame_equal(found, evaluation.predictions, rtol=1e-4)
    again = score_folds(found, evaluation.protocol)
    metrics = list(evaluation.protocol.metrics)
    np.testing.assert_allclose(again[metrics], evaluation.scores[metrics], rtol=1e-5, atol=1e-7)


def test_outputs_take_four_bytes_where_that_is_enough_and_eight_where_it_is_not():
    small = evaluate(LinearRegression(), X[:, 0] + NUMBERS.normal(size=60))
    assert to_keep(small)[0]["prediction"].dtype == "float32"
    fine = evaluate(LinearRegression(), 1e6 + 1e-3 * (X[:, 0] + NUMBERS.normal(size=60)))
    assert to_keep(fine)[0]["prediction"].dtype == "float64"


def test_a_model_without_probabilities_is_kept_beside_one_with_them(tmp_path):
    with_them, without = evaluate(LogisticRegression()), evaluate(LinearSVC())
    content = pack_predictions({"with": to_keep(with_them), "without": to_keep(without)})
    found = read_predictions(*_of(tmp_path, content))
    assert list(found["without"][0]) == ["repeat", "fold", "row", "predicted"]
    assert (found["without"][0]["predicted"] == without.predictions["predicted"]).all()
    assert list(found["with"][0]) == list(with_them.predictions)


def test_a_network_of_several_seeds_keeps_the_predictions_of_each(tmp_path):
    seeds = [evaluate(LogisticRegression(C=c)) for c in (1.0, 0.01)]
    content = pack_predictions({"both": to_keep(over_seeds(seeds)), "one": to_keep(seeds[0])})
    found = read_predictions(*_of(tmp_path, content))
    assert (len(found["both"]), len(found["one"])) == (2, 1)
    for frame, own in zip(found["both"], seeds, strict=True):
        pd.testing.assert_frame_equal(frame, own.predictions, rtol=1e-4)


def _of(tmp_path, content):
    files, record = kept(tmp_path, content)
    return files, "5-a", record


def test_the_same_predictions_give_the_same_bytes():
    frame = to_keep(evaluate(LogisticRegression()))
    assert pack_predictions({"a": frame}) == pack_predictions({"a": (frame[0].copy(),)})


@settings(deadline=None, max_examples=30)
@given(names=st.lists(st.text(max_size=20), min_size=1, max_size=4, unique=True))
def test_an_evaluation_may_have_any_name(names, tmp_path_factory):
    frame = pd.DataFrame({"repeat": 0, "fold": 0, "row": [0, 1], "prediction": [0.5, 1.5]})
    try:
        [name.encode() for name in names]
    except UnicodeEncodeError:
        return
    content = pack_predictions({name: (frame + number,) for number, name in enumerate(names)})
    found = read_predictions(*_of(tmp_path_factory.mktemp("any"), content))
    assert list(found) == names
    assert [part[0]["prediction"][0] for part in found.values()] == [
        0.5 + number for number in range(len(names))
    ]


def test_the_hold_out_keeps_which_row_of_the_file_was_answered_how():
    answers = pd.DataFrame(
        {"y": ["a", "b"], "probability of a": [0.9, 0.2], "probability of b": [0.1, 0.8]}
    )
    content = pack_holdout(np.array([7, 3]), np.array(["a", "a"]), answers)
    found = parquet.read_table(io.BytesIO(content)).to_pandas()
    assert list(found) == ["row", "actual", "predicted", "probability of a", "probability of b"]
    assert found["row"].tolist() == [7, 3]
    assert found["predicted"].astype(str).tolist() == ["a", "b"]
    numbers = pack_holdout(np.array([1]), np.array([2.5]), pd.DataFrame({"y": [2.25]}))
    found = parquet.read_table(io.BytesIO(numbers)).to_pandas()
    assert found.to_dict("list") == {"row": [1], "actual": [2.5], "prediction": [2.25]}


# the recorder


def test_each_evaluation_of_a_section_is_kept_beside_its_record_which_names_the_file(tmp_path):
    recorder = Recorder("5-a", tmp_path / "results" / "5-a")
    frame = to_keep(evaluate(LogisticRegression()))
    for name in ("one", "two"):
        recorder.predictions(name, frame)
    record = read_record(Files(tmp_path), "results/5-a")
    content = (recorder.folder / OUT_OF_FOLD).read_bytes()
    assert record.predictions == {OUT_OF_FOLD: describe_kept(content)}
    assert list(read_predictions(Files(tmp_path), "5-a", record.predictions)) == ["one", "two"]


def test_in_a_notebook_the_file_is_written_once_a_cell(tmp_path, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    recorder = Recorder("5-a", tmp_path)
    frame = to_keep(evaluate(LogisticRegression()))
    shell.user_ns.update(keep=lambda name: recorder.predictions(name, frame), path=tmp_path)
    shell.run_cell("for n in range(30): keep(str(n))\nwritten = list(path.iterdir())")
    assert shell.user_ns["written"] == []
    assert read_record(Files(tmp_path)).predictions[OUT_OF_FOLD]["rows"] == 30 * len(frame[0])


def test_predictions_too_large_to_be_read_are_not_kept_and_that_is_said(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw: said.append(data["text/plain"])
    )
    recorder = Recorder("5-a", tmp_path)
    frame = to_keep(evaluate(LogisticRegression()))
    recorder.predictions("one", frame)
    monkeypatch.setattr("ninefold.study.kept_predictions.PREDICTIONS", Kind("a file", 10))
    recorder.predictions("two", frame)
    assert "not kept: predictions.parquet has" in said[-1]
    assert read_record(Files(tmp_path)).predictions == {}
    assert not (tmp_path / OUT_OF_FOLD).exists()


def test_by_hand_no_predictions_are_written(tmp_path):
    recorder = Recorder("", None)
    recorder.predictions("one", to_keep(evaluate(LogisticRegression())))
    recorder.keep_file(HOLDOUT, b"")
    assert list(tmp_path.iterdir()) == []


# what reading refuses


def test_a_section_that_has_kept_none_is_a_line(tmp_path):
    with pytest.raises(NinefoldError, match="5-a has kept no out-of-fold predictions; run"):
        read_predictions(Files(tmp_path), "5-a", {})


def test_a_file_that_is_gone_is_a_line(tmp_path):
    files, record = kept(tmp_path, packed(**PLACES, prediction=[1.0]))
    (tmp_path / "results" / "5-a" / OUT_OF_FOLD).unlink()
    with pytest.raises(NinefoldError, match="is gone"):
        read_predictions(files, "5-a", record)


def test_a_link_that_leads_out_of_the_project_is_refused(tmp_path):
    content = packed(**PLACES, prediction=[1.0])
    files, record = kept(tmp_path / "project", content)
    outside = tmp_path / "outside"
    outside.write_bytes(content)
    path = tmp_path / "project" / "results" / "5-a" / OUT_OF_FOLD
    path.unlink()
    path.symlink_to(outside)
    with pytest.raises(NinefoldError, match="leads out of"):
        read_predictions(files, "5-a", record)


def test_another_file_than_the_records_is_a_line(tmp_path):
    files, record = kept(tmp_path, packed(**PLACES, prediction=[1.0]))
    kept(tmp_path, packed(**PLACES, prediction=[2.0]))
    with pytest.raises(NinefoldError, match="is not the file that its section's record names"):
        read_predictions(files, "5-a", record)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no Parquet file"),
        (b"PAR1" + bytes(40) + b"PAR1", "is no Parquet file"),
        (packed(**PLACES, prediction=[float("nan")]), "not finite"),
        (packed(**PLACES, prediction=[[1.0]]), "columns of another kind: 'prediction'"),
        (packed(**PLACES, prediction=[b"x"]), "columns of another kind: 'prediction'"),
        (packed(**{**PLACES, "row": [None]}, prediction=[1.0]), "of another kind: 'row'"),
        (packed(evaluation=["a"], prediction=[1.0]), "does not say what its predictions are of"),
        (packed(**{**PLACES, "row": ["x"]}, prediction=[1.0]), "cannot be read"),
        (packed(**PLACES, prediction=["x"]), "cannot be read"),
    ],
)
def test_what_is_no_file_of_predictions_is_a_line(tmp_path, content, said):
    with pytest.raises(NinefoldError, match=said) as error:
        stranger(tmp_path, content)
    assert "\n" not in str(error.value)


def test_a_file_that_would_unpack_to_more_than_a_study_can_have_is_refused_unread(
    tmp_path, monkeypatch
):
    rows = 2**24
    zeros = arrow.array(np.zeros(rows, dtype="int8"))
    columns = {f"c{number}": zeros for number in range(5)}
    content = packed(**columns)
    assert len(content) < 2**20
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.read", lambda *_: pytest.fail("it was read"))
    with pytest.raises(NinefoldError, match=r"holds 16,777,216 rows of 5 columns"):
        stranger(tmp_path, content)


@settings(deadline=None, max_examples=100)
@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_file_with_any_byte_changed_is_read_or_refused(place, value, tmp_path_factory):
    content = bytearray(packed(**PLACES, prediction=[1.0]))
    content[place % len(content)] = value
    with suppress(NinefoldError):
        found = stranger(tmp_path_factory.mktemp("fuzz"), bytes(content))
        assert all(isinstance(frame, pd.DataFrame) for its in found.values() for frame in its)
