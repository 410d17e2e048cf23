"""Workflows on several ranks: each reads and measures its share, and the first alone writes and reports."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts import fit_record
from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import ConfigError, DataError, RunError, UsageError
from recsys.core.events import Note, silent
from recsys.data.interactions import Dataset
from recsys.data.read import read_ratings
from recsys.data.sources.csv import source
from recsys.evaluation.metrics import errors, errors_on_first
from recsys.workflows.evaluate import evaluate_ratings, ratings_to_measure
from recsys.workflows.inputs import from_scratch
from recsys.workflows.train import train
from tests.ranks import on_ranks

Small = Callable[..., Config]
Content = Callable[[Path], dict[str, Any]]


@pytest.fixture(autouse=True)
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow machines write no more checkpoints than fast ones."""
    monkeypatch.setattr(fit_record, "AUTO_SECONDS", math.inf)


def columns_of(dataset: Dataset) -> list[Any]:
    ratings = dataset.ratings
    times = None if ratings.timestamp is None else ratings.timestamp.tobytes()
    columns = [array.tobytes() for array in (ratings.user_idx, ratings.item_idx, ratings.rating)]
    return [*columns, times, ratings.users.ids.tolist(), ratings.items.ids.tolist(), dataset.fingerprints]


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("form", ["plain", "quoted", "parts", "text ids"])
def test_every_rank_gets_all_ratings_and_reads_a_part(
    small: Small, ratings_csv: Path, tmp_path: Path, size: int, form: str
) -> None:
    text = ratings_csv.read_text()
    if form == "quoted":
        text = text.replace("userId", '"userId"')
    if form == "text ids":
        text = text.replace("\n", "\nü", 900)
    (tmp_path / "a.csv").write_text(text)
    header, *rows = text.splitlines(keepends=True)
    (tmp_path / "b.csv").write_text(header + "".join(rows[:40]).replace(",1", ",2"))
    files = {"train": tmp_path / "a.csv", "test": tmp_path / "b.csv"}
    data = small(data={"ratings": str(tmp_path / "a.csv")}).data.model_copy(
        update={"ratings": None, **files} if form == "parts" else {}
    )
    whole = columns_of(read_ratings(data, ALONE))
    datasets = on_ranks(size, lambda communicator: columns_of(read_ratings(data, communicator)))
    assert datasets == [whole] * size


@pytest.mark.parametrize("line", [52, 4])
@pytest.mark.parametrize("reads_all", [True, False])
def test_the_first_wrong_row_is_raised_on_every_rank(
    small: Small, tmp_path: Path, line: int, *, reads_all: bool
) -> None:
    rows = [f"{number},2,3\n" for number in range(50)] + ["1,2,bad\n"]
    rows[line - 2] = "1,2,wrong\n"  # where this one is the first, both ranks have one
    (tmp_path / "r.csv").write_text("user,item,rating\n" + "".join(rows))
    config = small(training={"method": "sgd"}, data={"ratings": str(tmp_path / "r.csv")})

    def work(communicator: Communicator) -> None:
        with communicator.shared_errors():
            from_scratch(config, silent, communicator, leaves_rows=not reads_all)

    for error in on_ranks(2, work):
        assert isinstance(error, DataError)
        assert error.where == f"{tmp_path / 'r.csv'}:{line}: column rating"


