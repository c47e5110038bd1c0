"""`ninefold predict`: the final model's predictions on new rows."""

from pathlib import Path

import click

from ninefold.cli.shell import echo_data, echo_json, json_option, json_text


@click.command(epilog="Example: ninefold predict new-rows.csv --output predictions.csv")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write here, not to the screen."
)
@json_option("JSON, one object a row, instead of CSV.")
def predict(file: Path, output: Path | None, as_json: bool) -> None:
    """Predict the rows of FILE, a CSV or Parquet table, with the final model of this project.

    Prints CSV: the target, and for a classification the probability of each class.
    """
    from ninefold.bounded import write_given
    from ninefold.project import find_project
    from ninefold.study.final import predict_in_fresh_process, read_model
    from ninefold.study.reading import read_table

    project = find_project(Path.cwd())
    read_model(project.model)  # say that there is none before TensorFlow is loaded
    found = predict_in_fresh_process(project.model, read_table(file, least=1).frame)
    records = found.to_dict(orient="records")
    text = f"{json_text(records)}\n" if as_json else found.to_csv(index=False)
    if output:
        write_given(output, text)
    elif as_json:
        echo_json(records)
    else:
        echo_data(text)
