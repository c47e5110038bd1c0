"""`ninefold predict`: the final model's predictions on new rows."""

import json
import sys
from pathlib import Path

import click


@click.command(epilog="Example: ninefold predict new-rows.csv --output predictions.csv")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write here, not to the screen."
)
@click.option("--json", "as_json", is_flag=True, help="JSON, one object a row, instead of CSV.")
def predict(file: Path, output: Path | None, as_json: bool) -> None:
    """Predict the rows of FILE, a CSV or Parquet table, with the final model of this project.

    Prints CSV: the target, and for a classification the probability of each class.
    """
    from ninefold.project import find_project
    from ninefold.records import write_text
    from ninefold.study.final import predict_rows, read_model
    from ninefold.study.reading import read_table

    folder = find_project(Path.cwd()).model
    read_model(folder)  # say that there is none before TensorFlow is loaded
    found = predict_rows(folder, read_table(file, least=1).frame)
    if as_json:
        text = json.dumps(found.to_dict(orient="records"), ensure_ascii=False, indent=1) + "\n"
    else:
        text = found.to_csv(index=False)
    if output:
        write_text(output, text)
    else:
        sys.stdout.write(text)
