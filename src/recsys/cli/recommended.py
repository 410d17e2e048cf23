"""What recsys recommend prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recsys.cli.render import echo, json_line, print_table, say, teller
from recsys.core.words import counted, joined

if TYPE_CHECKING:
    from recsys.core.types import Json
    from recsys.inference.ranked import By, Recommendation
    from recsys.inference.recommender import Recommender

LEFT_OUT = {
    "min_ratings": "have fewer training {rows} than --min-ratings or none",
    "candidates": "are not among the candidates",
    "exclude": "are excluded",
    "where": "do not meet --where",
    "already_rated": "have been {done} by the user",
}
HINTS = {
    "min_ratings": "lower --min-ratings",
    "candidates": "name other candidates",
    "exclude": "exclude fewer items",
    "where": "use other conditions",
    "already_rated": "use wider filters: what a user has {done} is never recommended",
}
OF_RATINGS = {"rows": "ratings", "done": "rated"}
OF_EVENTS = {"rows": "interactions", "done": "chosen"}


def show_counts(counts: dict[str, int], about: dict[str, Json], n: int, output: Path, *, as_json: bool) -> None:
    """What was written for all users, or for a shard of them."""
    tell = teller(output)
    if as_json:
        tell(json_line({**about, **counts}))
        return
    items, users = counted(counts["n_recommendations"], "item"), counted(counts["n_users"], "user")
    tell(f"{items} for {users} written to {output}")
    if n_fewer := counts["n_users_with_fewer"]:
        fewer, wanted = counted(n_fewer, "user"), counted(n, "item")
        say(f"note: {fewer} with fewer than {wanted}: the filters and what they have rated leave no more")


def words_of(model: Recommender) -> dict[str, str]:
    """What the users of a run have done, and what the rows of that are called."""
    return OF_RATINGS if model.bundle.data.has_ratings else OF_EVENTS


def show_reasons(ruled_out: dict[str, int], n_listed: int, n: int, words: dict[str, str]) -> None:
    """Says what left so many items out that there are less than n."""
    reasons = {name: count for name, count in ruled_out.items() if count}
    if not ruled_out:
        return
    total = sum(reasons.values()) + n_listed
    why = [f"{count:,} {LEFT_OUT[name].format(**words)}" for name, count in reasons.items()]
    text = f"of {counted(total, 'item')}, {joined(why, 'and')}"
    if n_listed:
        say(f"note: fewer than {counted(n, 'item')} left: {text}")
        return
    echo(f"no items to recommend: {text}")
    say(f"hint: {HINTS[list(reasons)[-1]].format(**words)}")


def show_items(listed: list[Recommendation], by: By) -> None:
    """A table; with the rank score where that decides, since ratings do not fall then."""
    if not listed:
        return
    cells: dict[str, list[str]] = {
        "rank": [str(item.rank) for item in listed],
        "item": [str(item.item_id) for item in listed],
    }
    if any(item.title for item in listed):
        cells["title"] = [item.title or "" for item in listed]
    if by == "ranking":
        cells["score"] = [f"{item.score:.3f}" for item in listed]
    if any(item.rating is not None for item in listed):
        cells["rating"] = ["" if item.rating is None else f"{item.rating:.2f}" for item in listed]
    has_clicks = any(item.n_ratings != item.n_interactions for item in listed)
    cells["n interactions" if has_clicks else "n ratings"] = [f"{item.n_interactions:,}" for item in listed]
    numbers = [name for name in cells if name not in ("item", "title")]
    print_table(list(cells), list(zip(*cells.values(), strict=True)), numbers=numbers, cut=["title"])
    if n_new := sum(item.from_features for item in listed):
        say(f"note: {counted(n_new, 'new item')} without ratings, ranked by features alone")
