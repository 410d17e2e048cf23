"""The section of a report on recommendations: how the run's scorers rank, beside what needs no learning."""

from __future__ import annotations

from typing import Literal, TypedDict

from recsys.artifacts.bundle import Bundle
from recsys.core.communicator import ALONE
from recsys.evaluation.bootstrap import SEED
from recsys.objectives.measure import NamedScores
from recsys.objectives.specs import find_objective
from recsys.reporting.accuracy import ALL_TRAINED_ON
from recsys.scoring.protocols import Ranker


class Recommendations(TypedDict):
    """Metrics on one part of the held-out interactions, by name.

    Attributes:
        by: the name of the scorer by which items are recommended, the first of `scores`.
        scores: of each scorer of the run, then of the most popular items.
    """

    part: Literal["valid", "test"]
    by: str
    baseline: str
    scores: dict[str, NamedScores]


def recommendations(bundle: Bundle) -> Recommendations | str:
    """The section "ranking" of a report, on test or else on valid; a sentence where there is nothing to measure on."""
    objective, seen = find_objective("ranking"), bundle.seen.interactions()
    part: Literal["valid", "test"] = "test" if bundle.held_out("test") is not None else "valid"
    held_out = bundle.held_out(part)
    sample = None if held_out is None else objective.sample(held_out, seen, SEED)
    if held_out is None and bundle.manifest.trained_on == "all":
        return ALL_TRAINED_ON
    if sample is None:
        return "No interactions of known users were held out from training, so nothing says how good the lists are."
    train = seen if "rating" in bundle.scorers else seen.unrated()
    names = sorted(bundle.scorers, key=lambda name: name != bundle.recommends_by)
    scorers: dict[str, Ranker] = {name: bundle.scorer(name) for name in names}
    baseline, features = objective.baseline_to_beat, bundle.features("item")
    scorers[baseline] = objective.baselines[baseline](seen)
    return {
        "part": part,
        "by": bundle.recommends_by,
        "baseline": baseline,
        "scores": {
            name: {**objective.evaluate(scorer, sample.interactions, train, ALONE, features).to_dict(), **sample.counts}
            for name, scorer in scorers.items()
        },
    }
