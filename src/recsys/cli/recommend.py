"""recsys recommend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import By, JsonOption, OnUnknown, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.progress import watching
from recsys.cli.render import echo, json_line, print_json, print_table, say, teller
from recsys.cli.threads import leave_cores_to_training
from recsys.core.errors import UsageError
from recsys.core.words import counted, joined

if TYPE_CHECKING:
    from recsys.core.events import Observer
    from recsys.core.types import Json
    from recsys.inference.candidates import ItemFilter
    from recsys.inference.ranked import By as Scorer
    from recsys.inference.ranked import Recommendation
    from recsys.inference.recommender import Recommender
    from recsys.inference.session_ratings import SessionRatings

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


def recommend(
    user: Annotated[str | None, typer.Argument(metavar="USER", help="A user id of the ratings file.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Number of items.")] = 10,
    by: Annotated[
        By | None,
        typer.Option(
            "--by",
            help="ranking: by how likely the user chooses an item; rating: by the predicted rating. Default: ranking"
            " where the run has a ranking scorer.",
        ),
    ] = None,
    min_ratings: Annotated[
        int,
        typer.Option("--min-ratings", min=0, metavar="N", help="Only items with at least this many training ratings."),
    ] = 0,
    candidates: Annotated[
        Path | None,
        typer.Option("--candidates", metavar="FILE", help="Only these items: one id a line, or a CSV with ids."),
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option("--exclude", metavar="FILE", help="None of these items: one id a line, or a CSV with ids."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Only items whose column of the items file meets this: genres=Comedy (equal, or one of a list a|b), or"
            " with !=, <, <=, > or >=. Repeatable: all have to hold.",
        ),
    ] = None,
    ratings: Annotated[
        Path | None, typer.Option("--ratings", metavar="FILE", help="Instead of USER: the ratings of a new visitor.")
    ] = None,
    on_unknown: Annotated[
        OnUnknown,
        typer.Option(
            "--on-unknown", help="What to do about a user without training ratings: refuse, or list for the mean user."
        ),
    ] = OnUnknown.ERROR,
    run: RunOption = None,
    everyone: Annotated[bool, typer.Option("--all", help="For all users; with --output.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="With --all: the CSV to write.")
    ] = None,
    include_held_out: Annotated[
        bool,
        typer.Option(
            "--include-held-out",
            help="With --all: validation and test ratings may be listed, to measure the lists on them.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys recommend 1 --where genres=Comedy

    What a user has rated, in training, validation or test, is not recommended.

    For a visitor: recsys recommend --ratings visitor.csv

    For all users: recsys recommend --all --output top10.csv
    """
    if everyone != (output is not None) or [everyone, user is not None, ratings is not None].count(True) != 1:
        raise UsageError(
            "recommend takes one user, one visitor, or all users",
            expected="USER, or --ratings FILE, or --all with --output FILE",
            hint="see recsys recommend --help",
        )
    if on_unknown is OnUnknown.MEAN and user is None:
        raise UsageError("--on-unknown is about USER", expected="USER", hint="leave it out")
    if include_held_out and not everyone:
        raise UsageError(
            "--include-held-out is for the lists of all users",
            expected="--all with --output FILE",
            hint="leave it out: held-out ratings are not recommended",
        )
    if ratings is not None:
        leave_cores_to_training()  # the equations of one visitor are too small to share
    if output is not None:
        api.check_output(output, [path for path in (candidates, exclude) if path is not None])
    model = api.load(used_run(run))
    with watching() as observe:
        filters, about = _read_filters(model, min_ratings, candidates, exclude, where or [], observe)
        visitor = None if ratings is None else api.read_session_ratings(model, ratings, observe=observe)
        if output is not None:
            counts = api.recommend_all(
                model,
                output,
                n,
                by=None if by is None else by.value,
                **vars(filters),
                include_held_out=include_held_out,
                observe=observe,
            )
    scorer = model.ranks_by if by is None else by.value
    if output is not None:
        _show_counts(counts, {"by": scorer, **about}, n, output, as_json=as_json)
        return
    if visitor is not None:
        listed, ruled_out = _for_visitor(model, visitor, n, scorer, filters)
        about = {**_about(visitor), **about}
    else:
        assert user is not None
        listed, ruled_out = _for_user(model, user, n, scorer, on_unknown, filters)
        about = {"user_id": model.bundle.users.parse(user), **about}
    if as_json:
        reasons: dict[str, Json] = {"ruled_out": {**ruled_out}} if ruled_out else {}
        print_json({**about, "by": scorer, "items": [item.to_dict() for item in listed], **reasons})
    else:
        _show_reasons(ruled_out, len(listed), n, _words(model))
        _show_items(listed, scorer)


