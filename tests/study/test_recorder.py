import pytest

from ninefold.files import Files
from ninefold.records import read_record
from ninefold.study.recorder import MIME, Recorder
from ninefold.study.tables import make_table

BARS = {"labels": ["a", "b"], "values": [1, 2], "x_label": "rows"}


@pytest.fixture
def recorder(tmp_path):
    return Recorder("4-baseline", tmp_path)


@pytest.fixture
def shown(monkeypatch):
    """Return a function that gives the data of the one display which another makes."""
    displays = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: displays.append(data))

    def show(make):
        make()
        return displays.pop()

    return show


def test_a_fact_is_recorded_and_shown_with_a_pointer_to_its_record(recorder, shown, tmp_path):
    data = shown(lambda: recorder.fact("{rows:integer} rows", rows=1234))
    assert data["text/plain"] == "⚙ 1,234 rows"
    assert data[MIME] == {"schema": 1, "section": "4-baseline", "kind": "fact", "name": 0}
    record = read_record(Files(tmp_path))
    assert record.facts == [
        {"kind": "fact", "text": "{rows:integer} rows", "values": {"rows": 1234}}
    ]
    assert record.values == {"rows": 1234}


def test_a_note_warns_and_its_values_are_not_quotable(recorder, shown, tmp_path):
    data = shown(lambda: recorder.fact("careful: {n}", kind="note", n=1))
    assert data[MIME]["kind"] == "note"
    assert read_record(Files(tmp_path)).values == {}


def test_a_table_is_recorded_raw_and_shown_in_its_formats(recorder, shown, tmp_path):
    table = make_table("Scores.", [("model", "text"), ("loss", "score")], [["<b>", 0.12345]])
    data = shown(lambda: recorder.table("scores", table))
    assert "<td>&lt;b&gt;</td><td>0.123</td>" in data["text/html"]
    assert read_record(Files(tmp_path)).tables["scores"]["rows"] == [["<b>", 0.12345]]


def test_a_figure_is_drawn_from_the_data_that_is_recorded(recorder, shown, tmp_path):
    data = shown(lambda: recorder.figure("bars", "bars", BARS, alt="two bars", caption="Bars."))
    assert data["text/plain"] == "two bars"
    figure = read_record(Files(tmp_path)).figures["bars"]
    assert figure["data"] == BARS
    assert all((tmp_path / path).is_file() for path in figure["files"].values())


def test_a_notebook_opened_by_hand_shows_and_writes_nothing(shown, tmp_path):
    recorder = Recorder("", None)
    assert "1 row" in shown(lambda: recorder.fact("{n} row", n=1))["text/plain"]
    assert shown(lambda: recorder.figure("b", "bars", BARS, alt="x", caption=""))["image/png"]
    assert list(tmp_path.iterdir()) == []
