"""The tables of `tests/data/tables` as files: in other encodings, formats, archives."""

import csv
import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow

TABLES = Path(__file__).parent / "data" / "tables"


def write(file: str, stem: str, how: dict[str, Any], root: Path) -> str:
    """Write a table as `how` says into `root`/data, and return its path from there. What it is for
    is no part of its name: a line of the program's may quote it."""
    text = (TABLES / file).read_bytes().decode()
    if "stretch" in how:
        text = text.replace("~", how.get("fill", "x") * how["stretch"])
    text = text.replace("\n", how.get("newline", "\n"))
    data = text.encode(how.get("encoding", "utf-8"))
    for sign, byte in how.get("bytes", {}).items():
        data = data.replace(sign.encode(), bytes.fromhex(byte))
    data, name = bytes.fromhex(how.get("mark", "")) + data, f"{stem}{Path(file).suffix}"
    if "format" in how:
        data, name = typed(text, how), f"{stem}.{how['format']}"
    if "compress" in how:
        data, name = packed(data, name, how["compress"]), f"{name}.{how['compress']}"
    path = root / "data" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return f"data/{name}"


def typed(text: str, how: dict[str, Any]) -> bytes:
    """Return a table as Parquet or Feather, all columns text but those with a type."""
    head, *rows = csv.reader(io.StringIO(text))
    frame = pd.DataFrame(rows, columns=head, dtype=object)
    for name, kind in how["types"].items():
        cells = frame[name].replace({"NA": None, "": None})
        if kind == "bool":
            cells = cells == "True"
        frame[name] = cells.astype(kind)
    if "index" in how:
        frame = frame.set_index(how["index"])
        frame.index.name = how["index"] if how.get("named") else None
    made = io.BytesIO()
    (frame.to_feather if how["format"] == "feather" else frame.to_parquet)(made)
    return made.getvalue()


def packed(data: bytes, name: str, way: str) -> bytes:
    if way == "gz":
        return gzip.compress(data)
    if way == "zst":
        stream = arrow.BufferOutputStream()
        with arrow.CompressedOutputStream(stream, "zstd") as compressed:
            compressed.write(data)
        return stream.getvalue().to_pybytes()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, data)
    return made.getvalue()