def _read_filters(
    model: Recommender,
    min_ratings: int,
    candidates: Path | None,
    exclude: Path | None,
    where: list[str],
    observe: Observer,
) -> tuple[ItemFilter, dict[str, Json]]:
    """The filters, their files read, and what --json says of them."""
    among = None if candidates is None else api.read_candidates(model, candidates, observe=observe)
    excluded = None if exclude is None else api.read_item_list(model, exclude, observe=observe)
    about: dict[str, Json] = {}
    for name, listed in (("candidates", among), ("excluded", excluded)):
        if listed is None:
            continue
        about[f"n_unknown_{name}"] = listed.n_unknown
        if listed.n_unknown:
            n_listed, item = (
                listed.n_unknown + len(listed.item_ids),
                "candidate" if listed is among else "excluded item",
            )
            _note_unknown(model, listed.n_unknown, counted(n_listed, item))
    ids = None if among is None else among.item_ids
    return api.ItemFilter(min_ratings, ids, () if excluded is None else excluded.item_ids, where), about


def _note_unknown(model: Recommender, n_unknown: int, items: str) -> None:
    say(f"note: ignored, without training {_words(model)['rows']}: {n_unknown:,} of {items}")


def _for_user(
    model: Recommender, user: str, n: int, by: Scorer, on_unknown: OnUnknown, filters: ItemFilter
) -> tuple[list[Recommendation], dict[str, int]]:
    """The list of a user, and where it is short, what left the other items out."""
    listed = model.recommend(
        user,
        n,
        by=by,
        on_unknown=on_unknown.value,
        **vars(filters),
    )
    if len(listed) >= n:
        return listed, {}
    return listed, model.ruled_out(user, filters, by=by, on_unknown=on_unknown.value)


def _for_visitor(
    model: Recommender, visitor: SessionRatings, n: int, by: Scorer, filters: ItemFilter
) -> tuple[list[Recommendation], dict[str, int]]:
    """The same for a visitor."""
    if visitor.n_unknown_items:
        items = counted(len(visitor.item_ids), f"{_words(model)['done']} item")
        _note_unknown(model, visitor.n_unknown_items, items)
    listed = model.recommend_for(
        visitor.item_ids,
        visitor.ratings,
        n,
        by=by,
        **vars(filters),
    )
    return listed, model.ruled_out_for(visitor.item_ids, filters, by=by) if len(listed) < n else {}


def _about(visitor: SessionRatings) -> dict[str, Json]:
    return {
        "user_id": visitor.user_id,
        "n_ratings": len(visitor.ratings),
        "n_unknown_items": visitor.n_unknown_items,
    }


def _show_counts(counts: dict[str, int], about: dict[str, Json], n: int, output: Path, *, as_json: bool) -> None:
    tell = teller(output)
    if as_json:
        tell(json_line({**about, **counts}))
        return
    items, users = counted(counts["n_recommendations"], "item"), counted(counts["n_users"], "user")
    tell(f"{items} for {users} written to {output}")
    if n_fewer := counts["n_users_with_fewer"]:
        fewer, wanted = counted(n_fewer, "user"), counted(n, "item")
        say(f"note: {fewer} with fewer than {wanted}: the filters and what they have rated leave no more")


def _words(model: Recommender) -> dict[str, str]:
    """What the users of a run have done, and what the rows of that are called."""
    return OF_RATINGS if model.bundle.data.has_ratings else OF_EVENTS


def _show_reasons(ruled_out: dict[str, int], n_listed: int, n: int, words: dict[str, str]) -> None:
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


def _show_items(listed: list[Recommendation], by: Scorer) -> None:
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
