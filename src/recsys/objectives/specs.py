"""Every objective by its name."""

from __future__ import annotations

from recsys.core.arguments import TEXT
from recsys.core.checked import checked
from recsys.core.errors import RunError
from recsys.objectives.objective import Objective
from recsys.objectives.ranking import RANKING
from recsys.objectives.rating import RATING

OBJECTIVES: dict[str, Objective] = {
    "rating": RATING,
    "ranking": RANKING,
}


@checked(name=TEXT)
def find_objective(name: str) -> Objective:
    """The objective of this name, which a run or a result carries.

    Raises:
        RunError: there is none.
    """
    if name not in OBJECTIVES:
        raise RunError(f"the objective {name!r} is unknown", expected=" or ".join(OBJECTIVES))
    return OBJECTIVES[name]
