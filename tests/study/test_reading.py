"""Reading tables: wild ones come back as they were, bad ones get one clear line."""

import csv
import math
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ninefold.errors import NinefoldError
from ninefold.study.reading import MISSING_MARKS, read_source, read_table

PENGUINS = """\
species,island,bill_length_mm,body_mass_g,year
Adelie,Torgersen,39.1,3750,2007
Adelie,Torgersen,NA,NA,2007
Gentoo,Biscoe,46.1,4500,2008
"""


def read(folder: Path, content: str | bytes, **options):
    path = folder / "data.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, **options)


def complaint(folder: Path, content: str | bytes) -> str:
    with pytest.raises(NinefoldError) as caught:
        read(folder, content)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_plain_file_is_read_without_a_word(tmp_path):
    reading = read(tmp_path, PENGUINS)
    assert list(reading.frame.dtypes.astype(str)) == [
        *("object", "object", "float64", "float64", "int64")
    ]
    assert reading.frame["island"].tolist() == ["Torgersen", "Torgersen", "Biscoe"]
    assert reading.frame["bill_length_mm"][0] == 39.1
    assert math.isnan(reading.frame["body_mass_g"][1])
    assert (reading.encoding, reading.delimiter, reading.decimal) == ("utf-8", ",", ".")
    assert reading.missing_marks == ("NA",)
    assert reading.notes == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_delimiter_is_found(tmp_path, delimiter):
    reading = read(tmp_path, PENGUINS.replace(",", delimiter))
    assert reading.delimiter == delimiter
    assert reading.frame.equals(read(tmp_path, PENGUINS).frame)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_each_encoding_is_found(tmp_path, encoding):
    reading = read(tmp_path, "größe,ort\n1,Köln\n2,Århus\n".encode(encoding))
    assert reading.encoding == encoding
    assert reading.frame.to_dict("list") == {"größe": [1, 2], "ort": ["Köln", "Århus"]}


def test_a_decimal_comma_is_understood_and_said(tmp_path):
    reading = read(tmp_path, "a;b;c\n1,5;1.234,5;3\n2,25;17;4\n")
    assert reading.decimal == ","
    assert reading.frame.to_dict("list") == {"a": [1.5, 2.25], "b": [1234.5, 17.0], "c": [3, 4]}
    assert "Numbers are written with a decimal comma." in reading.notes


def test_a_decimal_point_anywhere_speaks_against_the_comma(tmp_path):
    reading = read(tmp_path, 'a,b\n"1,5",1.5\n"2,5",2.25\n')
    assert reading.decimal == "."
    assert reading.frame["a"].tolist() == ["1,5", "2,5"]


def test_commas_that_part_thousands_are_understood_and_said(tmp_path):
    reading = read(tmp_path, 'price,rooms\n"1,250,000",3\n"980,500.5",2\n')
    assert reading.frame["price"].tolist() == [1_250_000, 980_500.5]
    assert reading.notes == ("Commas are read as parting thousands: 'price'.",)


@pytest.mark.parametrize("mark", sorted(MISSING_MARKS))
def test_each_mark_of_a_missing_value_is_found(tmp_path, mark):
    reading = read(tmp_path, f"n,t\n1,x\n{mark},{mark}\n2,y\n")
    assert reading.frame["n"].isna().tolist() == [False, True, False]
    assert reading.frame["t"].tolist() == ["x", None, "y"]
    assert reading.missing_marks == (mark,)


def test_unusual_marks_are_said_and_usual_ones_are_not(tmp_path):
    assert read(tmp_path, "a,b\n1,?\nNA,x\n,y\n").notes == ("Read as missing: '?'.",)


def test_codes_that_only_look_like_numbers_stay_text(tmp_path):
    reading = read(tmp_path, f"zip,card,n\n01234,{10**17}1,1\n98765,{10**17}2,2\n")
    assert reading.frame["zip"].tolist() == ["01234", "98765"]
    assert reading.frame["card"].tolist() == [f"{10**17}1", f"{10**17}2"]
    assert "'zip', 'card'" in reading.notes[0]


def test_infinite_values_are_missing_and_said(tmp_path):
    reading = read(tmp_path, "a,b\n1.5,x\n-inf,y\n")
    assert math.isnan(reading.frame["a"][1])
    assert reading.notes == ("Infinite values are read as missing: 'a'.",)


def test_row_numbers_without_a_name_are_left_out_and_said(tmp_path):
    reading = read(tmp_path, pd.DataFrame({"a": [5, 7], "b": [1, 2]}).to_csv())
    assert list(reading.frame) == ["a", "b"]
    assert "row numbers" in reading.notes[0]


def test_quoted_fields_hold_delimiters_quotes_and_line_breaks(tmp_path):
    reading = read(tmp_path, 'a, "b;|c"\n1,"x, ""y"""\n2,"two\nlines"\n')
    assert reading.frame["b;|c"].tolist() == ['x, "y"', "two\nlines"]


def test_parquet_gives_what_csv_gives(tmp_path):
    plain = read(tmp_path, PENGUINS).frame
    plain.astype({"species": "category"}).to_parquet(tmp_path / "data.parquet")
    assert read_table(tmp_path / "data.parquet").frame.equals(plain)


