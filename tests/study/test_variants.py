import pytest
from tiny_project import judged

from ninefold.errors import NinefoldError
from ninefold.records import Record
from ninefold.study.variants import choose_best


def evaluation(mean, *, engine="graph", model_seed=0, members=1, rebuildable=True):
    variant = {
        "function": "p.models:network",
        "keywords": {"l2": 0.1},
        "rebuildable": rebuildable,
        "epochs": 5,
        "batch_size": 8,
        "model_seed": model_seed,
    }
    summary = {
        "log_loss": {"mean": mean, "low": 0.0, "high": 1.0},
        "accuracy": {"mean": 1 - mean, "low": 0.0, "high": 1.0},
    }
    scores = {name: [found["mean"]] * 2 for name, found in summary.items()}
    return judged(variant=variant, engine=engine, members=members, summary=summary, scores=scores)


def best(metric="log_loss", **evaluations):
    return choose_best([Record(section="5-experiments/1-x", evaluations=evaluations)], metric)


def test_the_best_is_the_lowest_loss_or_the_highest_score():
    both = {"a": evaluation(0.2), "b": evaluation(0.1)}
    assert best(**both).name == "b"
    assert best("accuracy", **both).name == "b"
    assert best(**both).selected_from == 2


def test_another_seed_of_a_network_is_no_candidate():
    found = best(a=evaluation(0.2), lucky=evaluation(0.1, model_seed=3))
    assert (found.name, found.selected_from) == ("a", 1)


def test_an_ensemble_is_a_candidate():
    found = best(a=evaluation(0.2), mean=evaluation(0.1, members=5))
    assert (found.name, found.members) == ("mean", 5)


@pytest.mark.parametrize("other", [{"engine": "scikit-learn"}, {"rebuildable": False}])
def test_what_is_no_network_or_cannot_be_built_again_is_no_candidate(other):
    assert best(a=evaluation(0.2), other=evaluation(0.1, **other)).name == "a"
    with pytest.raises(NinefoldError, match="no network has been evaluated yet"):
        best(other=evaluation(0.1, **other))


def test_simple_models_are_no_networks():
    others = {engine: evaluation(0.1, engine=engine) for engine in ("scikit-learn", "constant")}
    assert best(a=evaluation(0.2), **others).name == "a"


def test_what_has_no_score_in_any_fold_is_no_candidate():
    undefined = evaluation(0.1)
    undefined["summary"]["log_loss"]["mean"] = None  # as a record keeps NaN
    assert best(a=evaluation(0.2), undefined=undefined).name == "a"


def test_the_same_network_judged_to_the_same_result_is_one_candidate():
    records = [
        Record(section=section, evaluations={"usual size": evaluation(0.2)} | more)
        for section, more in [
            ("5-experiments/2-x", {}),
            ("5-experiments/2-x@rate=0.1", {"faster": evaluation(0.1)}),
        ]
    ]
    found = choose_best(records, "log_loss")
    assert (found.name, found.selected_from) == ("faster (rate=0.1)", 2)
    assert found.section == "5-experiments/2-x@rate=0.1"
