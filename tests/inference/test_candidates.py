"""What is recommended: nothing that a user has rated anywhere, and only what the filters leave."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from recsys.api.batch import recommend_all
from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.metrics import read_metrics
from recsys.config.schema.config import Config
from recsys.core.errors import UsageError
from recsys.data.interactions import HeldOut
from recsys.data.vocabulary import UNKNOWN
from recsys.inference.candidates import ItemFilter, RatedPairs
from recsys.inference.recommender import Recommender
from recsys.reporting.example_user import example_user
from recsys.workflows.train import train

EVERYTHING = 1_000


@pytest.fixture(scope="module")
def genres(small: Callable[..., Config], ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """A run whose items file has a genre and a length; item 101 has neither."""
    folder = tmp_path_factory.mktemp("genres")
    rows = "".join(
        f"{item},Film {item},{'' if item == 101 else 'Comedy' if item % 2 else 'Comedy|War'},"
        f"{'' if item == 101 else item}\n"
        for item in range(100, 150)
    )
    (folder / "items.csv").write_text("movieId,title,genres,minutes\n" + rows)
    train(small(data={"items": str(folder / "items.csv")}, training={"n_epochs": 1}), folder / "run")
    return Recommender.open(folder / "run")


@pytest.fixture(scope="module")
def child(small: Callable[..., Config], finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A run that goes on from one that goes on from `finished`, each on ratings of its own."""
    folder, run = tmp_path_factory.mktemp("child"), finished
    for number in (1, 2):
        rows = "".join(f"{user},{200 + 2 * number + user % 2},{1 + user % 5},{2e9 + user:.0f}\n" for user in range(20))
        (folder / f"{number}.csv").write_text("userId,movieId,rating,timestamp\n" + rows)
        config = small(
            data={"ratings": str(folder / f"{number}.csv")}, start={"run": str(run)}, training={"n_epochs": 1}
        )
        run = folder / f"run{number}"
        train(config, run)
    return open_bundle(run)


def rated_in_file(path: Path) -> set[tuple[int, int]]:
    with path.open(newline="") as file:
        return {(int(row["userId"]), int(row["movieId"])) for row in csv.DictReader(file)}


def recommended(bundle: Bundle, path: Path, **options: Any) -> set[tuple[int, int]]:
    recommend_all(Recommender(bundle), path, EVERYTHING, **options)
    with path.open(newline="") as file:
        return {(int(row["user_id"]), int(row["item_id"])) for row in csv.DictReader(file)}


def test_nothing_that_a_user_has_rated_in_any_part_is_recommended(
    numbers: Recommender, ratings_csv: Path, tmp_path: Path
) -> None:
    bundle, rated = numbers.bundle, rated_in_file(ratings_csv)
    users, items = bundle.users.ids.tolist(), bundle.items.ids.tolist()
    expected = {(user, item) for user in users for item in items} - rated
    assert recommended(bundle, tmp_path / "all.csv") == expected
    assert {(user, item.item_id) for user in users for item in numbers.recommend(user, EVERYTHING)} == expected
    example = example_user(bundle)
    assert not rated & {(int(example["id"]), int(item["id"])) for item in example["recommended"]}


def test_held_out_ratings_are_listed_where_lists_are_to_be_measured(numbers: Recommender, tmp_path: Path) -> None:
    bundle = numbers.bundle
    rows, item_idx = RatedPairs.of(bundle, held_out=False).pairs(np.arange(len(bundle.users), dtype=np.int32))
    trained = set(zip(bundle.users.ids[rows].tolist(), bundle.items.ids[item_idx].tolist(), strict=True))
    everything = {(user, item) for user in bundle.users.ids.tolist() for item in bundle.items.ids.tolist()}
    assert recommended(bundle, tmp_path / "all.csv", include_held_out=True) == everything - trained


def test_ratings_of_all_earlier_runs_are_not_recommended(
    child: Bundle, numbers: Recommender, ratings_csv: Path, tmp_path: Path
) -> None:
    known = set(numbers.bundle.items.ids.tolist())
    rated = {pair for pair in rated_in_file(ratings_csv) if pair[1] in known}
    assert not rated & recommended(child, tmp_path / "all.csv")
    held_out = {part: child.held_out(part) for part in get_args(HeldOut)}
    first = {part: numbers.bundle.held_out(part) for part in get_args(HeldOut)}
    assert len(held_out["earlier_valid"] or ()) > len(first["valid"] or ()) > 0
    assert first["earlier_valid"] is None


