"""Reads features files: typed, encoded, and matched with the ids of the ratings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recsys.config.schema.columns import Column
from recsys.config.schema.data import Data, FeaturesOrigin
from recsys.config.schema.features import FeatureColumns
from recsys.core.checked import shown
from recsys.core.errors import DataError
from recsys.core.events import Note, Observer, silent
from recsys.core.types import Ids, Int64Array, Texts
from recsys.core.words import counted, joined, some
from recsys.data.catalogue import id_of
from recsys.data.features.encoder import FeatureEncoder
from recsys.data.features.features import Features
from recsys.data.features.kind import ROLES, Role
from recsys.data.features.learn import ColumnReport, learn_encoder
from recsys.data.features.table import FeatureTable
from recsys.data.sources.find_feature_ids import FeatureRequest
from recsys.data.sources.opening import read_feature_table
from recsys.data.sources.origin import Frame
from recsys.data.sources.protocol import beside
from recsys.data.sources.stored import fingerprint
from recsys.data.vocabulary import UNKNOWN, Vocabulary

EXAMPLES = 3
LIKELY_IDS = 0.5
"""Share of the ids of the ratings from which another column may be meant as that of the ids."""


@dataclass(frozen=True, eq=False)
class FeaturesFile:
    """A features file as a run takes it.

    Attributes:
        reports: what each column is; of a file that is encoded as another one was, none.
        fingerprint: sha256 of the file, or of what a table in memory holds.
        n_matched: of the ids of the ratings, those that it has.
        left_out: what to say of rows whose ids cannot be ids of the ratings; None without any.
    """

    path: Path
    features: Features
    reports: tuple[ColumnReport, ...]
    fingerprint: str
    n_matched: int
    left_out: str | None = None


def named(data: Data, role: Role) -> tuple[FeaturesOrigin | None, FeatureColumns]:
    """What a config says of the features of items, or of users."""
    if role == "item":
        return data.item_features, data.item_feature_columns
    return data.user_features, data.user_feature_columns


def read_features_file(
    data: Data,
    role: Role,
    known: Vocabulary,
    observe: Observer,
    frame: Frame | None = None,
    encoder: FeatureEncoder | None = None,
) -> FeaturesFile:
    """The features that a config names.

    Args:
        known: the items or users of the ratings.
        frame: a table in memory, in place of a file.
        encoder: of an earlier file, by whose rules this one is encoded; None: they are learned of it.

    Raises:
        DataError: the file cannot be read, has a column that is not what the config says, an id twice, or no id of the
            ratings.
    """
    origin, _ = named(data, role)
    path = data.items if origin == "items" else origin
    source = frame if frame is not None else path
    if source is None or isinstance(source, str):
        raise _no_frame(role)
    request = features_request(data, role, encoder, is_items_file=frame is None and path is data.items)
    table = read_feature_table(source, data, request, observe)
    reports: tuple[ColumnReport, ...] = ()
    if encoder is None:
        encoder, reports = learn_encoder(table, request)
    features = encode_table(table, encoder, known)
    n_matched = int(np.count_nonzero(features.rows_of(known) != UNKNOWN))
    if not n_matched and len(known):
        raise _no_match(table, request, known)
    left_out = _left_out(table, features, known, role)
    return FeaturesFile(table.path, features, reports, table_fingerprint(source, table), n_matched, left_out)


def features_request(
    data: Data, role: Role, encoder: FeatureEncoder | None = None, *, is_items_file: bool = False
) -> FeatureRequest:
    """What to read of a features file.

    Args:
        encoder: of an earlier file of the kind.
        is_items_file: whether it is that of data.items.
    """
    _, columns = named(data, role)
    titles = data.item_columns.title if role == "item" else None
    return FeatureRequest(role, columns, _likely(data, role, encoder), titles, is_items_file)


def table_fingerprint(source: Path | Frame, table: FeatureTable) -> str:
    """sha256 of the file, or of what the table in memory holds."""
    return fingerprint(source) if isinstance(source, Path) else _digest(table)


def feature_fingerprints(data: Data, frames: Mapping[Role, Frame]) -> dict[str, str]:
    """Those that training has of the features that a config names; of files without reading rows.

    Args:
        frames: tables in memory, in place of files.
    """
    sums = {}
    for role in ROLES:
        origin, _ = named(data, role)
        path = data.items if origin == "items" else origin
        if role in frames:
            sums[f"{role}_features"] = _digest(
                read_feature_table(frames[role], data, features_request(data, role), silent)
            )
        elif isinstance(path, Path):
            sums[f"{role}_features"] = fingerprint(path)
    return sums


def encode_table(table: FeatureTable, encoder: FeatureEncoder, known: Vocabulary) -> Features:
    """A features file by given rules; rows whose id cannot be one of the ratings are left out.

    Args:
        known: of the type that ids have.

    Raises:
        DataError: an id is there twice.
    """
    ids = [id_of(text, known) for text in table.ids.tolist()]
    possible = np.array([row for row, raw_id in enumerate(ids) if raw_id is not None], dtype=np.int64)
    typed: Ids = np.empty(len(possible), dtype=known.ids.dtype)
    typed[:] = [ids[row] for row in possible.tolist()]
    order = np.argsort(typed, kind="stable")
    rows, ordered = possible[order], typed[order]
    _refuse_twice(ordered, rows, table)
    return Features(Vocabulary(ordered), encoder, encoder.encode(table).take(rows))


def describe(file: FeaturesFile, role: Role, n_known: int) -> Iterator[str]:
    """For people: whose features they are, what the columns are, and what was left out."""
    whose = counted(len(file.features.ids), role)
    share = f"all {n_known:,}" if file.n_matched == n_known else f"{file.n_matched:,} of the {n_known:,}"
    kinds = [f"{report.name} ({report.kind})" for report in file.reports if report.kind is not None]
    what = f": {joined(kinds, 'and')}" if kinds else ""
    yield f"{file.path.name} has features of {whose}, among them {share} of training{what}"
    if unused := [f"{report.name} ({report.why})" for report in file.reports if report.kind is None]:
        yield f"columns of {file.path.name} that are not used: {some(unused)}"
    for report in file.reports:
        if report.n_left_out:
            words = "words" if report.kind == "text" else "categories"
            n = report.n_columns + report.n_left_out
            yield f"of the {n:,} {words} of {report.name}, the {report.n_columns:,} most frequent are used"
    if file.left_out is not None:
        yield file.left_out


def note_features(file: FeaturesFile, role: Role, n_known: int, observe: Observer) -> None:
    """Tells people what a run takes of a features file."""
    for line in describe(file, role, n_known):
        observe(Note(line))


def merged(old: Features, new: Features) -> Features:
    """The rows of both, which are encoded alike; where both have an id, the newer."""
    only_old = np.flatnonzero(new.ids.index(old.ids.ids) == UNKNOWN)
    ids = np.concatenate([new.ids.ids, old.ids.ids[only_old]])
    order = np.argsort(ids, kind="stable")
    whole = new.matrix.stacked(old.matrix.take(only_old))
    return Features(Vocabulary(ids[order]), old.encoder, whole.take(order))


def _likely(data: Data, role: Role, encoder: FeatureEncoder | None) -> tuple[Column, ...]:
    """Names that the column of ids may have: as of an earlier file, or as the config says it of the ratings."""
    earlier = [] if encoder is None else [encoder.id_name]
    items = [data.item_columns.item] if role == "item" else []
    own = data.columns.item if role == "item" else data.columns.user
    return tuple(name for name in (*earlier, *items, own) if isinstance(name, str))


def _refuse_twice(ids: Ids, rows: Int64Array, table: FeatureTable) -> None:
    """Raises DataError for the first id, by the file, that is there twice."""
    again = np.flatnonzero(ids[1:] == ids[:-1])
    if not len(again):
        return
    first = again[np.argmin(rows[again + 1])]
    before, here = int(rows[first]), int(rows[first + 1])
    raise DataError(
        f"the id {ids[first]} is there a second time, after {beside(table.place(before), table.place(here))}",
        where=table.place(here),
        expected="a row for each id",
        hint="join the rows of an id: several categories can stand in one field, such as Comedy|Drama",
    )


def _left_out(table: FeatureTable, features: Features, known: Vocabulary, role: Role) -> str | None:
    n = len(table) - len(features.ids)
    if not n:
        return None
    row, text = next((row, text) for row, text in enumerate(table.ids.tolist()) if id_of(text, known) is None)
    return (
        f"{counted(n, 'row')} of {table.path.name} left out: {role} ids of the ratings are whole numbers, and"
        f" {shown(text)} ({beside(table.place(row), f'{table.path}:')}) is none"
    )


def _no_match(table: FeatureTable, request: FeatureRequest, known: Vocabulary) -> DataError:
    """The error for a file with other ids than those of the ratings; it names the column that may be meant."""
    of_ratings = set(map(str, known.ids.tolist()))
    shares = {
        name: len(of_ratings & {str(id_of(text, known)) for text in column.texts()}) / len(of_ratings)
        for name, column in table.columns.items()
    }
    likely = max(shares, key=lambda name: shares[name], default=None)
    is_likely = likely is not None and shares[likely] >= LIKELY_IDS
    key = f"{request.key}.id"
    return DataError(
        f"none of the {counted(len(known), request.role)} of the ratings is in it: its column {table.id_name} has ids"
        f" such as {_examples(table.ids)}, the ratings {_examples(known.ids)}",
        where=str(table.path),
        expected=f"features of the {request.role}s of the ratings",
        hint=f"is it {likely}, which has {shares[likely]:.0%} of them? {key}: {likely}"
        if is_likely and likely
        else f"is it the right column? {key}",
    )


def _examples(ids: Ids | Texts) -> str:
    return joined(map(str, ids[:EXAMPLES].tolist()), "and") if len(ids) else "none"


def _no_frame(role: Role) -> DataError:
    return DataError(
        f"the features of this run's {role}s are a table in memory, which is not here",
        where=f"data.{role}_features",
        expected="the same table again",
        hint=f"in Python: recsys.train(…, {role}_features=FRAME)",
    )


def _digest(table: FeatureTable) -> str:
    """sha256 of the ids and columns, however a table in memory holds them."""
    digest = hashlib.sha256(repr((table.id_name, table.ids.tolist())).encode())
    for name, column in table.columns.items():
        digest.update(repr((name, column.values)).encode())
        digest.update(column.codes.tobytes())
    return digest.hexdigest()
