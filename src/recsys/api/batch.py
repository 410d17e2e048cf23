"""A trained model in use on files: pairs predicted, items recommended to all users, factors exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from recsys.api.data import DATA, DataLike, as_origin
from recsys.api.paths import PathLike, as_path, as_run
from recsys.api.serving import MODEL
from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.growing import partial_folder
from recsys.artifacts.outputs import check_output, refuse_data_of, refuse_run_files
from recsys.core.arguments import FLAG, LEVEL, OBSERVER, PATH, SHARD, TEXT, count, optional
from recsys.core.checked import checked
from recsys.core.errors import StoppedError
from recsys.core.events import Observer, silent
from recsys.data.sources.several import files_of
from recsys.data.sources.streams import spooling
from recsys.inference import batch, export, item_list, session_ratings
from recsys.inference import recommend_all as all_users
from recsys.inference.ann_index import KIND, Kind
from recsys.inference.candidates import FILTER_RULES, ItemFilter
from recsys.inference.entities import ON_UNKNOWN, OnUnknown
from recsys.inference.export import FORMAT, Format
from recsys.inference.item_list import ItemList
from recsys.inference.ranked import BY, By, chosen_scorer
from recsys.inference.recommender import Recommender
from recsys.inference.session_ratings import SessionRatings


@spooling()
@checked(
    model=MODEL,
    pairs=DATA,
    output=PATH,
    on_unknown=ON_UNKNOWN,
    interval=optional(LEVEL),
    escape_formulas=FLAG,
    observe=OBSERVER,
)
def predict_file(
    model: Recommender,
    pairs: DataLike,
    output: PathLike,
    *,
    on_unknown: OnUnknown = "error",
    interval: float | None = None,
    escape_formulas: bool = False,
    observe: Observer = silent,
) -> dict[str, int | bool]:
    """Writes user_id, item_id and rating of every pair in a file to a CSV, in their order.

    Args:
        model: what `load` returns.
        pairs: files or a table in memory as of `read_ratings`, with user and item ids, and times where predictions
            depend on them.
        output: the CSV to write.
        on_unknown: what to do about an id without training ratings: refuse the file, or predict by the mean.
        interval: a level such as 0.9: adds the columns std, low and high.
        escape_formulas: an apostrophe before ids that a spreadsheet would compute: that begin with = + - @, a tab or
            a carriage return.
        observe: gets Loading and Scoring events.
    Returns:
        n_pairs, n_unknown_users, n_unknown_items; with_times where predictions depend on time; where unknown ids
        have features, n_users_from_features and n_items_from_features.
    Raises:
        UsageError: the level is not between 0 and 1.
        UnknownIdError: an id without training ratings, with on_unknown="error"; nothing is written then.
        DataError: the pairs cannot be read.
        RunError: the output cannot be written, or the run cannot give such intervals.
    """
    origin = as_origin(pairs)
    check_output(as_path(output), files_of(origin) if isinstance(origin, Path | tuple) else (), name="predictions.csv")
    refuse_data_of(as_path(output), model.bundle.run_folder)
    return batch.predict_file(
        model.bundle, origin, as_path(output), on_unknown, observe, interval, escape_formulas=escape_formulas
    )


@checked(
    model=MODEL,
    output=PATH,
    n=count(),
    by=BY,
    include_held_out=FLAG,
    shard=optional(SHARD),
    resume=FLAG,
    escape_formulas=FLAG,
    observe=OBSERVER,
    **FILTER_RULES,
)
def recommend_all(
    model: Recommender,
    output: PathLike,
    n: int = 10,
    *,
    by: By | None = None,
    min_ratings: int = 0,
    candidates: Sequence[int | str] | None = None,
    exclude: Sequence[int | str] = (),
    where: str | Sequence[str] = (),
    include_new: bool = False,
    include_held_out: bool = False,
    shard: str | None = None,
    resume: bool = False,
    escape_formulas: bool = False,
    observe: Observer = silent,
) -> dict[str, int]:
    """Writes the n best unseen items of every user to a CSV: user_id, rank, item_id, rating, score.

    The rating is predicted, and empty where the run predicts none; the score is that of the scorer that ranks.

    Args:
        model: what `load` returns.
        output: the CSV to write.
        n: how many items a user; fewer where there are not so many.
        by: the scorer that ranks, "ranking" or "rating"; None: ranking where the run has that.
        min_ratings: leaves out items with fewer training ratings.
        candidates: only these items; those that are not known are left out.
        exclude: none of these items.
        where: conditions on columns of the items file, such as "genres=Comedy"; all have to hold.
        include_new: also items without training ratings that the run knows by their features.
        include_held_out: lists may hold what a user has rated in the validation and test parts, so that they can be
            measured on those. Without it, nothing that a user has rated is recommended.
        shard: "3/16": the 3rd of 16 shares of the users, so that several processes share the work. Below the first
            lines, the files of all shards are one after the other the file without shards.
        resume: keep what is written in a folder OUTPUT.partial when it is interrupted, and go on from what such a
            folder holds of the same call; the file has the same bytes as one that was never interrupted.
        escape_formulas: as of `predict_file`.
        observe: gets Scoring events, and a Note of what is done already.
    Returns:
        n_users, n_recommendations, n_users_with_fewer: those with fewer than n items; of the shard.
    Raises:
        UsageError: a condition makes no sense, or is on a column that the items do not have; the output was begun by
            another call, or is no file that can be resumed.
        RunError: the run has no such scorer, or the output cannot be written, or what there is of it is damaged.
    """
    path = as_path(output)
    check_output(path, name="recommendations.csv")
    refuse_data_of(path, model.bundle.run_folder)
    lists = all_users.ListsOfAll(
        by=chosen_scorer(model.bundle, by),
        n=n,
        filters=ItemFilter(min_ratings, candidates, exclude, where, include_new),
        include_held_out=include_held_out,
        # `checked` makes a pair of the text
        shard=(1, 1) if shard is None else cast("tuple[int, int]", shard),
        escape_formulas=escape_formulas,
    )
    try:
        return all_users.recommend_all(
            model.with_new if include_new else model.bundle, lists, path, observe, resume=resume
        )
    except StoppedError as stopped:
        kept = f"finished users are in {partial_folder(path)}: the same command goes on from there"
        stopped.hint = (
            kept if resume else "nothing is kept; --resume keeps finished users for the same command to go on"
        )
        raise


@spooling()
@checked(model=MODEL, data=DATA, observe=OBSERVER)
def read_candidates(model: Recommender, data: DataLike, *, observe: Observer = silent) -> ItemList:
    """As `read_item_list`, of items to choose from.

    Raises:
        DataError: the file cannot be read.
        UnknownIdError: none of them is known.
    """
    return item_list.read_candidates(model.bundle, as_origin(data), observe)


@spooling()
@checked(model=MODEL, data=DATA, observe=OBSERVER)
def read_item_list(model: Recommender, data: DataLike, *, observe: Observer = silent) -> ItemList:
    """The item ids in a file or a table: what the model knows, and how many others there are.

    Raises:
        DataError: the file cannot be read.
    """
    return item_list.read_item_list(model.bundle, as_origin(data), observe)


@spooling()
@checked(model=MODEL, data=DATA, observe=OBSERVER)
def read_session_ratings(model: Recommender, data: DataLike, *, observe: Observer = silent) -> SessionRatings:
    """What one visitor has rated, from a file or a table with items and ratings; `model.recommend_for` takes both.

    Raises:
        DataError: the file cannot be read, holds ratings of several users, or an item twice.
    """
    return session_ratings.read_session_ratings(model.bundle, as_origin(data), observe)


@checked(
    run=optional(PATH),
    output=PATH,
    form=FORMAT,
    scorer=optional(TEXT),
    index=KIND,
    escape_formulas=FLAG,
    observe=OBSERVER,
)
def export_factors(
    run: PathLike | None,
    output: PathLike,
    form: Format = "csv",
    *,
    scorer: str | None = None,
    index: Kind | None = None,
    escape_formulas: bool = False,
    observe: Observer = silent,
) -> list[Path]:
    """Writes factors and biases with raw ids for other programs.

    Args:
        run: a run; None: the default run.
        output: a new folder.
        form: csv, parquet, npz or safetensors.
        scorer: "rating" or "ranking"; None: rating, or what the run has instead.
        index: "hnsw": also an approximate index of the items, items.usearch, and index.json with its recall; needs the
            extra `ann`.
        escape_formulas: of csv: as of `predict_file`, titles too; the README's code undoes it.
        observe: gets Exporting events.
    Returns:
        The files.
    Raises:
        RunError: there is no such run or no such scorer, its scores are nothing that an index finds, or the folder is
            in use.
        MissingExtraError: the library of the index is not installed.
    """
    refuse_run_files(as_path(output))
    bundle = open_bundle(as_run(run))
    return export.export_factors(bundle, as_path(output), form, scorer, index, observe, escape_formulas=escape_formulas)
