"""How the final model stands beside its rival, from their records."""

import numpy as np
import pytest
from tiny_project import judged

from ninefold.errors import NinefoldError
from ninefold.study.recorded import against
from ninefold.study.standing import differ_by_folds, judge_final, why_not_compared
from ninefold.study.variants import Variant

SKILL = {
    "mean": -0.3, "low": -0.4, "high": -0.2, "standard_error": 0.02, "freedom": 9, "t": -15.0,
    "p": 1e-9, "remark": "",
}  # fmt: skip


def record(mean, folds=10, **changes):
    scores = (mean + 0.01 * np.random.default_rng(folds).normal(size=folds)).tolist()
    return judged(mean, scores={"log_loss": scores}, skill=SKILL, n_train=180, n_test=20, **changes)


FINAL = Variant(
    "net", "5-experiments/1-x", "a.models:network", {}, 5, 8, 1, 3, record(0.4, splits="s")
)
WORSE = 0.6 + 0.01 * np.sin(np.arange(10))


def test_a_rival_of_the_same_folds_is_beaten():
    rival = record(0.6, splits="s") | {"scores": {"log_loss": WORSE.tolist()}}
    assert judge_final(FINAL, "log_loss", rival, beats_constant=True) == (
        "beats the best simple model"
    )
    assert differ_by_folds(FINAL, rival, "log_loss", "")["verdict"] == "better"


@pytest.mark.parametrize(
    "rival",
    [record(0.6, 30), record(0.6, 30, splits="s"), record(0.6, splits="other")],
)
def test_a_rival_of_other_folds_is_neither_beaten_nor_a_crash(rival):
    with pytest.raises(NinefoldError, match="not judged on the same folds"):
        against(FINAL.record, rival, "log_loss")
    assert judge_final(FINAL, "log_loss", rival, beats_constant=True) == "skill"
    assert differ_by_folds(FINAL, rival, "log_loss", "") is None
    assert "not judged on the same folds" in why_not_compared(FINAL, rival, "log_loss")


def test_an_older_record_without_a_digest_of_its_folds_is_paired_by_their_number():
    assert against(FINAL.record, record(0.6), "log_loss").difference.mean < 0
