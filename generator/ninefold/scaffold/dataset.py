"""The dataset on its way into a project: opened, held against the answers, shipped."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ninefold.bounded import DATA, hash_regular
from ninefold.errors import NinefoldError
from ninefold.plain_json import write_json
from ninefold.settings import DataSettings
from ninefold.study.dataset import Dataset, make_dataset
from ninefold.study.metrics import deciding_metric
from ninefold.study.reading import Reading, read_source, read_table

_MIB = 2**20
_REFUSED, _WARNED = 100 * _MIB, 50 * _MIB  # by GitHub, for one file


@dataclass(frozen=True)
class Shipment:
    """A dataset as it was read; `path` is None for a built-in one."""

    name: str  # the answer to the prompt `data`
    path: Path | None
    reading: Reading

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what is odd about the file, a sentence each."""
        size = self.path.stat().st_size if self.path else 0
        large = f"GitHub warns of a file of {size / _MIB:.0f} MiB; it refuses 100 and more."
        return (*self.reading.notes, *([large] if size > _WARNED else []))


def open_data(spec: str | Path) -> Shipment:
    """Read a file, or "builtin:NAME". Raises NinefoldError for what is no table, or too large for
    a repository on GitHub."""
    if not str(spec):
        raise NinefoldError("no data are named", "expected --data FILE or --data builtin:NAME")
    if str(spec).startswith("builtin:"):
        return Shipment(str(spec), None, read_source(str(spec), Path()))
    path = Path(spec)
    if path.is_file() and path.stat().st_size >= _REFUSED:
        raise NinefoldError(
            f"{path} has {path.stat().st_size / _MIB:.0f} MiB",
            "GitHub refuses files of 100 MiB and more",
            "save it as Parquet, or take a sample of its rows",
        )
    return Shipment(path.name, path, read_table(path))


def data_settings(answers: Mapping[str, str]) -> DataSettings:
    """Return the data settings that these answers make."""
    return DataSettings(
        source=answers["data"],
        target=answers["target"],
        drop=_names(answers.get("drop", "")),
        categorical=_names(answers.get("categorical", "")),
        group=answers.get("group", ""),
        time=answers.get("time", ""),
    )


def _names(answer: str) -> list[str]:
    """Return the names in a list such as "a; b", as the template writes them."""
    return [name.strip() for name in answer.split(";") if name.strip()]


def require_target(answers: Mapping[str, str], shipment: Shipment) -> None:
    """Raise NinefoldError where a file comes without the name of its target."""
    if shipment.path and not answers.get("target"):
        columns = [str(name) for name in shipment.reading.frame.columns]
        shown = ", ".join(columns[:12]) + (", …" if columns[12:] else "")
        raise NinefoldError(
            "no target is named", "expected --target COLUMN", f"{shipment.name} has: {shown}"
        )


def check_against_data(answers: Mapping[str, str], shipment: Shipment) -> Dataset:
    """Return the dataset that the study would work on. Raises NinefoldError where the answers name
    a column that is absent, or a problem or metric that does not fit the target."""
    problem = answers.get("problem", "auto")
    dataset = make_dataset(shipment.reading.frame, data_settings(answers), problem)
    deciding_metric(dataset.y, dataset.problem, answers.get("metric", "auto"))
    return dataset


def ship(shipment: Shipment, folder: Path, answers: Mapping[str, str]) -> None:
    """Copy the file into `folder`, and write beside it, into SOURCE.json, what it is."""
    if shipment.path is None:
        return
    reading = shipment.reading
    copy = folder / shipment.name
    shutil.copyfile(shipment.path, copy)
    source = {
        "file": shipment.name,
        "bytes": copy.stat().st_size,
        "sha256": hash_regular(copy, DATA).hexdigest(),
        "origin": answers["origin"],
        "licence": answers["data_licence"],
        "rows": len(reading.frame),
        "columns": len(reading.frame.columns),
        "encoding": reading.encoding,
        "delimiter": reading.delimiter,
        "decimal": reading.decimal,
        "missing_marks": list(reading.missing_marks),
    }
    write_json(folder / "SOURCE.json", source)
