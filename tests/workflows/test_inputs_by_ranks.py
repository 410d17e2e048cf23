"""Ratings of which each rank reads and holds a part: the inputs of one process, and its errors."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import csv, parquet

from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import RecsysError
from recsys.core.events import Event, Note, silent
from recsys.data import chunks
from recsys.data.interactions import Interactions
from recsys.data.ranks import exchange
from recsys.data.read import read_ratings
from recsys.data.training_inputs import TrainingInputs
from recsys.training.sgd.blocks import sort_into_blocks
from recsys.training.sgd.divided import sort_divided
from recsys.training.sgd.ring import owners
from recsys.workflows.inputs import prepare_inputs
from recsys.workflows.inputs_by_ranks import why_whole
from tests.ranks import on_ranks

Small = Callable[..., Config]
SIZE = 3
HEADER = "userId,movieId,rating,timestamp\n"


@pytest.fixture(autouse=True)
def _several_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks and rounds of the exchange are small, as the files are."""
    monkeypatch.setattr(chunks, "CHUNK", 211)
    monkeypatch.setattr(exchange, "ROUND", 100)


def of_rows(ratings: Interactions | None) -> Any:
    if ratings is None:
        return None
    columns = [np.asarray(column).tobytes() for column in (ratings.user_idx, ratings.item_idx, ratings.rating)]
    return columns, ratings.users.ids.tolist(), ratings.items.ids.tolist()


def facts(inputs: TrainingInputs) -> list[Any]:
    """All that training and what comes after it take of the inputs."""
    splits, seen = inputs.splits, inputs.seen
    parts: list[Any] = [of_rows(part) for part in (splits.train, splits.valid, splits.test, splits.unknown)]
    parts.append(None if splits.unknown_part is None else splits.unknown_part.tolist())
    counts = [seen.user_counts.tolist(), seen.item_counts.tolist(), inputs.scale, seen.n_rated]
    by_user = [np.asarray(column).tobytes() for column in inputs.seen_by_user]
    return [*parts, *counts, *by_user, inputs.fingerprints, inputs.catalogue.titles]


def read(config: Config, communicator: Communicator, events: list[Event] | None = None) -> TrainingInputs:
    """On rank 0 with events, as `train` does."""
    with communicator.shared_errors():
        observe = silent if events is None or communicator.rank else events.append
        return prepare_inputs(config, observe, communicator, leaves_rows=True)[0]


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "windows": lambda text: text.replace("\n", "\r\n"),
    "text ids": lambda text: text.replace("\n", "\nü", 900),
    "some ids with .0": lambda text: text.replace("\n7,", "\n7.0,", 3),
    "a quoted header": lambda text: text.replace("userId", '"userId"'),
    "a quoted row": lambda text: text.replace("\n7,", '\n"7",', 1),
    "few rows": lambda text: "".join(text.splitlines(keepends=True)[:12]),
}


