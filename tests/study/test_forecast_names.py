"""A winner that no variant bears is refused before anything is trained, where that can be known."""

import pytest
from sklearn.dummy import DummyClassifier
from tiny_project import SETTINGS, write_notebook

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.study.forecast_names import must_be_named
from ninefold.study.notebook import Study
from ninefold.study.recorder import Recorder

SECTION = "5-experiments/1-x"
ALONE = (
    "import ninefold",
    "study.evaluate_all(models)",
    "%matplotlib inline\nstudy.show('scores')",
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    write_notebook(tmp_path, SECTION, *ALONE)
    return Project(tmp_path)


def test_a_name_that_no_variant_bears_is_refused_with_the_nearest(project):
    must_be_named(project, SECTION, "linear", ["linear", "random forest"])
    with pytest.raises(NinefoldError) as refused:
        must_be_named(project, SECTION, "randm forest", ["linear", "random forest"])
    assert str(refused.value) == (
        "the forecast's winner is 'randm forest', but no variant is called so; did you mean "
        "'random forest'?; correct the name in study.forecast; nothing has been trained yet"
    )


@pytest.mark.parametrize(
    "more",
    [
        "study.evaluate('b', model)",
        "study.keep('b', mean)",
        "for name in names:\n    study.evaluate_all({name: 1})",
        "[study.evaluate(n, m) for n, m in models.items()]",
        "def more():\n    study.evaluate_all({})",
    ],
)
def test_where_another_call_may_bear_the_name_nothing_is_refused(project, more):
    write_notebook(project.root, SECTION, *ALONE, more)
    must_be_named(project, SECTION, "b", ["a"])


def test_a_point_of_a_grid_and_a_notebook_by_hand_may_have_other_names(project):
    must_be_named(project, f"{SECTION}@rate=1", "b", ["a"])
    must_be_named(project, "", "b", ["a"])


def test_a_loop_that_makes_the_variants_first_is_no_second_call(project):
    write_notebook(project.root, SECTION, "for n in 'ab':\n    models[n] = 1", *ALONE)
    with pytest.raises(NinefoldError):
        must_be_named(project, SECTION, "c", ["a"])


def test_evaluate_all_refuses_before_it_trains_and_then_takes_the_corrected_name(project):
    study = Study(project, Recorder(SECTION, project.files.make_folder("out")))
    study.forecast(winner="dumy", difference=0.1, confidence=0.7)
    with pytest.raises(NinefoldError, match="did you mean 'dummy'"):
        study.evaluate_all({"dummy": DummyClassifier(), "other": DummyClassifier()})
    assert study.evaluations == {}
    assert study.recorder.record.fits == 0
    study.forecast(winner="dummy", difference=0.1, confidence=0.7)
    study.evaluate_all({"dummy": DummyClassifier()})
    assert study.recorder.record.forecast["stated"] == "before"