def test_a_header_alone_is_refused_on_every_rank(small: Small, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating\n")
    config = small(data={"ratings": str(tmp_path / "r.csv")})

    def work(communicator: Communicator) -> None:
        with communicator.shared_errors():
            read_ratings(config.data, communicator)

    for error in on_ranks(2, work):
        assert isinstance(error, DataError)
        assert error.what == "there is a header and nothing below it"


@pytest.mark.parametrize("size", [1, 2, 3])
def test_errors_are_shared_out_and_gathered(finished: Path, size: int) -> None:
    bundle = open_bundle(finished)
    ratings = ratings_to_measure(bundle)
    n_rated: list[int] = []

    class Counting:
        def rate(self, user_idx: Any, item_idx: Any, timestamp: Any = None) -> Any:
            n_rated.append(len(user_idx))
            return bundle.scorer("rating").rate(user_idx, item_idx, timestamp)

    first, *others = on_ranks(size, lambda communicator: errors_on_first(Counting(), ratings, communicator))  # type: ignore[arg-type]
    np.testing.assert_array_equal(first, errors(bundle.scorer("rating"), ratings))
    assert others == [None] * (size - 1)
    assert sum(n_rated) == len(ratings)


def test_a_run_is_measured_alike_on_every_rank(finished: Path, ratings_csv: Path) -> None:
    bundle = open_bundle(finished)

    def work(communicator: Communicator) -> dict[str, Any]:
        ratings = ratings_to_measure(bundle, ratings_csv, communicator=communicator)
        return dict(evaluate_ratings(bundle, ratings, communicator=communicator))

    assert on_ranks(2, work) == on_ranks(1, work) * 2


@pytest.mark.parametrize(("method", "kind"), [("sgd", "svdpp"), ("adamw", "dot_product")])
def test_a_method_of_one_process_is_refused_before_anything_is_read(
    small: Small, tmp_path: Path, method: str, kind: str
) -> None:
    data = {"ratings": str(tmp_path / "not there.csv")}
    config = small(training={"method": method}, model={"kind": kind, "embedding_dim": 4}, data=data)
    for error in on_ranks(2, lambda communicator: train(config, tmp_path / "run", communicator=communicator)):
        assert isinstance(error, ConfigError)
        assert error.what == f"{method} fits {kind} in one process, and there are 2"
    assert not (tmp_path / "run").exists()


def test_the_first_rank_writes_the_run_and_reports(small: Small, content: Content, tmp_path: Path) -> None:
    config = small(training={"method": "sgd"})
    alone = train(config, tmp_path / "a" / "run")
    events: list[list[object]] = [[], []]

    def work(communicator: Communicator) -> Any:
        observe = events[communicator.rank].append
        return train(config, tmp_path / "b" / "run", observe=observe, communicator=communicator)

    results: list[Any] = on_ranks(2, work)
    assert content(tmp_path / "a" / "run") == content(tmp_path / "b" / "run")
    assert [result["test"] for result in results] == [alone["test"]] * 2
    assert events[0]
    assert not events[1]
    history = (tmp_path / "b" / "run" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in history] == [1, 2, 3, 4]


RANKING = {"embedding_dim": 4, "n_epochs": 3}
SECTIONS: dict[str, dict[str, Any]] = {
    "sgd alone": {"training": {"method": "sgd", "keep": "best"}},
    "sgd, nothing held out": {"training": {"method": "sgd"}, "split": {"valid_fraction": 0, "test_fraction": 0}},
    "gibbs": {"training": {"method": "gibbs"}},
    "gibbs, tobit": {"training": {"method": "gibbs", "likelihood": "tobit"}},
    "gibbs, drift": {"training": {"method": "gibbs"}, "model": {"user_drift": True}},
    "gibbs, flipped svdpp": {"training": {"method": "gibbs"}, "model": {"kind": "svdpp", "flipped": True}},
    "sgd, the best epoch, and ials": {
        "training": {"method": "sgd", "keep": "best", "n_epochs": 8, "lr_max": 0.2},
        "ranking": RANKING,
    },
    "sgd and ials": {"training": {"method": "sgd"}, "ranking": RANKING},
    "ials chosen by pilot fits": {"training": {"method": "sgd"}, "ranking": {"n_epochs": 2}},
}


@pytest.mark.parametrize("size", [3, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SECTIONS)
def test_each_method_has_the_bits_of_one_process(
    small: Small, content: Content, tmp_path: Path, name: str, size: int
) -> None:
    config = small(**SECTIONS[name])
    train(config, tmp_path / "1" / "run")
    folder = tmp_path / str(size) / "run"
    results = on_ranks(size, lambda ranks: train(config, folder, communicator=ranks))
    assert not [result for result in results if isinstance(result, BaseException)]
    assert content(folder) == content(tmp_path / "1" / "run")


@pytest.mark.parametrize("features_for", ["all", "new"])
def test_ranks_that_divide_the_rows_learn_from_features(
    small: Small, content: Content, ratings_csv: Path, tmp_path: Path, features_for: str
) -> None:
    items = "".join(f"{item},{'ab'[item % 2]},{item % 7}\n" for item in range(100, 160))
    users = "".join(f"{user},{'xyz'[user % 3]}\n" for user in range(-5, 35))
    (tmp_path / "items.csv").write_text("movieId,genre,number\n" + items)
    (tmp_path / "users.csv").write_text("userId,town\n" + users)
    config = small(
        training={"method": "sgd"},
        split={"method": "user_time"},
        data={
            "item_features": str(tmp_path / "items.csv"),
            "user_features": str(tmp_path / "users.csv"),
            "features_for": features_for,
        },
    )
    train(config, tmp_path / "1" / "run")
    notes, folder = list[str](), tmp_path / "3" / "run"

    def observe(event: object) -> None:
        notes.extend([event.text] if isinstance(event, Note) else [])

    results = on_ranks(3, lambda ranks: train(config, folder, communicator=ranks, observe=observe))
    assert not [result for result in results if isinstance(result, BaseException)]
    assert content(folder) == content(tmp_path / "1" / "run")
    assert not [text for text in notes if "every rank holds" in text]


@pytest.mark.parametrize("method", ["sgd", "gibbs"])
def test_a_run_goes_on_with_another_number_of_ranks(
    small: Small, content: Content, interrupted: Callable[..., None], tmp_path: Path, method: str
) -> None:
    config = small(training={"method": method}, ranking=RANKING)
    train(config, tmp_path / "a" / "run")
    folder = tmp_path / "b" / "run"
    interrupted(config, folder, after=2)
    results = on_ranks(3, lambda communicator: train(config, folder, resume=True, communicator=communicator))
    assert not [result for result in results if isinstance(result, BaseException)]
    assert content(tmp_path / "a" / "run") == content(folder)


def test_a_run_that_starts_from_another_has_the_bits_of_one_process(
    small: Small, content: Content, ratings_csv: Path, tmp_path: Path
) -> None:
    first = small(training={"method": "sgd"})
    train(first, tmp_path / "first")
    header, *rows = ratings_csv.read_text().splitlines(keepends=True)
    new = [f"{1000 + number % 7},{row.partition(',')[2]}" for number, row in enumerate(rows[:200])]
    (tmp_path / "new.csv").write_text(header + "".join(dict.fromkeys(new)))
    config = small(
        training={"method": "sgd"},
        data={"ratings": str(tmp_path / "new.csv"), "duplicates": "newest"},
        start={"run": str(tmp_path / "first"), "hold_out_from": 20},
    )
    train(config, tmp_path / "1" / "run")
    results = on_ranks(3, lambda ranks: train(config, tmp_path / "3" / "run", communicator=ranks))
    assert not [result for result in results if isinstance(result, BaseException)]
    assert content(tmp_path / "3" / "run") == content(tmp_path / "1" / "run")


def test_ranks_resume_together(small: Small, content: Content, tmp_path: Path) -> None:
    config = small(training={"method": "sgd"})
    train(config, tmp_path / "a" / "run")

    class StopError(Exception):
        pass

    def stop(event: Any) -> None:
        if getattr(event, "number", None) == 2:
            raise StopError

    folder = tmp_path / "b" / "run"
    stopped = on_ranks(2, lambda communicator: train(config, folder, observe=stop, communicator=communicator))
    assert [type(error) for error in stopped] == [StopError] * 2
    resumed = on_ranks(2, lambda communicator: train(config, folder, resume=True, communicator=communicator))
    assert not any(isinstance(result, BaseException) for result in resumed)
    assert content(tmp_path / "a" / "run") == content(folder)


@pytest.mark.parametrize("ranking", ["none", RANKING], ids=["read in parts", "read whole"])
@pytest.mark.parametrize("differs", ["training.lr_max", "the sha256 of data.ratings"])
def test_ranks_that_would_train_something_else_are_refused(
    small: Small, ratings_csv: Path, tmp_path: Path, differs: str, ranking: Any
) -> None:
    other_csv = tmp_path / "other.csv"
    other_csv.write_text(ratings_csv.read_text() + "1,999999,3,1\n")
    how: dict[str, Any] = {"training": {"method": "sgd"}, "ranking": ranking}
    other = {"training": {"lr_max": 0.1}} if differs == "training.lr_max" else {"data": {"ratings": str(other_csv)}}
    configs = small(**how), small(**{**how, **other, "training": {**how["training"], **other.get("training", {})}})

    def work(communicator: Communicator) -> Any:
        return train(configs[communicator.rank], tmp_path / "run", communicator=communicator)

    for error in on_ranks(2, work):
        assert isinstance(error, UsageError)
        assert error.what.startswith(f"the ranks differ in {differs}: ")
    assert not (tmp_path / "run").exists()


def test_hosts_that_do_not_share_the_folder_are_refused(
    small: Small, interrupted: Callable[..., None], tmp_path: Path
) -> None:
    config = small(training={"method": "sgd"})
    interrupted(config, tmp_path / "0" / "run", after=2)

    def work(communicator: Communicator) -> Any:
        return train(config, tmp_path / str(communicator.rank) / "run", resume=True, communicator=communicator)

    for error in on_ranks(2, work):
        assert isinstance(error, UsageError)
        assert (
            error.what == "the ranks differ in what they see of the run: no checkpoint on rank 1, epoch-0002 on rank 0"
        )


def test_a_folder_in_use_is_refused_on_every_rank(small: Small, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").write_text("mine")
    config = small(training={"method": "sgd"})
    for error in on_ranks(2, lambda communicator: train(config, tmp_path / "run", communicator=communicator)):
        assert isinstance(error, RunError)
        assert "in use already" in error.what


def test_each_rank_reads_its_part_of_a_file(small: Small, ratings_csv: Path) -> None:
    read: list[int] = []

    def work(communicator: Communicator) -> None:
        from_scratch(small(), silent, communicator)

    original = source.range_of

    def recorded(dialect: Any, part: int, n_parts: int) -> Any:
        span = original(dialect, part, n_parts)
        read.append(span.stop - span.start)
        return span

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "range_of", recorded)
        on_ranks(2, work)
    assert sum(read) == ratings_csv.stat().st_size
    assert max(read) < 0.6 * sum(read)
