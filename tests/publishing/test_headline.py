"""The first sentence says what the tables say: one test for each state that a study can be in."""

import pytest
from pydantic import ValidationError

from ninefold.publishing.final_values import FinalValues
from ninefold.publishing.headline import headline

NETWORK = {"name": "trial 3", "kind": "network"}
TREE = {"name": "gradient boosting", "kind": "simple"}


def values(best=NETWORK, verdict="skill", folds=None, holdout=None, rival=TREE, **more):
    found = {
        "best": {**best, "log_loss": {"mean": 0.084, "low": 0.06, "high": 0.1}},
        "metric": "log_loss", "metric_label": "log loss", "verdict": verdict,
        "holdout": {"score": 0.71, "low": 0.6, "high": 0.8, "n": 114}, "constant": 0.69,
    }  # fmt: skip
    if folds:
        found["rival"] = {
            **rival, "expected": 0.083, "compared": 37,
            "folds": {"mean": 0.001, "low": -0.01, "high": 0.012, "verdict": folds},
        }  # fmt: skip
    if holdout:
        held = {"mean": 0.012, "low": -0.003, "high": 0.027, "verdict": holdout}
        found["rival"]["holdout"] = held
    return FinalValues.model_validate(found | more)


def test_a_network_that_beats_the_simple_models_is_said_to():
    assert headline(values(folds="better", holdout="better")) == (
        "The network 'trial 3' clearly beats guessing, and does better than the best simple model, "
        "'gradient boosting' (log loss 0.084 against 0.083). On the hold-out it does better, too "
        "(difference +0.012, −0.003 to 0.027)."
    )


def test_a_network_that_is_not_told_apart_from_a_simple_model_is_not_said_to_be_better():
    assert headline(values(folds="undecided", holdout="undecided")) == (
        "The network 'trial 3' clearly beats guessing, but is not told apart from the best simple "
        "model, 'gradient boosting' (log loss 0.084 against 0.083). On the hold-out the two are "
        "not told apart (difference +0.012, −0.003 to 0.027)."
    )


def test_a_network_that_loses_is_said_to_lose():
    text = headline(values(folds="worse", holdout="worse"))
    assert "clearly beats guessing, but does worse than the best simple model" in text
    assert "On the hold-out it does worse" in text


def test_a_network_that_wins_on_the_hold_out_only_does_not_win_there_too():
    assert "On the hold-out it does better (" in headline(values(folds="worse", holdout="better"))


def test_a_simple_final_model_stands_beside_the_best_network():
    best = {"name": "linear", "kind": "linear"}
    text = headline(values(best, folds="undecided", rival=NETWORK))
    assert text == (
        "The model 'linear' clearly beats guessing, and is not told apart from the best network, "
        "'trial 3' (log loss 0.084 against 0.083)."
    )


def test_a_score_that_the_choice_made_too_good_stands_beside_what_is_left_of_it():
    corrected = {"mean": 0.091, "low": 0.05, "high": 0.2}
    text = headline(values(folds="undecided", range=corrected))
    assert "(log loss 0.084 against 0.083; 0.091 corrected for the choice)" in text


def test_without_skill_nothing_else_is_claimed():
    text = headline(values(verdict="no evidence of skill", folds="better"))
    assert text == (
        "There is no evidence of skill: the network 'trial 3' does not clearly beat guessing "
        "(log loss 0.084)."
    )


def test_skill_is_withdrawn_where_the_hold_out_does_not_show_it():
    assert headline(values(verdict="skill withdrawn", folds="better")) == (
        "Skill is not confirmed on new rows: on the hold-out the network 'trial 3' does not beat "
        "guessing (log loss 0.710 against 0.690), though it did by cross-validation."
    )


def test_a_constant_as_the_final_model_is_no_skill():
    best = {"name": "strongest constant", "kind": "constant"}
    assert headline(values(best, "no evidence of skill")) == (
        "No model was found to be better than guessing: the final model is the constant."
    )


def test_a_constant_that_the_rule_chose_does_not_deny_what_was_found():
    best = {"name": "strongest constant", "kind": "constant"}
    assert headline(values(best, "no evidence of skill", best_candidate="trial 3")) == (
        "The rule chose the constant: the best candidate, 'trial 3', is within one standard error "
        "of it."
    )


def test_folds_in_time_order_allow_no_verdict():
    text = headline(values(verdict="no test: folds ordered in time", folds="better"))
    assert text.startswith("The folds follow one another in time, so no test of skill is valid.")


def test_before_section_7_there_is_no_sentence():
    assert headline(FinalValues()) == ""


def test_a_record_without_a_rival_says_nothing_of_one():
    assert headline(values()) == "The network 'trial 3' clearly beats guessing."


def test_an_alarm_that_its_values_cannot_fill_is_refused_as_a_broken_record():
    with pytest.raises(ValidationError, match="cannot fill"):
        FinalValues.model_validate({"alarms": [{"text": "{share:percent} of it", "values": {}}]})


def test_an_alarm_is_said_with_its_numbers():
    alarm = {"text": "Two rows carry {share:percent} of the loss.", "values": {"share": 0.57}}
    (said,) = FinalValues.model_validate({"alarms": [alarm]}).alarms
    assert said.said == "Two rows carry 57.0 % of the loss."
