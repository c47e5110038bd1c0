"""What the wizard shows, proposes and refuses."""

import pandas as pd
import pytest

from ninefold.errors import NinefoldError
from ninefold.scaffold.answers import prompts
from ninefold.scaffold.dataset import Shipment, open_data
from ninefold.scaffold.wizard import (
    QUESTIONS,
    check,
    check_against_data,
    class_balance,
    preview,
    propose,
    propose_target,
)
from ninefold.study.reading import Reading

FRAME = pd.DataFrame(
    {
        "name": [f"bird {row}" for row in range(30)],
        "class": ["Adelie", "Adelie", "Gentoo"] * 10,
        "bill": [30 + row * 0.7 for row in range(30)],
    }
)


@pytest.fixture
def birds(tmp_path):
    path = tmp_path / "birds.csv"
    FRAME.to_csv(path, index=False)
    return open_data(path)


def test_a_column_called_like_a_target_is_proposed_else_the_last(birds):
    assert propose_target(FRAME) == "class"
    assert propose_target(FRAME.rename(columns={"class": "group"})) == "bill"
    assert propose_target(FRAME.rename(columns={"class": "group"}).assign(same=1)) == "bill"
    with pytest.raises(NinefoldError, match="no column can be a target"):
        propose_target(FRAME.assign(bill=1, name=1)[["bill", "name"]])


def test_problem_metric_and_title_are_proposed_from_the_answers_before(birds):
    answers = {"data": "birds.csv", "target": "class"}
    assert propose("problem", answers, birds) == "binary"
    assert propose("metric", answers, birds) == "log_loss"
    assert propose("metric", answers | {"target": "bill"}, birds) == "rmse"
    assert propose("title", answers, birds) == "Birds"


def test_every_question_is_a_prompt_and_has_a_proposal_that_is_accepted(birds):
    answers = {"data": "birds.csv"}
    for question in QUESTIONS:
        assert question in prompts()
        answers[question] = propose(question, answers, birds)
        check(question, answers[question], answers, birds)


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("target", "clas", "did you mean 'class'?"),
        ("drop", "nam", "did you mean 'name'?"),
        ("problem", "regression", "class"),
        ("problem", "binray", "did you mean 'binary'?"),
        ("metric", "acuracy", "did you mean 'accuracy'?"),
        ("licence", "Apache", "did you mean 'Apache-2.0'?"),
        ("email", "nobody", "expected an address"),
    ],
)
def test_a_wrong_answer_is_refused_with_the_nearest_remedy(question, answer, said, birds):
    with pytest.raises(NinefoldError, match=said.replace("?", r"\?")):
        check(question, answer, {"data": "birds.csv", "target": "class"}, birds)


def test_the_preview_shows_types_roles_gaps_and_repeats():
    frame = pd.concat([FRAME, FRAME.tail(1)], ignore_index=True)
    frame.loc[0, "bill"] = None
    shown = preview(Shipment("birds.csv", None, Reading(frame)), "class")
    assert (shown.rows, shown.repeated, len(shown.first)) == (31, 1, 5)
    assert shown.types == {"name": "text", "class": "text", "bill": "number"}
    roles = {column.name: (column.role, column.missing) for column in shown.columns}
    assert roles["class"] == ("target", 0)
    assert roles["bill"] == ("number", 1)
    assert roles["name"][0] == "left out"


def test_the_class_balance_counts_rows_and_a_regression_has_none(birds):
    answers = {"data": "birds.csv", "target": "class"}
    dataset = check_against_data(answers, birds)
    assert class_balance(dataset) == [("Adelie", 20), ("Gentoo", 10)]
    assert class_balance(check_against_data(answers | {"target": "bill"}, birds)) == []