def test_parquet_with_lists_is_refused_by_column(tmp_path):
    pd.DataFrame({"a": [1, 2], "b": [[1], [2]]}).to_parquet(tmp_path / "data.parquet")
    with pytest.raises(NinefoldError, match="column 'b' holds list"):
        read_table(tmp_path / "data.parquet")


def test_a_source_is_a_path_from_the_root_or_a_built_in_set(tmp_path):
    (tmp_path / "data.csv").write_text(PENGUINS)
    assert len(read_source("data.csv", tmp_path).frame) == 3
    iris = read_source("builtin:iris", tmp_path).frame
    assert sorted(iris["species"].unique()) == ["setosa", "versicolor", "virginica"]
    with pytest.raises(NinefoldError, match="did you mean 'breast_cancer'"):
        read_source("builtin:breastcancer", tmp_path)


def test_every_built_in_set_has_its_target_and_its_provenance():
    from ninefold.study.builtin import BUILTINS, load_builtin

    kinds = {"breast_cancer": "O", "wine": "O", "iris": "O", "digits": "i", "diabetes": "f"}
    for name, builtin in BUILTINS.items():
        frame = load_builtin(name)
        assert list(frame)[-1] == builtin.target
        assert frame[builtin.target].dtype.kind == kinds[name]
        assert all([builtin.title, builtin.origin, builtin.licence, builtin.description])
    assert load_builtin("diabetes")["age"].max() == 79  # years, not scaled


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        ("a,b\n", "a header and no rows"),
        ("a,b\n1,2\n", "only 1 row"),
        ("a\n1\n2\n", "one column only; expected fields separated by , ; | or tabs"),
        ("a b\n1 2\n3 4\n", "one column only"),
        ("My table\na,b,c\n1,2,3\n4,5,6\n", "first line has one field, most others have 3"),
        ('a,b\n1,"x\ny"\n3,4\n5,6,7\n', "line 5 has 3 fields; expected 2"),
        ("a,b\n1,2\n3\n4,5\n", "line 3 has 1 fields"),
        ('a,b\n1,2\n3,"x\n4,5\n', "after line 2: the quotes are broken"),
        ("a,b,a , b,c\n1,2,3,4,5\n1,2,3,4,5\n", "several columns are named 'a', 'b'"),
        ("a,,c\n1,2,3\n4,5,6\n", "column 2 has no name"),
        ('{"a": [1, 2]}', "is JSON"),
        ('{"a": 1}\n{"a": 2}\n', "is JSON"),
        ('[\n {"a": 1, "b": 2}\n]', "is JSON"),
        ("<!DOCTYPE html>\n<p>a,b\n", "is HTML or XML"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is a PNG image"),
        (b"PK\x03\x04\x14\0", "an Excel workbook or a zip archive"),
        (b"a,b\n\0\1,2\n", "holds binary data"),
        (b"a,b\n\x81,\x8d\n1,2\n", "an encoding that cannot be read"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "an encoding that cannot be read"),
        (b"PAR1 and then nothing", "a broken Parquet file"),
    ],
)
def test_what_is_no_table_gets_one_clear_line(tmp_path, content, said):
    assert said in complaint(tmp_path, content)


def test_an_absent_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(NinefoldError, match=r"no such file: .*nothing\.csv"):
        read_table(tmp_path / "nothing.csv")
    with pytest.raises(NinefoldError, match="is a folder"):
        read_table(tmp_path)


def test_new_rows_may_be_a_single_one(tmp_path):
    assert len(read(tmp_path, "a,b\n1,2\n", least=1).frame) == 1


def test_a_delimiter_that_would_break_quotes_is_not_taken(tmp_path):
    frame = read(tmp_path, 'x\t"x;\n;"\n1\t2\n3\t4\n').frame
    assert list(frame.columns) == ["x", "x;\n;"]


# Names and values as people write them: blanks inside, braces, quotes, emoji, every delimiter.
WILD = st.text(st.sampled_from("ab {}[]\"'`|;,\t\n🐧é%#\\<>=:"), max_size=8).map(
    lambda text: f"x{text}".strip()
)
ROWS = st.lists(
    st.tuples(st.none() | WILD, st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    min_size=1,
    max_size=5,
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(WILD, min_size=2, max_size=2, unique=True),
    rows=ROWS,
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_whatever_pandas_writes_comes_back_equal(tmp_path, names, rows, delimiter, quoting):
    # A plain first row: without one, "a;b,1" may be read with either mark.
    frame = pd.DataFrame([("plain", 0.5), *rows], columns=names)
    frame[names[0]] = frame[names[0]].astype(object).where(frame[names[0]].notna(), None)
    text = frame.to_csv(index=False, sep=delimiter, quoting=quoting)
    found = read(tmp_path, text).frame
    pd.testing.assert_frame_equal(found, frame, check_dtype=True)
    assert list(found) == names


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=60) | st.text(st.sampled_from('a1,;|"\n\t{}[]<. '), max_size=40))
def test_any_bytes_are_a_table_or_a_ninefold_error(tmp_path, content):
    with suppress(NinefoldError):
        assert read(tmp_path, content).frame.shape[1] >= 2