@pytest.mark.parametrize("form", FORMS)
def test_ranks_have_the_inputs_of_one_process(small: Small, ratings_csv: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(FORMS[form](ratings_csv.read_text()), newline="")
    config = small(
        training={"method": "sgd"}, data={"ratings": str(path), "items": str(ratings_csv.with_name("movies.csv"))}
    )
    alone, events = read(config, ALONE), list[Event]()

    def work(communicator: Communicator) -> tuple[list[Any], int]:
        inputs = read(config, communicator, events)
        assert inputs.division is not None
        return facts(inputs), len(inputs.train.rating.own)

    results: list[Any] = on_ranks(SIZE, work)
    assert [found for found, _ in results] == [facts(alone)] * SIZE
    assert max(n for _, n in results) < 0.6 * len(alone.train)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert bool([text for text in notes if "cannot be cut" in text]) == (form == "a quoted row")


FEW_TIMES = re.compile(r"(?<=,)(1\d{7})\d\d$", re.MULTILINE)
NEW = {"valid_fraction": 0.1, "test_fraction": 0.3}


@pytest.mark.parametrize(
    ("how", "forms"),
    [
        ({"method": "user_random"}, []),
        ({"method": "time"}, []),
        ({"method": "user_time", "test_fraction": 0}, ["windows"]),
        ({"method": "leave_last"}, ["text ids"]),
        ({"method": "new_items", **NEW}, []),
        ({"method": "new_users", **NEW}, ["few rows"]),
        ({"method": "fold", "fold": 2, "n_folds": 7}, []),
    ],
    ids=lambda value: value["method"] if isinstance(value, dict) else "",
)
def test_each_split_of_ranks_is_that_of_one_process(
    small: Small, ratings_csv: Path, tmp_path: Path, how: dict[str, Any], forms: list[str]
) -> None:
    text = FEW_TIMES.sub(r"\g<1>00", ratings_csv.read_text())
    for form in forms:
        text = FORMS[form](text)
    (tmp_path / "r.csv").write_text(text, newline="")
    config = small(training={"method": "sgd"}, data={"ratings": str(tmp_path / "r.csv")}, split=how)
    assert divided_facts(config) == [facts(read(config, ALONE))] * SIZE


def divided_facts(config: Config) -> list[Any]:
    """Those of ranks, none of which may have read all."""

    def work(communicator: Communicator) -> list[Any]:
        inputs = read(config, communicator)
        assert inputs.division is not None
        return facts(inputs)

    return on_ranks(SIZE, work)


@pytest.mark.parametrize(
    "data",
    [
        {"duplicates": "last"},
        {"duplicates": "first"},
        {"duplicates": "newest"},
        {"duplicates": "newest", "no_rating": [0.5, 5], "no_rating_rows": "drop"},
    ],
    ids=str,
)
def test_ranks_leave_out_the_rows_of_one_process(
    small: Small, ratings_csv: Path, tmp_path: Path, data: dict[str, Any]
) -> None:
    header, *rows = ratings_csv.read_text().splitlines(keepends=True)
    again = [re.sub(r",[\d.]+,1", f",{number % 5},{1 + number % 3}", row) for number, row in enumerate(rows[::3])]
    (tmp_path / "r.csv").write_text(header + "".join(rows + again + again[::2]))
    config = small(training={"method": "sgd"}, data={"ratings": str(tmp_path / "r.csv"), **data})
    alone = read(config, ALONE)
    assert len(alone.train) < 900
    assert divided_facts(config) == [facts(alone)] * SIZE


@pytest.mark.parametrize("parts", [["train", "test"], ["train", "valid"], ["train", "valid", "test"]], ids=" ".join)
@pytest.mark.parametrize("duplicates", ["error", "newest"])
def test_ranks_divide_the_rows_of_files_that_are_split(
    small: Small, ratings_csv: Path, tmp_path: Path, parts: list[str], duplicates: str
) -> None:
    header, *rows = ratings_csv.read_text().splitlines(keepends=True)
    for number, part in enumerate(parts):
        own = rows[number :: len(parts)]
        again = rows[:40] if duplicates == "newest" and number else []  # which train or another part has too
        (tmp_path / f"{part}.csv").write_text(header + "".join([*own, *(row for row in again if row not in own)]))
    files = {part: str(tmp_path / f"{part}.csv") for part in parts}
    data = {"ratings": None, **files, "duplicates": duplicates}
    config = small(training={"method": "sgd"}, data=data, split={"method": "user_time"})
    alone = read(config, ALONE)
    assert set(alone.fingerprints) == set(parts)
    assert divided_facts(config) == [facts(alone)] * SIZE


@pytest.mark.parametrize(
    "times",
    [
        lambda n: [1_000_000_000_000 + 1000 * number for number in range(n)],
        lambda n: [20200101 + number % 28 for number in range(n)],
        lambda n: [1990 + number % 20 for number in range(n)],
        lambda n: [*range(1990, 2010), *range(n - 20)],  # the first rank might take them for years
        lambda n: [40000 + number % 100 for number in range(n)],
        lambda n: [0] * (n // 3) + [1_000_000_000_000 + number for number in range(n - n // 3)],
    ],
    ids=["milliseconds", "dates", "years", "no years", "days", "the first ones are 0"],
)
def test_ranks_find_the_unit_of_times_together(small: Small, tmp_path: Path, times: Callable[[int], list[int]]) -> None:
    rows = [f"{number % 7},{number // 7},{1 + number % 4},{time}\n" for number, time in enumerate(times(70))]
    (tmp_path / "r.csv").write_text(HEADER + "".join(rows))
    config = small(training={"method": "sgd"}, data={"ratings": str(tmp_path / "r.csv")}, split={"method": "user_time"})
    assert divided_facts(config) == [facts(read(config, ALONE))] * SIZE


@pytest.mark.parametrize("rows_of_group", [100, 900])
def test_row_groups_are_shared_out(small: Small, ratings_csv: Path, tmp_path: Path, rows_of_group: int) -> None:
    path = tmp_path / "r.parquet"
    parquet.write_table(csv.read_csv(ratings_csv), path, row_group_size=rows_of_group)
    config = small(training={"method": "sgd"}, data={"ratings": str(path)})
    expected, events = facts(read(config, ALONE)), list[Event]()
    assert on_ranks(SIZE, lambda communicator: facts(read(config, communicator, events))) == [expected] * SIZE
    assert bool([event for event in events if isinstance(event, Note)]) == (rows_of_group == 900)


@pytest.mark.parametrize("n_side", [1, 4])
def test_divided_ratings_are_sorted_to_the_blocks_of_one_process(small: Small, n_side: int) -> None:
    config = small(training={"method": "sgd"})
    how: dict[str, Any] = {"n_side": n_side, "dim": 4, "seed": 5, "n_threads": 2}
    train = read(config, ALONE).train

    def work(communicator: Communicator) -> list[Any]:
        own, ranks = read(config, communicator).train, owners(n_side, SIZE)
        blocks = sort_divided(own, own.scale, **how, rank_of_range=ranks, communicator=communicator)
        whole = sort_into_blocks(train, train.scale, **how, is_wanted=ranks == communicator.rank)
        return [np.array_equal(getattr(blocks, name), getattr(whole, name)) for name in vars(whole)]

    assert on_ranks(SIZE, work) == [[True] * 6] * SIZE


WRONG = {
    "a pair twice": "1,2,3,1\n1,3,4,1\n2,2,3,1\n1,2,4,1\n",
    "ids in scientific notation": "1,2,3,1\n1,3,4,1\n2.5E+18,2,3,1\n2,9,4,1\n",
    "a single user": "1,2,3,1\n1,3,4,1\n1,4,2,1\n1,9,4,1\n",
    "equal ratings": "1,2,3,1\n1,3,3,1\n2,2,3,1\n2,9,3,1\n",
    "too large ratings": "1,2,3,1\n1,3,4,1\n2,2,3e16,1\n2,9,4,1\n",
    "no rows": "",
    "a word for a rating": "1,2,3,1\n1,3,4,1\n2,2,3,1\n2,9,bad,1\n",
    "too few to hold some out": "1,2,3,1\n2,3,4,1\n",
}
TIMED: dict[str, tuple[str, dict[str, Any]]] = {
    "a time in no unit": ("1,2,3,9\n1,3,4,9\n2,2,3,9999999999\n2,9,4,9\n", {}),
    "no times": ("1,2,3,1\n1,3,4,1\n2,2,3,1\n2,9,4,1\n", {"data": {"columns": {"timestamp": False}}}),
    "users of one row": ("1,2,3,1\n2,3,4,1\n3,2,3,1\n4,9,4,1\n", {"split": {"method": "leave_last"}}),
    "few users": ("1,2,3,1\n1,3,4,1\n2,2,3,1\n2,9,4,1\n", {"split": {"method": "new_users"}}),
    "more folds than rows": (
        "1,2,3,1\n1,3,4,1\n2,2,3,1\n",
        {"split": {"method": "fold", "fold": 1, "n_folds": 4, "valid_fraction": 0}},
    ),
    "equal ratings of those that are kept": (
        "1,2,3,1\n1,2,4,2\n2,2,4,1\n2,9,4,1\n",
        {"data": {"duplicates": "newest"}},
    ),
    "no ratings that are kept": (
        "1,2,9,1\n1,2,9,2\n2,2,9,1\n2,9,9,1\n",
        {"data": {"no_rating": [9], "no_rating_rows": "drop"}},
    ),
}


@pytest.mark.parametrize("wrong", [*WRONG, *TIMED])
def test_what_is_wrong_is_said_as_by_one_process(small: Small, tmp_path: Path, wrong: str) -> None:
    rows, sections = TIMED[wrong] if wrong in TIMED else (WRONG[wrong], {})
    (tmp_path / "r.csv").write_text(HEADER + rows)
    data = {"ratings": str(tmp_path / "r.csv"), **sections.get("data", {})}
    split = {"method": "user_time"} if wrong in TIMED else {}
    config = small(training={"method": "sgd"}, data=data, split=sections.get("split", split))
    with pytest.raises(RecsysError) as alone:
        read(config, ALONE)
    for error in on_ranks(SIZE, lambda communicator: read(config, communicator)):
        assert isinstance(error, RecsysError)
        assert (error.what, error.where, error.hint) == (alone.value.what, alone.value.where, alone.value.hint)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (
            (HEADER + "1,2,3,1\n1,3,,1\n2,2,3,1\n2,9,4,1\n").encode(),
            "every rank holds all ratings: rows have no ratings",
        ),
        (gzip.compress((HEADER + "1,2,3,1\n1,3,4,1\n2,2,3,1\n2,9,4,1\n").encode()), "cannot be cut"),
    ],
    ids=["unrated", "compressed"],
)
def test_what_ranks_cannot_read_in_parts_is_noted(small: Small, tmp_path: Path, content: bytes, note: str) -> None:
    (tmp_path / "r.csv").write_bytes(content)
    held_out = {"valid_fraction": 0, "test_fraction": 0.3}
    data = {"ratings": str(tmp_path / "r.csv"), "no_rating": [""]}
    config = small(training={"method": "sgd"}, data=data, split=held_out)
    events, expected = list[Event](), facts(read(config, ALONE))
    assert on_ranks(2, lambda communicator: facts(read(config, communicator, events))) == [expected] * 2
    [said] = [event.text for event in events if isinstance(event, Note)]
    assert note in said


