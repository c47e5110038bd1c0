import pytest

from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.settings import read_settings

GOOD = """
[study]
title = "Penguins 🐧"
package = "penguins"
[data]
source = "data/penguins.csv"
target = "species"
"""


def read(tmp_path, text):
    path = tmp_path / "ninefold.toml"
    path.write_text(text, "utf-8")
    return read_settings(Files(path.parent), path.name)


def test_what_is_left_out_takes_its_default(tmp_path):
    settings = read(tmp_path, GOOD)
    assert settings.study.title == "Penguins 🐧"
    assert (settings.harness.folds, settings.harness.epochs) == (None, 100)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "[harnes]\nfolds = 3", "unknown key 'harnes'; did you mean 'harness'?"),
        (GOOD + "[run]\ncell_timout = 3", "unknown key 'run.cell_timout'; did you mean 'cell_time"),
        (GOOD + "[run]\nmemory = 0", "'run.memory' is 0; input should be greater than 0"),
        (GOOD + "[harness]\nfold = 3", "unknown key 'harness.fold'; did you mean 'folds'?"),
        (GOOD + "[harness]\nfolds = 1", "'harness.folds' is 1; input should be greater than"),
        (GOOD + '[harness]\nepochs = "x"', "'harness.epochs' is 'x'; input should be a valid"),
        (GOOD.replace('target = "species"', ""), "'data.target' is missing; add it"),
        (GOOD.replace('"penguins"', '"Pen guins"'), "'study.package' is 'Pen guins'"),
        (GOOD + "folds = ", "cannot be read"),
    ],
)
def test_a_mistake_is_one_line_with_its_remedy(tmp_path, text, said):
    with pytest.raises(NinefoldError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith("ninefold.toml")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_absent_is_named(tmp_path):
    with pytest.raises(NinefoldError, match="no such file"):
        read_settings(Files(tmp_path), "ninefold.toml")


@pytest.mark.parametrize(
    "title", [".".join("abcdefghijklmnopqrstuv"), "OID 1.3.6.1.4.1.311.21.8.1.2.3.4.5.6.7"]
)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_text_may_have_as_many_dots_as_it_likes(tmp_path, title, quote):
    found = read(tmp_path, GOOD.replace('"Penguins 🐧"', f"{quote}{title}{quote}"))
    assert found.study.title == title
