from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.directory import locate
from recsys.config.loading.load import load_config
from recsys.core.communicator import ALONE
from recsys.core.errors import RunError
from recsys.data.read import read_ratings
from recsys.data.split import split
from recsys.inference.recommender import Recommender

FILES = [
    "serving.json",
    "scorer.safetensors",
    "users.safetensors",
    "items.safetensors",
    "seen.safetensors",
    "held_out.safetensors",
    "intervals.safetensors",
]


def use(folder: Path) -> None:
    """Reads every file of a serving folder."""
    recommender = Recommender.open(folder)
    recommender.predict(0, 100, interval=0.5)
    recommender.recommend(0)
    recommender.bundle.held_out("test")


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished / "serving", tmp_path / "elsewhere")


def test_a_run_its_serving_folder_and_a_copy_answer_alike(finished: Path, copy: Path) -> None:
    answers = [Recommender.open(path).predict(0, 100) for path in (finished, finished / "serving", copy)]
    assert answers[0] == answers[1] == answers[2]
    use(copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.6, 1])
def test_a_flipped_byte_is_refused_and_its_file_named(copy: Path, name: str, share: float) -> None:
    data = bytearray((copy / name).read_bytes())
    data[min(int(len(data) * share), len(data) - 1)] ^= 4
    (copy / name).write_bytes(data)
    with pytest.raises(RunError, match="damaged") as caught:
        use(copy)
    assert (caught.value.where, caught.value.exit_code) == (str(copy / name), 4)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0, 7, -1])
def test_a_cut_file_is_refused_at_once_and_named(copy: Path, name: str, kept: int) -> None:
    (copy / name).write_bytes((copy / name).read_bytes()[:kept])
    with pytest.raises(RunError, match="damaged") as caught:
        open_bundle(copy)
    assert caught.value.where == str(copy / name)


@pytest.mark.parametrize("name", FILES[1:])
def test_a_missing_file_is_refused_at_once_and_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(RunError, match="missing") as caught:
        open_bundle(copy)
    assert caught.value.where == str(copy / name)


def test_a_folder_without_its_json_is_no_serving_folder(copy: Path) -> None:
    (copy / "serving.json").unlink()
    with pytest.raises(RunError, match="not a finished run"):
        open_bundle(copy)


def test_what_is_read_back_is_what_was_trained_on(finished: Path) -> None:
    bundle = open_bundle(finished)
    config = load_config(finished / "config.yaml")
    train = split(read_ratings(config.data, ALONE), config.split, config.seed).train
    assert bundle.users.ids.tolist() == train.users.ids.tolist()
    assert bundle.items.ids.tolist() == train.items.ids.tolist()
    assert bundle.counts["rating"].users.tolist() == np.bincount(train.user_idx, minlength=len(train.users)).tolist()
    assert bundle.counts["rating"].items.tolist() == np.bincount(train.item_idx, minlength=len(train.items)).tolist()
    by_user = np.argsort(train.user_idx, kind="stable")
    again = bundle.seen.interactions()
    assert again.user_idx.tolist() == train.user_idx[by_user].tolist()
    assert again.item_idx.tolist() == train.item_idx[by_user].tolist()
    assert again.rating.tolist() == train.rating[by_user].tolist()


def test_seen_is_what_a_user_rated_in_training(finished: Path) -> None:
    bundle = open_bundle(finished)
    train = bundle.seen.interactions()
    for user in range(len(bundle.users)):
        items, ratings = bundle.seen.of_user(user)
        assert items.tolist() == train.item_idx[train.user_idx == user].tolist()
        assert ratings.tolist() == train.rating[train.user_idx == user].tolist()
    rows, items = bundle.seen.by_user.pairs(np.arange(3, 8, dtype=np.int32))
    assert list(zip(rows.tolist(), items.tolist(), strict=True)) == [
        (user - 3, item) for user in range(3, 8) for item in bundle.seen.of_user(user)[0].tolist()
    ]


def test_titles_stand_beside_their_items(finished: Path) -> None:
    bundle = open_bundle(finished)
    titles = dict(zip(bundle.items.ids.tolist(), bundle.titles.tolist(), strict=True))
    assert titles[100] == 'Film 100, the "best"'
    assert titles[101] == ""
    assert [bundle.title_at(idx) for idx in (0, 1, -1)] == ['Film 100, the "best"', None, None]


def test_serving_json_says_what_the_contract_says(finished: Path, finished_text: Path) -> None:
    numbers, texts = (json.loads((run / "serving" / "serving.json").read_text()) for run in (finished, finished_text))
    assert numbers["kind"] == "dot_product"
    assert (numbers["link"]["kind"], texts["link"]) == ("clip", {"kind": "sigmoid", "low": 0.0, "high": 5.5})
    assert numbers["id_types"] == {"user": "int", "item": "int"}
    assert texts["id_types"] == {"user": "str", "item": "str"}
    assert texts["data"]["columns"] == {"user": "reader", "item": "isbn", "rating": "stars"}
    assert set(numbers["files"]) == set(FILES[1:])
    assert str(finished.parent) not in json.dumps(numbers)  # no path of the machine that trained


def test_seen_is_mapped_and_not_read(finished: Path) -> None:
    assert isinstance(open_bundle(finished).seen.rating, np.memmap)


def test_the_newest_finished_run_is_the_default(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path))
    with pytest.raises(RunError, match="no finished run"):
        locate(None)
    for name, time in (("newer", 2_000), ("older", 1_000)):
        shutil.copytree(finished, tmp_path / name)
        os.utime(tmp_path / name / "metrics.json", (time, time))
    shutil.copytree(finished, tmp_path / "unfinished")
    (tmp_path / "unfinished" / "metrics.json").unlink()
    assert locate(None) == tmp_path / "newer" / "serving"


def test_a_finished_run_without_its_serving_folder_is_not_called_unfinished(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "serving" / "serving.json").unlink()
    with pytest.raises(RunError, match="is missing") as caught:
        locate(tmp_path / "run")
    assert "resume" not in (caught.value.hint or "")


def test_a_place_without_a_run_is_said_to_be_so(tmp_path: Path, finished: Path) -> None:
    with pytest.raises(RunError, match="no such run") as caught:
        open_bundle(tmp_path / "not there")
    assert caught.value.exit_code == 4
    shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("serving", "metrics.json"))
    with pytest.raises(RunError, match="not a finished run") as caught:
        open_bundle(tmp_path / "run")
    assert "--resume" in (caught.value.hint or "")


def test_the_ratings_that_were_held_out_are_kept(finished: Path) -> None:
    config = load_config(finished / "config.yaml")
    splits = split(read_ratings(config.data, ALONE), config.split, config.seed)
    for part in ("valid", "test"):
        kept = open_bundle(finished).held_out(part)
        meant = getattr(splits, part)
        assert kept is not None
        for name in ("user_idx", "item_idx", "rating"):
            np.testing.assert_array_equal(getattr(kept, name), getattr(meant, name))
