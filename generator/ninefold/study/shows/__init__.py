"""What a section shows, by name: tables, figures and computed lines made from records and rows.

Each is a function (study, **options) that records what it shows through the study's recorder.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ninefold.errors import NinefoldError
from ninefold.study.shows import (
    beside,
    choice,
    data,
    differences,
    final,
    harness,
    holdout,
    mistakes,
    precision,
    results,
    tuning,
)
from ninefold.suggestions import did_you_mean

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

SHOWS: dict[str, Callable[..., None]] = {
    "overview": data.overview,
    "first rows": data.first_rows,
    "columns": data.columns,
    "missing values": data.missing_values,
    "identical rows": data.identical_rows,
    "target": data.target,
    "distributions": data.distributions,
    "relations": data.relations,
    "correlation": data.correlation,
    "suspected leaks": data.suspected_leaks,
    "ideas": data.ideas,
    "splits": harness.splits,
    "metrics": harness.metrics,
    "precision": precision.precision,
    "balance": harness.balance,
    "scores": results.scores,
    "threshold": results.threshold,
    "coefficients": results.coefficients,
    "differences": differences.differences,
    "learning curves": results.learning_curves,
    "search": tuning.search,
    "nested estimate": tuning.nested_estimate,
    "members": tuning.members,
    "choice": choice.choice,
    "saved model": final.saved_model,
    "expected range": final.expected_range,
    "holdout": holdout.holdout,
    "errors": mistakes.errors,
    "worst errors": mistakes.worst_errors,
    "sub-groups": mistakes.sub_groups,
    "importance": mistakes.importance,
    "cost": beside.cost,
    "new rows": mistakes.new_rows,
}


def show(study: "Study", name: str, **options: Any) -> None:
    """Show what is called `name`. Raises NinefoldError for a name or an option there is not."""
    if name not in SHOWS:
        raise NinefoldError(f"nothing is called '{name}' here", did_you_mean(name, SHOWS))
    SHOWS[name](study, **options)
