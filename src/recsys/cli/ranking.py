"""Ranking metrics for people."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from recsys.cli.render import echo, paragraph, print_table
from recsys.core.words import counted

if TYPE_CHECKING:
    from recsys.workflows.evaluate_ranking import RankingEvaluation, RankingScores

HEADERS = {
    "ranking": "ranking\nscorer",
    "rating": "rating\nscorer",
    "popular": "most\npopular",
    "biases": "highest\nitem bias",
}
PROTOCOLS = {
    "known_users": "{users}",
    "new_users": "{users}, a tenth of all, without whom the scorer was trained again and whose rows were folded in",
}


def show_ranking(ranking: RankingEvaluation) -> None:
    """Prints a table for each definition of what is relevant, and the protocol."""
    _show_table("any held-out item", ranking["any"])
    if ranking["like"] is not None:
        _show_table(f"rated {ranking['threshold']:g} or more", ranking["like"])
    echo("\n".join(["", *paragraph(" ".join(_protocol(ranking)))]))


def _show_table(relevant: str, scores: RankingScores) -> None:
    columns = {HEADERS.get(name, name): metrics for name, metrics in (scores["scorers"] | scores["baselines"]).items()}
    names = dict.fromkeys(chain.from_iterable(columns.values()))  # not all have a diversity: lists may lack features
    rows = [
        [name, *(f"{metrics[name]:.4f}" if name in metrics else "" for metrics in columns.values())] for name in names
    ]
    echo()
    print_table([relevant, *columns], rows, numbers=list(columns))


def _protocol(ranking: RankingEvaluation) -> list[str]:
    """What was ranked for whom, what is relevant, and what was excluded."""
    scores = ranking["any"]
    users = PROTOCOLS[ranking["protocol"]].format(users=counted(scores["n_users"], "user"))
    candidates = counted(ranking["n_candidates"], "item")
    lines = [
        f"{users}; candidates: all {candidates} except those that the user has in training;"
        f" relevant: {counted(scores['n_relevant'], 'held-out interaction')}."
    ]
    if ranking["like"] is not None:
        likes, least = ranking["like"], f"{ranking['threshold']:g}"
        lines.append(f"Ratings of {least} or more: {likes['n_relevant']:,}, by {likes['n_users']:,} of the users.")
    for n_excluded, noun, what in (
        (scores["n_relevant_unknown_users"], "interaction", "of users without training interactions"),
        (scores["n_relevant_already_rated"], "interaction", "that the user has in training too"),
    ):
        if n_excluded:
            lines.append(f"Excluded: {counted(n_excluded, noun)} {what}.")
    if scores["n_relevant_unknown_items"]:
        n_missed = scores["n_relevant_unknown_items"]
        lines.append(f"Counted as misses: {counted(n_missed, 'interaction')} with items without training interactions.")
    ndcg, popular = f"ndcg@{ranking['k']}", scores["baselines"]["popular"]
    if next(iter(scores["scorers"].values()))[ndcg] <= popular[ndcg]:
        lines.append("The list of the most popular items is better.")
    return lines
