"""Reads ratings from one source, or several, to columns of indices, strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from recsys.config.schema.data import Data
from recsys.core.communicator import Communicator
from recsys.core.errors import DataError
from recsys.core.events import Note, Observer, silent
from recsys.core.memory import give_back_memory
from recsys.core.types import Floats
from recsys.core.words import counted
from recsys.data.catalogue import ItemCatalogue
from recsys.data.fingerprints import fingerprints_beside
from recsys.data.gather import collect_part, gather
from recsys.data.id_types import check_id_types
from recsys.data.ids import index_columns, indices_of, refuse_scientific
from recsys.data.interactions import Dataset, Interactions, stack
from recsys.data.scale import check_size
from recsys.data.sources.collect import collect
from recsys.data.sources.opening import open_source, read_catalogue
from recsys.data.sources.origin import Origin, name_of
from recsys.data.sources.protocol import TIMES, ColumnRequest, Source
from recsys.data.sources.table import EVERYTHING, Role, Table
from recsys.data.sources.times import in_seconds
from recsys.data.unique_pairs import SourceRows, locate, unique_pairs, usable_rows
from recsys.data.vocabulary import Vocabulary

CLICKS = "if each row is a click or a purchase: data.columns.rating: false"


def read_ratings(
    data: Data,
    communicator: Communicator,
    observe: Observer = silent,
    origin: Origin | None = None,
    *,
    uses_times: bool = True,
) -> Dataset:
    """Reads ratings where a model can learn from them alone.

    Args, Returns, Raises: as of `read_more_ratings`.
    """
    dataset = read_more_ratings(data, communicator, observe, origin, uses_times=uses_times)
    train = dataset.ratings if dataset.given is None else dataset.ratings.take(dataset.given["train"])
    check_learnable(train, _first(data, origin), data)
    return dataset


def read_more_ratings(
    data: Data,
    communicator: Communicator,
    observe: Observer = silent,
    origin: Origin | None = None,
    *,
    as_trained: bool = False,
    uses_times: bool = True,
    beside: tuple[Vocabulary, Vocabulary] | None = None,
) -> Dataset:
    """Reads ratings that are learned from beside those of an earlier run: perhaps of one user, or all the same.

    Args:
        data: the section `data` of a config.
        communicator: each rank reads a part of each file, and gets all ratings.
        observe: gets a `Loading` now and then, and one at the end of each file.
        origin: what to read in place of the files that `data` names, such as a table in memory.
        as_trained: whether the names of columns are those of other ratings, see ColumnRequest.
        uses_times: whether to read times, where there are any.
        beside: users and items of the earlier run, whose ids these have to be like.

    Returns:
        Dataset; the vocabularies hold every id of the files.
    Raises:
        DataError: a file, a row or the whole cannot be learned from; it says where and what to do.
        ConfigError: there is no such encoding.
    """
    origins = _origins(data, origin)
    sources = [open_source(part, data, observe) for part in origins.values()]
    has_parts = origin is None and data.train is not None
    columns = ColumnRequest(EVERYTHING, as_trained=as_trained, unread=frozenset() if uses_times else TIMES)
    layouts = [source.layout(columns) for source in sources]
    with fingerprints_beside(list(origins.values()), sources, communicator) as taken:
        shares = [_read(source, columns, communicator) for source in sources]
        n_read = [sum(table.n_rows for table in tables) for tables in shares]
        tables = in_seconds([table for tables in shares for table in tables], partial(locate, sources, n_read))
        keys = origins if has_parts else ["ratings"]
        fingerprints = dict(zip(keys, taken(), strict=True))
    all_rows = SourceRows.of(_join(tables), list(origins), sources, n_read)
    refuse_scientific(all_rows.ratings.user_idx, all_rows.ratings.users, "user", all_rows.locate)
    refuse_scientific(all_rows.ratings.item_idx, all_rows.ratings.items, "item", all_rows.locate)
    if beside is not None:
        check_id_types(all_rows.ratings, *beside, all_rows.locate)
    rows = usable_rows(all_rows, data)
    del tables, shares, all_rows
    give_back_memory()  # what parsing took; Arrow and glibc would keep it for a next file
    unique = unique_pairs(rows, data)
    n_duplicates = unique.n_dropped - rows.n_dropped
    ratings, parts = unique.ratings, dict(unique.parts)
    check_rows(ratings.take(next(iter(parts.values()))), _first(data, origin), data)
    name = layouts[0].names["item"]
    catalogue = catalogue_of(data, name, ratings.items, observe)
    given = parts if has_parts else None
    return Dataset(ratings, given, fingerprints, catalogue, n_duplicates, item_column=name)


def catalogue_of(data: Data, item_name: str | None, items: Vocabulary, observe: Observer) -> ItemCatalogue:
    """What the items file that `data` names says of the items of the ratings.

    Args:
        item_name: what the ratings call the column of item ids.
    Raises:
        DataError: the file cannot be used.
    """
    if data.items is None:
        return ItemCatalogue()
    catalogue = read_catalogue(data.items, data, item_name, items, observe)
    if not any((catalogue.titles, *catalogue.columns.values())):
        observe(Note(f"{data.items} names none of the {counted(len(items), 'item')} of the ratings"))
    return catalogue


def fingerprints(data: Data) -> dict[str, str]:
    """Those that `read_ratings` would give, without reading rows.

    Raises:
        DataError: a file is not there, or is of no format that is read here.
    """
    origins = _origins(data, None)
    keys = origins if data.train is not None else ["ratings"]
    return {
        key: open_source(part, data, silent).fingerprint() for key, part in zip(keys, origins.values(), strict=True)
    }


def read_table(source: Source, columns: ColumnRequest) -> Table:
    """Reads some columns of a file: pairs to predict, a list of candidates.

    Raises:
        DataError: the file or a row of it cannot be used.
    """
    return in_seconds([collect(source.batches(columns, 0, 1))], source.locate)[0]


def read_as(
    origin: Origin,
    data: Data,
    vocabularies: tuple[Vocabulary, Vocabulary],
    roles: frozenset[Role],
    communicator: Communicator,
    observe: Observer = silent,
) -> Interactions:
    """Reads another file, or a table in memory, as a run's data: its column names, its id types, its vocabularies.

    Args:
        data: how the run's data is written and what its columns are called.
        vocabularies: the run's users and items; other ids get the index −1.
        roles: which columns, "user" and "item" among them; ratings that are not wanted are NaN.
        communicator: as of `read_ratings`.
        observe: gets a `Loading` now and then, and one at the end.

    Raises:
        DataError: the file or a row of it cannot be used.
    """
    source, columns = open_source(origin, data, observe), ColumnRequest(roles, as_trained=True)
    read = in_seconds(_read(source, columns, communicator), source.locate)
    tables = [_as_ratings(table, *vocabularies) for table in read]
    ratings = tables[0] if len(tables) == 1 else stack(tables)
    return ratings.rated() if data.drops_unrated else ratings


def _as_ratings(table: Table, users: Vocabulary, items: Vocabulary) -> Interactions:
    assert table.user is not None
    assert table.item is not None
    return Interactions(
        user_idx=indices_of(table.user.texts, users)[table.user.codes],
        item_idx=indices_of(table.item.texts, items)[table.item.codes],
        rating=_no_ratings(table.n_rows) if table.rating is None else table.rating,
        timestamp=table.timestamp,
        users=users,
        items=items,
    )


def _no_ratings(n_rows: int) -> Floats:
    return np.full(n_rows, np.nan, dtype=np.float32)


def _read(source: Source, columns: ColumnRequest, communicator: Communicator) -> list[Table]:
    """The rows of a source: those that each rank reads."""
    table = collect_part(source, columns, communicator)
    return gather(table, source.layout(columns).names, communicator)


def _origins(data: Data, origin: Origin | None) -> Mapping[str, Origin]:
    """What to read by part, the one to train on first.

    Raises:
        DataError: it is a table in memory, and none is given.
    """
    if origin is not None:
        return {"train": origin}
    if not data.files:
        raise DataError(
            "the ratings of this run are a table in memory, which is not here",
            where="data.source",
            expected="the same table again",
            hint="in Python: recsys.train(recsys.run_config(RUN), RUN, data=FRAME, resume=True)",
        )
    return data.files


def _first(data: Data, origin: Origin | None) -> Path:
    """What to call that to train on."""
    return name_of(next(iter(_origins(data, origin).values())))


def _join(tables: Sequence[Table]) -> Interactions:
    """The rows of all files; they have ratings, and times, if every file has."""
    columns = [
        [ids for ids in each if ids is not None] for each in zip(*((t.user, t.item) for t in tables), strict=True)
    ]
    with ThreadPoolExecutor() as pool:
        (user_idx, users), (item_idx, items) = pool.map(index_columns, columns)
    ratings = [table.rating for table in tables if table.rating is not None]
    times = [table.timestamp for table in tables if table.timestamp is not None]
    if not ratings:
        ratings = [_no_ratings(len(user_idx))]
    return Interactions(
        user_idx=user_idx,
        item_idx=item_idx,
        rating=ratings[0] if len(ratings) == 1 else np.concatenate(ratings),
        timestamp=None if len(times) < len(tables) else times[0] if len(times) == 1 else np.concatenate(times),
        users=users,
        items=items,
    )


def check_rows(train: Interactions, path: Path, data: Data) -> None:
    """Raises DataError where there are none, or a rating is too large."""
    if not len(train):
        raise DataError("the file holds no rows", where=str(path), expected="a row for each rating")
    rated = train.rated().rating if data.has_ratings else train.rating[:0]
    if len(rated):
        check_size(float(rated.min()), float(rated.max()), path)


def check_learnable(train: Interactions, path: Path, data: Data) -> None:
    """Raises DataError where there is nothing to tell apart; the rows with the least and largest of all will do."""
    for idx, who, others in ((train.user_idx, "user", "users"), (train.item_idx, "item", "items")):
        if idx.min() == idx.max():
            hint = f"is data.columns.{who} the right column?"
            raise DataError(
                f"all ratings are of a single {who}", where=str(path), expected=f"several {others}", hint=hint
            )
    if not data.has_ratings:
        return
    rated = train.rated().rating
    if not len(rated):
        what = f"none of the {counted(len(train), 'training row')} has a rating"
        raise DataError(what, where=str(path), expected="ratings to learn from", hint=CLICKS)
    if rated.min() == rated.max():
        what = f"all ratings are equal: {rated[0]:g}"
        raise DataError(what, where=str(path), expected="ratings that differ", hint=CLICKS)