def test_held_out_pairs_that_an_earlier_run_did_not_know_are_not_recommended(
    small: Callable[..., Config], tmp_path: Path
) -> None:
    """Item 900 is in the parent's test alone, by users of whom one is there alone too, and becomes known later."""
    train_rows = [(user, item, 1 + (user + item) % 5) for user in range(8) for item in range(6) if user != item]
    files = {
        "train": train_rows,
        "test": [(0, 900, 5), (1, 1, 3), (70, 900, 4), (70, 2, 1)],
        "first": [(2, 900, 4), (3, 900, 2), (2, 901, 3), (70, 0, 3)],
        "second": [(4, 900, 4), (5, 901, 1)],
    }
    for name, rows in files.items():
        text = "".join(f"{user},{item},{rating}\n" for user, item, rating in rows)
        (tmp_path / f"{name}.csv").write_text("userId,movieId,rating\n" + text)
    split, unsplit = {"valid_fraction": 0}, {"valid_fraction": 0, "test_fraction": 0}
    data = {"ratings": None, "train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")}
    train(small(data=data, split=split, training={"n_epochs": 1}), tmp_path / "parent")
    parent = open_bundle(tmp_path / "parent")
    assert parent.unknown_pairs is not None
    assert parent.unknown_pairs.items.ids.tolist() == [2, 900]
    assert parent.unknown_pairs.users.ids.tolist() == [0, 70]
    stranger = Recommender(parent).recommend(70, EVERYTHING, on_unknown="mean")
    assert {item.item_id for item in stranger} == set(parent.items.ids.tolist()) - {2}
    run = tmp_path / "parent"
    for name in ("first", "second"):
        config = small(
            data={"ratings": str(tmp_path / f"{name}.csv")},
            split=unsplit,
            start={"run": str(run)},
            training={"n_epochs": 1},
        )
        run = tmp_path / f"run-{name}"
        train(config, run)
        listed = recommended(open_bundle(run), tmp_path / "all.csv")
        assert not {(0, 900), (70, 900), (70, 2), (1, 1)} & listed
        assert {(6, 900), (7, 900)} <= listed


def test_unknown_users_and_items_of_held_out_ratings_mask_nothing(numbers: Recommender) -> None:
    bundle = numbers.bundle
    parts = [bundle.held_out("valid"), bundle.held_out("test")]
    n_known = sum(((part.user_idx != UNKNOWN) & (part.item_idx != UNKNOWN)).sum() for part in parts if part)
    assert len(bundle.held_out_by_user.other_idx) == n_known > 0


def test_filters_on_columns_hold_together_for_users_visitors_and_all(genres: Recommender, tmp_path: Path) -> None:
    where = ["genres=War", "minutes>=110", "minutes<140", "title!=Film 120"]
    expected = {item for item in range(110, 140, 2) if item != 120}
    for listed in (
        genres.recommend(0, EVERYTHING, where=where),
        genres.recommend_for([100, 103], [5, 1], EVERYTHING, where=where),
    ):
        assert {item.item_id for item in listed} <= expected
        assert listed
    assert {item for _, item in recommended(genres.bundle, tmp_path / "all.csv", where=where)} == expected
    assert genres.recommend(0, EVERYTHING, where="genres=War") == genres.recommend(0, EVERYTHING, where=["genres=War"])


def test_a_column_that_the_items_do_not_have_is_refused_before_anything_else(
    genres: Recommender, numbers: Recommender
) -> None:
    with pytest.raises(UsageError, match="'genre'"):
        genres.recommend(0, where="genre=War")
    with pytest.raises(UsageError, match="'genres'") as caught:
        numbers.recommend(0, where="genres=War")
    assert caught.value.expected == "title"


def test_excluded_items_are_left_out_and_unknown_ids_ignored(genres: Recommender, tmp_path: Path) -> None:
    items = [item.item_id for item in genres.recommend(0, EVERYTHING)]
    exclude = [items[0], str(items[2]), 9_999, "no id"]
    left = [item for at, item in enumerate(items) if at not in (0, 2)]
    assert [item.item_id for item in genres.recommend(0, EVERYTHING, exclude=exclude)] == left
    everywhere = recommended(genres.bundle, tmp_path / "all.csv", exclude=exclude)
    assert not {items[0], items[2]} & {item for _, item in everywhere}
    visitor = genres.recommend_for([items[5]], [5], EVERYTHING, exclude=exclude)
    assert not {items[0], items[2]} & {item.item_id for item in visitor}


def test_what_is_left_out_is_counted_by_the_first_filter_that_does_so(genres: Recommender) -> None:
    filters = ItemFilter(0, [100, 101, 102, 104], [102], "genres=War")
    counts = genres.ruled_out(0, filters)
    listed = genres.recommend(0, EVERYTHING, candidates=filters.candidates, exclude=[102], where="genres=War")
    n_items = len(genres.bundle.items)
    assert counts == {
        "min_ratings": 0,
        "candidates": n_items - 4,
        "exclude": 1,
        "where": 1,
        "already_rated": 2 - len(listed),
    }
    assert genres.ruled_out_for([100, 104], filters)["already_rated"] == 2


def test_lists_with_held_out_items_have_the_ndcg_that_train_printed(finished_ranked: Path, tmp_path: Path) -> None:
    bundle = open_bundle(finished_ranked)
    recommend_all(Recommender(bundle), tmp_path / "all.csv", 10, include_held_out=True)
    lists: dict[int, list[int]] = {}
    with (tmp_path / "all.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            lists.setdefault(int(row["user_id"]), []).append(int(row["item_id"]))
    test = bundle.held_out("test")
    assert test is not None
    gains = 1 / np.log2(np.arange(10) + 2)
    ndcg = []
    for user_idx in np.unique(test.user_idx[test.user_idx != UNKNOWN]).tolist():
        relevant = set(bundle.items.ids_at(test.item_idx[test.user_idx == user_idx]).tolist())
        hits = np.array([item in relevant for item in lists[bundle.users.ids[user_idx]]])
        ndcg.append((hits @ gains) / gains[: min(10, len(relevant))].sum())
    metrics = read_metrics(finished_ranked)
    assert metrics is not None
    assert np.mean(ndcg) == pytest.approx(metrics["ranking"]["test"]["ndcg@10"])
