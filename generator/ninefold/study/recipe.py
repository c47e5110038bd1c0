"""How a study trains its networks: as ninefold.toml says, where a notebook gives nothing else."""

from typing import Any

from ninefold.settings import HarnessSettings
from ninefold.study.training import Recipe


class StudyRecipe(Recipe):
    """A recipe that reads the settings for what is not given when it is asked for it: a section
    that trains no network does not depend on them."""

    def __init__(self, harness: HarnessSettings, **given: Any):
        checked = Recipe(**{"epochs": 1, "batch_size": 1, **given})
        vars(self).update(vars(checked), _given=given, _harness=harness)  # a frozen class

    @property
    def epochs(self) -> int:
        return self._or_usual("epochs")

    @property
    def batch_size(self) -> int:
        return self._or_usual("batch_size")

    @property
    def seeds(self) -> int:
        return self._or_usual("seeds")

    def _or_usual(self, name: str) -> int:
        given: dict[str, Any] = vars(self)["_given"]
        return given[name] if name in given else getattr(vars(self)["_harness"], name)
