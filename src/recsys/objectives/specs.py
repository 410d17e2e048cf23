"""Every objective by its name."""

from __future__ import annotations

from recsys.objectives.objective import Objective
from recsys.objectives.rating import RATING

OBJECTIVES: dict[str, Objective] = {
    "rating": RATING,
}
