"""recsys items, and titles where commands take an item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.render import echo, print_json, print_table, say
from recsys.core.arguments import MANY
from recsys.core.words import shell_word

if TYPE_CHECKING:
    from recsys.inference.recommender import Recommender


def items(
    words: Annotated[list[str], typer.Argument(metavar="TEXT", help="Words of a title, or parts of them.")],
    n: Annotated[int, typer.Option("-n", min=1, help="Number of items.")] = 10,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Case and accents do not matter. Items with most training ratings come first.

    Example: recsys items "star wars"
    """
    model, text = api.load(used_run(run)), " ".join(words)
    items = api.search_items(model, text, min(n + 1, MANY))
    listed, has_more = items[:n], len(items) > n
    if as_json:
        print_json({"query": text, "items": [item.to_dict() for item in listed]})
        return
    if not listed:
        echo(f"no title has these words: {shell_word(text)}")
        if not any(model.bundle.titles):
            say("hint: the run has no titles; data.items in its config names a file that has them")
        return
    has_clicks = any(item.n_ratings != item.n_interactions for item in listed)
    count = "n interactions" if has_clicks else "n ratings"
    rows = [[str(item.item_id), item.title or "", f"{item.n_interactions:,}"] for item in listed]
    print_table(["item", "title", count], rows, numbers=[count], cut=["title"])
    if has_more:
        say(f"note: the first {n:,}; -n lists more")


def item_of(model: Recommender, text: str) -> int | str:
    """The id that is meant by an id or the title of one item; which item a title means is said on stderr."""
    item_id, bundle = api.find_item_id(model, text), model.with_new
    if item_id != text and item_id != bundle.items.parse(text):
        say(f"item {item_id}: {bundle.title_at(int(bundle.items.index([item_id])[0]))}")
    return item_id
