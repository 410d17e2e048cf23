"""recsys recommend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import By, EscapeOption, JsonOption, MinRatingsOption, OnUnknown, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.progress import watching
from recsys.cli.recommended import show_counts, show_items, show_reasons, words_of
from recsys.cli.render import print_json, say
from recsys.cli.threads import leave_cores_to_training
from recsys.core.arguments import SHARD
from recsys.core.checked import accepted
from recsys.core.errors import UsageError
from recsys.core.words import counted

if TYPE_CHECKING:
    from recsys.core.events import Observer
    from recsys.core.types import Json
    from recsys.inference.candidates import ItemFilter
    from recsys.inference.ranked import By as Scorer
    from recsys.inference.ranked import Recommendation
    from recsys.inference.recommender import Recommender
    from recsys.inference.session_ratings import SessionRatings


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
    min_ratings: MinRatingsOption = 0,
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
    include_new: Annotated[
        bool,
        typer.Option("--include-new", help="Also items without training ratings that the run knows by their features."),
    ] = False,
    ratings: Annotated[
        Path | None, typer.Option("--ratings", metavar="FILE", help="Instead of USER: the ratings of a new visitor.")
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--feature",
            metavar="NAME=VALUE",
            help="With --ratings: what else is known of the visitor, by a column of data.user_features. Repeatable.",
        ),
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
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard", metavar="K/N", help="With --all: only the K-th of N shares of the users, such as 3/16."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="With --all: keep finished users in FILE.partial if interrupted; the same command goes on from there.",
        ),
    ] = False,
    escape_formulas: EscapeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys recommend 1 --where genres=Comedy

    What a user has rated, in training, validation or test, is not recommended.

    For a visitor: recsys recommend --ratings visitor.csv

    For all users: recsys recommend --all --output top10.csv
    """
    _check_whom(user, ratings, output, features, on_unknown, everyone=everyone)
    _check_of_all(
        shard,
        everyone=everyone,
        resume=resume,
        include_held_out=include_held_out,
        escape_formulas=escape_formulas,
    )
    if ratings is not None:
        leave_cores_to_training()  # the equations of one visitor are too small to share
    if output is not None:
        api.check_output(output, [path for path in (candidates, exclude) if path is not None])
    model = api.load(used_run(run))
    scorer = model.ranks_by if by is None else by.value
    if include_new:
        _note_new(model, scorer)
    with watching() as observe:
        filters, about = _read_filters(model, min_ratings, candidates, exclude, where or [], include_new, observe)
        visitor = None if ratings is None else api.read_session_ratings(model, ratings, observe=observe)
        if output is not None:
            counts = api.recommend_all(
                model,
                output,
                n,
                by=None if by is None else by.value,
                **vars(filters),
                include_held_out=include_held_out,
                shard=shard,
                resume=resume,
                escape_formulas=escape_formulas,
                observe=observe,
            )
    if output is not None:
        of_shard: dict[str, Json] = {} if shard is None else {"shard": shard}
        show_counts(counts, {"by": scorer, **of_shard, **about}, n, output, as_json=as_json)
        return
    if visitor is not None:
        listed, ruled_out = _for_visitor(model, visitor, _named(features), n, scorer, filters)
        about = {**_about(visitor), **about}
    else:
        assert user is not None
        listed, ruled_out = _for_user(model, user, n, scorer, on_unknown, filters)
        about = {"user_id": model.bundle.users.parse(user), **about}
    if as_json:
        reasons: dict[str, Json] = {"ruled_out": {**ruled_out}} if ruled_out else {}
        print_json({**about, "by": scorer, "items": [item.to_dict() for item in listed], **reasons})
    else:
        show_reasons(ruled_out, len(listed), n, words_of(model))
        show_items(listed, scorer)


def _check_whom(
    user: str | None,
    ratings: Path | None,
    output: Path | None,
    features: list[str] | None,
    on_unknown: OnUnknown,
    *,
    everyone: bool,
) -> None:
    """Raises UsageError unless there is one of user, visitor and everyone, and nothing that belongs to another."""
    if everyone != (output is not None) or [everyone, user is not None, ratings is not None].count(True) != 1:
        raise UsageError(
            "recommend takes one user, one visitor, or all users",
            expected="USER, or --ratings FILE, or --all with --output FILE",
            hint="see recsys recommend --help",
        )
    if features and ratings is None:
        raise UsageError("--feature is about a visitor", expected="--ratings FILE", hint="leave it out")
    if on_unknown is OnUnknown.MEAN and user is None:
        raise UsageError("--on-unknown is about USER", expected="USER", hint="leave it out")


def _check_of_all(shard: str | None, *, everyone: bool, **flags: bool) -> None:
    """Raises UsageError for what belongs to the lists of all users where there are none, or for no shard."""
    flags = {f"--{name.replace('_', '-')}": is_given for name, is_given in flags.items()}
    given = {"--shard": shard is not None, **flags}
    for name in (name for name, is_given in given.items() if is_given and not everyone):
        hint = "leave it out: held-out ratings are not recommended" if name == "--include-held-out" else "leave it out"
        raise UsageError(f"{name} is for the lists of all users", expected="--all with --output FILE", hint=hint)
    if shard is not None:
        accepted("--shard", shard, SHARD)


def _read_filters(
    model: Recommender,
    min_ratings: int,
    candidates: Path | None,
    exclude: Path | None,
    where: list[str],
    include_new: bool,
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
    return api.ItemFilter(min_ratings, ids, () if excluded is None else excluded.item_ids, where, include_new), about


def _note_new(model: Recommender, by: Scorer) -> None:
    known = model.with_new.from_features.get(by)
    if known is None or not known.items.any():
        say("note: --include-new adds nothing: the run knows no items by their features alone")


def _note_unknown(model: Recommender, n_unknown: int, items: str) -> None:
    say(f"note: ignored, without training {words_of(model)['rows']}: {n_unknown:,} of {items}")


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
    model: Recommender,
    visitor: SessionRatings,
    features: dict[str, str] | None,
    n: int,
    by: Scorer,
    filters: ItemFilter,
) -> tuple[list[Recommendation], dict[str, int]]:
    """The same for a visitor."""
    if visitor.n_unknown_items:
        items = counted(len(visitor.item_ids), f"{words_of(model)['done']} item")
        _note_unknown(model, visitor.n_unknown_items, items)
    listed = model.recommend_for(
        visitor.item_ids,
        visitor.ratings,
        n,
        by=by,
        **vars(filters),
        features=features,
    )
    return listed, model.ruled_out_for(visitor.item_ids, filters, by=by) if len(listed) < n else {}


def _named(features: list[str] | None) -> dict[str, str] | None:
    """Values by name, of texts such as age=35."""
    if not features:
        return None
    parts = [text.partition("=") for text in features]
    for text, (name, sign, _) in zip(features, parts, strict=True):
        if not (name and sign):
            raise UsageError(f"--feature {text!r} is no name and value", expected="NAME=VALUE, such as age=35")
    return {name: value for name, _, value in parts}


def _about(visitor: SessionRatings) -> dict[str, Json]:
    return {
        "user_id": visitor.user_id,
        "n_ratings": len(visitor.ratings),
        "n_unknown_items": visitor.n_unknown_items,
    }