@pytest.mark.parametrize(
    ("sections", "why"),
    [
        ({}, None),
        ({"split": {"method": "random", "valid_fraction": 0, "test_fraction": 0}}, None),
        ({"split": {"method": "time"}}, None),
        ({"data": {"duplicates": "last"}}, None),
        ({"training": {"method": "gibbs"}}, "gibbs needs all of them at once"),
        ({"ranking": {"embedding_dim": 4}}, "ials needs all of them at once"),
        (
            {"training": {"method": "adamw"}, "ranking": {"embedding_dim": 4}},
            "adamw and ials need all of them at once",
        ),
        ({"refit": True}, "a refit trains on what was held out too"),
    ],
)
def test_what_takes_all_rows_on_every_rank_is_known_before(small: Small, sections: Any, why: str | None) -> None:
    assert why_whole(small(**{"training": {"method": "sgd"}, **sections})) == why


@pytest.mark.parametrize(
    ("sections", "why"),
    [({}, "they are in memory already"), ({"refit": True}, "a refit trains on what was held out too")],
)
def test_ranks_say_why_they_hold_all_of_what_they_are_given(small: Small, sections: Any, why: str) -> None:
    config = small(training={"method": "sgd"}, **sections)
    data, events = read_ratings(config.data, ALONE, uses_times=False), list[Event]()

    def work(communicator: Communicator) -> list[Any]:
        observe = silent if communicator.rank else events.append
        return facts(prepare_inputs(config, observe, communicator, data, leaves_rows=True)[0])

    assert on_ranks(2, work) == [facts(prepare_inputs(config, silent, ALONE, data)[0])] * 2
    assert [event.text for event in events if isinstance(event, Note)] == [f"every rank holds all ratings: {why}"]
