"""How forecasts came out, and what was tried."""

import pytest
from small_study import code
from tiny_project import judged

from ninefold.history import History
from ninefold.publishing.calibration import calibrate, score_forecasts
from ninefold.publishing.render import render
from ninefold.publishing.tries import count_gone, count_tries, spell_tries
from ninefold.records import Record

SIZE, SEARCH = "5-experiments/2-size", "6-improvements/1-search"


def experiment(section, winner, stated="before", confidence=0.7, best="a", lead=0.3):
    forecast = {"stated": stated, "winner": winner, "difference": 0.1, "confidence": confidence}
    difference = {"mean": lead, "low": None, "high": None}
    outcome = {"winner": best, "difference": difference, "verdict": "better"}
    return Record(section=section, forecast=forecast, values={"outcome": outcome})


def test_a_forecast_is_scored_by_its_winner_its_confidence_and_its_difference():
    records = {"5-x": experiment("5-x", "a"), "5-y": experiment("5-y", "b", confidence=0.9)}
    scored = score_forecasts(records)
    assert (scored["5-x"].won, scored["5-y"].won) == (True, False)
    assert scored["5-x"].brier == pytest.approx(0.09)
    assert scored["5-y"].brier == pytest.approx(0.81)
    assert scored["5-x"].error == pytest.approx(-0.2)
    assert scored["5-y"].error is None  # the difference found is another model's
    whole = calibrate(scored.values())
    assert (whole.count, whole.came_true) == (2, 1)
    assert whole.stated == pytest.approx(0.8)
    assert whole.brier == pytest.approx(0.45)
    assert whole.difference_error == pytest.approx(0.2)


def test_what_came_after_the_result_has_no_outcome_or_is_a_point_is_not_scored():
    late = experiment("5-x", "a", stated="after")
    open_ = experiment("5-x", "a").model_copy(update={"values": {}})
    never = Record(section="5-x", forecast={"stated": "never"})
    for record in (late, open_, never, Record(section="5-x")):
        assert score_forecasts({"5-x": record}) == {}
    assert score_forecasts({"5-x@a=1": experiment("5-x@a=1", "a")}) == {}
    assert calibrate([]) is None


def test_the_report_says_how_sure_and_how_right_the_author_was(study):
    for section, winner in ((SIZE, "a"), (SEARCH, "b")):
        record = experiment(section, winner)
        found = {"forecast": record.forecast, "values": record.values}
        study.ran(section, "# E\n\n## Results", code("1"), **found)
    study.page("9-resources", "# R\n\n{{ forecasts.came_true }} of {{ forecasts.count }}\n")
    text = render(study.project).files["report/README.md"].decode()
    assert (
        "⚙ The forecast's winner had the best mean: Brier score 0.090; its difference was off by "
        "−0.200."
    ) in text
    assert "⚙ The forecast's winner did not have the best mean: Brier score 0.490." in text
    line = (
        "⚙ Of 2 forecasts, stated at 70 % on average, 1 named the variant that had the best mean; "
        "Brier score 0.290 (0 is perfect, always saying 50 % gives 0.25)."
    )
    _, _, after = text.partition("### 6.1 E")
    assert line in after.partition("## 9. R")[0]
    assert "\n1 of 2\n" in text


def test_what_was_tried_is_counted_once_by_family():
    def network(rate):
        return judged(variant={"function": "m:f", "keywords": {"r": rate}, "rebuildable": True})

    estimator = {"function": "LogisticRegression()", "keywords": {}, "rebuildable": True}
    linear = judged(engine="scikit-learn", variant={**estimator, "family": "linear"})
    records = {
        "2-data-summary": Record(section="2-data-summary", evaluations={"no": network(9)}),
        "4-baseline": Record(
            section="4-baseline", evaluations={"c": judged(engine="constant"), "linear": linear}
        ),
        SIZE: Record(section=SIZE, evaluations={"control": network(1), "b": network(2)}),
        f"{SIZE}@a=1": Record(section=SIZE, evaluations={"control": network(1), "b": network(3)}),
        SEARCH: Record(section=SEARCH, evaluations={"mean": judged(members=5), "linear": linear}),
        "7-final-model": Record(section="7-final-model", evaluations={"no": network(8)}),
    }
    counts = count_tries(records)
    assert counts == {"constant": 1, "linear": 1, "network": 3, "ensemble": 1, "total": 6}
    assert count_gone(records, History()) == 0
    assert spell_tries(counts) == "3 networks, 1 constant, 1 linear model, 1 average of networks"
