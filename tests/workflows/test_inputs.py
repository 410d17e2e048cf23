from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recsys
from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.selected import selected_parameters
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.errors import ConfigError, DataError, OutOfMemoryError, RunError
from recsys.core.events import silent
from recsys.inference.recommender import Recommender
from recsys.workflows.inputs import from_scratch
from recsys.workflows.train import train
from recsys.workflows.update import finetune_config, update_config

Small = Callable[..., Config]
Content = Callable[[Path], dict[str, Any]]
METHODS = ["sgd", "adamw"]
NEW_USER, NEW_ITEM = 900, 999


@pytest.fixture(scope="module", params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def parent(small: Small, tmp_path_factory: pytest.TempPathFactory, method: str) -> Path:
    """A finished run. Read only."""
    folder = tmp_path_factory.mktemp(method) / "parent"
    train(small(training={"method": method}), folder)
    return folder


@pytest.fixture
def new(parent: Path, tmp_path: Path) -> Path:
    """Ratings by a new user, of a new item, one that the run was trained on, and one that nobody rated before."""
    bundle = open_bundle(parent)
    user, other = bundle.users.ids[:2].tolist()
    seen = bundle.items.ids[bundle.seen.of_user(0)[0]].tolist()
    unseen = [item_id for item_id in bundle.items.ids.tolist() if item_id not in seen]
    rows = [(user, seen[0], 1.5), (user, unseen[0], 4.5), (other, NEW_ITEM, 2.5)]
    rows += [(NEW_USER, item_id, 1 + item_id % 5) for item_id in unseen[:6]]
    path = tmp_path / "new.csv"
    path.write_text("userId,movieId,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in rows))
    return path


def started(small: Small, parent: Path, new: Path, method: str, start: Any = None, **training: Any) -> Config:
    return small(
        data={"ratings": str(new)},
        split={"valid_fraction": 0, "test_fraction": 0},
        training={"method": method, "n_epochs": 2, **training},
        start={"run": str(parent), **(start or {})},
    )


def served(bundle: Bundle) -> dict[tuple[int, int], float]:
    ratings = bundle.seen.interactions()
    ids = bundle.users.ids[ratings.user_idx], bundle.items.ids[ratings.item_idx], ratings.rating
    return {(int(user), int(item)): float(rating) for user, item, rating in zip(*ids, strict=True)}


def test_nothing_is_dropped_and_the_new_rating_of_a_pair_counts(
    small: Small, parent: Path, new: Path, method: str, tmp_path: Path
) -> None:
    metrics = train(started(small, parent, new, method), tmp_path / "child")
    before, after = open_bundle(parent), open_bundle(tmp_path / "child")
    new_rows = [line.split(",") for line in new.read_text().splitlines()[1:]]
    assert served(after) == {**served(before), **{(int(u), int(i)): float(r) for u, i, r in new_rows}}
    assert set(after.users.ids) == {*before.users.ids, NEW_USER}
    assert set(after.items.ids) == {*before.items.ids, NEW_ITEM}
    assert (metrics["start"]["n_new_users"], metrics["start"]["n_new_items"]) == (1, 1)
    assert metrics["start"]["n_replayed"] == 0
    assert metrics["train"]["n_ratings"] == len(new_rows)
    assert after.titles.tolist() == [*before.titles, ""]


def test_rows_without_new_ratings_keep_every_bit(
    small: Small, parent: Path, new: Path, method: str, tmp_path: Path
) -> None:
    train(started(small, parent, new, method), tmp_path / "child")
    before, after = open_bundle(parent), open_bundle(tmp_path / "child")
    old = selected_parameters(parent)[0]["rating"]
    now = selected_parameters(tmp_path / "child")[0]["rating"]
    rated = {int(line.split(",")[0]) for line in new.read_text().splitlines()[1:]}
    still = [user_id for user_id in before.users.ids.tolist() if user_id not in rated]
    for name in ("user_embedding", "user_bias"):
        kept, moved = now[name][after.users.index(still)], now[name][after.users.index(sorted(rated))]
        assert kept.tobytes() == old[name][before.users.index(still)].tobytes()
        was = old[name][before.users.index(sorted(rated - {NEW_USER}))]
        assert not np.isclose(moved[: len(was)], was, rtol=1e-6, atol=0).all(axis=-1).any()


def test_a_frozen_group_is_the_parents_to_the_bit(
    small: Small, parent: Path, new: Path, method: str, tmp_path: Path
) -> None:
    train(started(small, parent, new, method, freeze=["items"]), tmp_path / "child")
    known = open_bundle(tmp_path / "child").items.index(open_bundle(parent).items.ids)
    old = selected_parameters(parent)[0]["rating"]
    now = selected_parameters(tmp_path / "child")[0]["rating"]
    for name in ("item_embedding", "item_bias"):
        assert now[name][known].tobytes() == old[name].tobytes()


def test_a_fresh_row_begins_as_what_an_unknown_id_is_predicted_by(
    small: Small, parent: Path, new: Path, method: str, tmp_path: Path
) -> None:
    # A rate of next to nothing: what is served is what training began with.
    config = started(small, parent, new, method, lr_max=1e-30)
    train(config, tmp_path / "child")
    known = [item_id for item_id in (100, 101, 110) if item_id in open_bundle(parent).items.ids]
    unknown = [Recommender.open(parent).predict(NEW_USER, item_id, on_unknown="mean").rating for item_id in known]
    fresh = [Recommender.open(tmp_path / "child").predict(NEW_USER, item_id).rating for item_id in known]
    assert known
    assert fresh == pytest.approx(unknown, abs=0.05)


def test_replay_trains_on_a_share_of_the_old_ratings(
    small: Small, parent: Path, new: Path, method: str, tmp_path: Path
) -> None:
    n_old, n_new = len(open_bundle(parent).seen.interactions()), len(new.read_text().splitlines()) - 1
    counts = {}
    for replay in (0.5, 1.0):
        config = started(small, parent, new, method, start={"replay": replay, "repeat": 2})
        metrics = train(config, tmp_path / str(replay))
        counts[replay] = metrics["start"]["n_replayed"]
        assert metrics["train"]["n_ratings"] == n_new + counts[replay]
        assert len(served(open_bundle(tmp_path / str(replay)))) == n_old + n_new - 1
    assert counts[1.0] == n_old - 1
    assert 0.3 * n_old < counts[0.5] < 0.7 * n_old


@pytest.mark.parametrize("method", ["sgd"], indirect=True)
@pytest.mark.parametrize("replay", [0.0, 0.5, 1.0])
def test_biases_are_drawn_to_the_parents_unless_all_its_ratings_are_seen_again(
    small: Small, parent: Path, new: Path, method: str, tmp_path: Path, replay: float
) -> None:
    config = started(small, parent, new, method, start={"replay": replay}, bias_damping=1e9)
    train(config, tmp_path / "child")
    known = open_bundle(tmp_path / "child").items.index(open_bundle(parent).items.ids)
    old, now = (selected_parameters(run)[0]["rating"]["item_bias"] for run in (parent, tmp_path / "child"))
    assert np.abs(old).max() > 0.1
    assert now[known] == pytest.approx(old if replay < 1 else 0 * old, abs=0.02)


def test_an_interrupted_fine_tuning_ends_with_the_same_bits(
    small: Small,
    parent: Path,
    new: Path,
    method: str,
    tmp_path: Path,
    interrupted: Callable[..., None],
    content: Content,
) -> None:
    config = started(small, parent, new, method, start={"replay": 0.5, "repeat": 2}, n_epochs=4, checkpoint_every=1)
    train(config, tmp_path / "whole")
    interrupted(config, tmp_path / "cut", after=2)
    train(config, tmp_path / "cut", resume=True)
    whole, cut = content(tmp_path / "whole"), content(tmp_path / "cut")
    named = {name for name in whole if whole[name] != cut[name]}
    assert named == {"serving/serving.json"}  # it has the run's name


def test_update_says_how_good_the_run_was_before_and_after(parent: Path, ratings_csv: Path, tmp_path: Path) -> None:
    config = update_config(parent, ratings_csv, ["data.duplicates=last", "split.test_fraction=0.2"])
    metrics = train(config, tmp_path / "child")
    start = metrics["start"]
    assert start["before"]["old"].keys() == start["after"]["new"].keys()
    assert start["after"]["new"] == metrics["test"]
    held = open_bundle(tmp_path / "child").held_out("earlier")
    assert held is not None
    assert len(held) == start["after"]["old"]["n_ratings"]
    assert start["after"]["old"] != start["before"]["old"]


def test_what_an_earlier_run_was_measured_on_is_not_trained_on_and_measured(
    parent: Path, ratings_csv: Path, tmp_path: Path
) -> None:
    """The new file holds all ratings, those that the parent held out among them."""
    train(update_config(parent, ratings_csv, []), tmp_path / "child")
    bundle = open_bundle(tmp_path / "child")
    held, trained = bundle.held_out("earlier"), set(served(bundle))
    assert held is not None
    pairs = set(zip(bundle.users.ids[held.user_idx].tolist(), bundle.items.ids[held.item_idx].tolist(), strict=True))
    assert not pairs & trained


def test_held_out_ratings_that_the_run_has_learned_from_are_counted_and_not_replayed(
    parent: Path, ratings_csv: Path, tmp_path: Path
) -> None:
    """With the same seed the split is the same one, and what was held out still is."""
    metrics = train(update_config(parent, ratings_csv, ["seed=1"]), tmp_path / "child")
    bundle, before = open_bundle(tmp_path / "child"), served(open_bundle(parent))
    held = [part_ratings for part in ("valid", "test") if (part_ratings := bundle.held_out(part)) is not None]
    pairs = [
        pair
        for part_ratings in held
        for pair in zip(bundle.users.ids[part_ratings.user_idx], bundle.items.ids[part_ratings.item_idx], strict=True)
    ]
    again = sum((int(user), int(item)) in before for user, item in pairs)
    assert metrics["start"]["n_held_out_not_new"] == again > 100
    assert metrics["start"]["n_replayed"] + again <= len(before)
    assert set(served(bundle)) > set(before)


def test_an_update_of_an_update_is_as_light_as_the_first(parent: Path, new: Path, tmp_path: Path) -> None:
    first = update_config(parent, new, ["split={valid_fraction: 0, test_fraction: 0}"])
    train(first, tmp_path / "first")
    second = update_config(tmp_path / "first", new, [])
    assert first.start is not None
    assert second.start is not None
    assert second.training == first.training
    assert (second.start.replay, second.start.repeat) == (1.0, 2)
    assert second.start.run == tmp_path / "first"


def test_an_update_trains_less_than_the_run_did(parent: Path, new: Path, method: str) -> None:
    config = update_config(parent, new, [])
    trained = selected_parameters(parent)[1].training
    assert config.training.n_epochs == 1
    assert config.training.lr_max == pytest.approx(0.4 * trained["lr_max"])
    assert config.training.weight_decay == trained["weight_decay"]
    assert config.training.bias_weight_decay == trained["bias_weight_decay"]
    assert update_config(parent, new, ["training.n_epochs=3"]).training.n_epochs == 3


def test_another_model_is_refused(small: Small, parent: Path, new: Path, method: str, tmp_path: Path) -> None:
    config = started(small, parent, new, method)
    other = config.model_copy(update={"model": config.model.model_copy(update={"embedding_dim": 7})})
    with pytest.raises(ConfigError, match=r"model\.embedding_dim: \d+ → 7") as caught:
        train(other, tmp_path / "child")
    assert caught.value.hint is not None
    assert not (tmp_path / "child").exists()


def test_what_is_no_run_is_refused_by_name(small: Small, parent: Path, new: Path, method: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run"):
        train(started(small, tmp_path / "nowhere", new, method), tmp_path / "child")
    (tmp_path / "copy").symlink_to(parent / "serving")
    with pytest.raises(RunError, match="no checkpoint"):
        train(started(small, tmp_path / "copy", new, method), tmp_path / "child")


@pytest.mark.parametrize(("role", "row", "later"), [("user", "a1,100", "a0,100"), ("item", "1,B07", "1,A1")])
def test_ids_of_another_type_are_refused_by_line(
    small: Small, parent: Path, method: str, tmp_path: Path, role: str, row: str, later: str
) -> None:
    text = tmp_path / "text.csv"
    text.write_text(f"userId,movieId,rating\n\n1,100,3\n{row},4\n{later},5\n")
    with pytest.raises(DataError, match=f"{role} id '(a1|B07)' is not a whole number") as caught:
        train(started(small, parent, text, method), tmp_path / "child")
    assert caught.value.where == f"{text}:4"
    assert caught.value.expected == f"{role} ids such as {getattr(open_bundle(parent), f'{role}s').id_at(0)}"
    assert f"data.columns.{role}" in (caught.value.hint or "")


def test_ids_of_another_type_are_refused_by_row_of_a_table(parent: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame({"userId": ["1", "a1"], "movieId": [100, 101], "rating": [3.0, 4.0]})
    with pytest.raises(DataError, match="user id 'a1' is not a whole number") as caught:
        recsys.update(frame, parent, tmp_path / "child")
    assert caught.value.where == "DataFrame: row 2"


def test_whole_numbers_that_a_file_holds_as_texts_are_numbers(parent: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame({"userId": ["1", "10", "9"], "movieId": [100, 101, 102], "rating": [3.0, 4.0, 2.0]})
    frame.to_parquet(tmp_path / "text.parquet")
    recsys.update(tmp_path / "text.parquet", parent, tmp_path / "of-texts")
    recsys.update(frame.astype({"userId": int}), parent, tmp_path / "of-numbers")
    texts, numbers = (recsys.load(tmp_path / name) for name in ("of-texts", "of-numbers"))
    assert [texts.predict(user, 100).rating for user in (1, 9)] == [numbers.predict(u, 100).rating for u in (1, 9)]


def test_a_number_that_is_written_in_another_way_among_texts_is_refused(parent: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame({"userId": ["7", "7.0"], "movieId": [100, 100], "rating": [3.0, 4.0]})
    with pytest.raises(DataError, match=r"user id '7\.0' is not a whole number"):
        recsys.update(frame, parent, tmp_path / "child")


def test_numbers_are_read_as_texts_where_the_runs_ids_are(small: Small, finished_text: Path, tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("reader,isbn,stars\n7,item1,3\n12,item2,4\n9,item3,5\n")
    columns = {"user": "reader", "item": "isbn", "rating": "stars"}
    config = finetune_config(finished_text, _file(tmp_path, {"ratings": "numbers.csv", "columns": columns}), [])
    train(config, tmp_path / "child")
    users = open_bundle(tmp_path / "child").users
    assert users.id_type is str
    assert {"7", "12", "9"} < set(users.ids.tolist())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_the_config_of_a_finetune_may_come_through_a_pipe(finished_text: Path, tmp_path: Path) -> None:
    text = _file(tmp_path, {"ratings": "numbers.csv"}).read_text()
    os.mkfifo(tmp_path / "pipe.yaml")
    Thread(target=(tmp_path / "pipe.yaml").write_text, args=(text,), daemon=True).start()
    assert finetune_config(finished_text, tmp_path / "pipe.yaml", []).start.run == finished_text


def _file(folder: Path, data: dict[str, Any]) -> Path:
    path = folder / "c.yaml"
    model = {"embedding_dim": 3, "y_range": [0, 5.5]}
    training = {"method": "adamw", "n_epochs": 1}
    split = {"valid_fraction": 0, "test_fraction": 0}
    path.write_text(json.dumps({"data": data, "model": model, "training": training, "split": split}))
    return path


@pytest.mark.parametrize(
    ("config", "scorer"),
    [
        ({"model": {"embedding_dim": 4096}}, "rating"),
        ({"model": {"kind": "embedding_net", "user_dim": 4096}, "training": {"method": "adamw"}}, "rating"),
        ({"training": {"method": "gibbs", "n_epochs": 512, "n_kept_samples": 400}}, "rating"),
        ({"ranking": {"method": "ials", "embedding_dim": 4096}}, "ranking"),
    ],
    ids=["factors", "network", "samples", "ranking"],
)
def test_a_model_that_cannot_fit_is_refused_before_the_work(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], scorer: str
) -> None:
    monkeypatch.setattr("recsys.core.memory.memory_limit", lambda: 100_000)
    with pytest.raises(OutOfMemoryError, match=f"the {scorer} scorer of 40 users and .* would take 0.0 GB or more"):
        train(small(**config), tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_ratings_that_cannot_fit_are_refused_while_they_are_read(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.core.memory.memory_limit", lambda: 1000)
    with pytest.raises(OutOfMemoryError, match="the ratings would take"):
        train(small(), tmp_path / "run")


@pytest.mark.parametrize(("method", "has_times"), [("random", False), ("user_time", True)])
def test_times_are_kept_where_the_split_goes_by_them(small: Small, method: str, has_times: bool) -> None:
    splits = from_scratch(small(split={"method": method}), silent, ALONE).splits
    assert (splits.train.timestamp is not None) == has_times
