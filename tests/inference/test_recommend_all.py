from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from recsys.api.batch import recommend_all
from recsys.artifacts.growing import partial_folder
from recsys.core.errors import StoppedError, UsageError
from recsys.core.events import Event, Note, Scoring
from recsys.inference.recommender import Recommender
from recsys.scoring import tiles


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def small_blocks(numbers: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "SCORES", 7 * len(numbers.bundle.items))  # seven users a block, of forty


def stopping_after(n_users: int) -> Any:
    def stop(event: Event) -> None:
        if isinstance(event, Scoring) and event.done >= n_users:
            raise StoppedError("interrupted")

    return stop


@pytest.mark.parametrize("which", ["numbers", "texts"])
def test_recommend_all_gives_each_user_what_recommend_gives(
    which: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender: Recommender = request.getfixturevalue(which)
    monkeypatch.setattr(tiles, "SCORES", 3 * len(recommender.bundle.items))  # three users a block
    counts = recommend_all(recommender, tmp_path / "top.csv", 4, min_ratings=2)
    table = rows(tmp_path / "top.csv")
    expected = [
        (str(user), str(item.rank), str(item.item_id))
        for user in recommender.bundle.users.ids.tolist()
        for item in recommender.recommend(user, 4, min_ratings=2)
    ]
    assert [(row["user_id"], row["rank"], row["item_id"]) for row in table] == expected
    by_user = Counter(user for user, _, _ in expected)
    n_fewer = sum(by_user[str(user)] < 4 for user in recommender.bundle.users.ids.tolist())
    n_users = len(recommender.bundle.users)
    assert counts == {"n_users": n_users, "n_recommendations": len(expected), "n_users_with_fewer": n_fewer}
    first = recommender.recommend(recommender.bundle.users.ids.tolist()[0], 1, min_ratings=2)[0]
    assert float(table[0]["rating"]) == pytest.approx(first.rating, abs=1e-5)
    assert float(table[0]["score"]) == pytest.approx(first.score, abs=1e-5)


def test_recommend_all_takes_candidates(numbers: Recommender, tmp_path: Path) -> None:
    recommend_all(numbers, tmp_path / "top.csv", 50, candidates=[100, 105, 149])
    assert {row["item_id"] for row in rows(tmp_path / "top.csv")} == {"100", "105", "149"}


def test_nothing_to_recommend_leaves_a_header(numbers: Recommender, tmp_path: Path) -> None:
    assert recommend_all(numbers, tmp_path / "top.csv", 5, min_ratings=10_000)["n_users_with_fewer"] == 40
    header = (tmp_path / "top.csv").read_text().strip().replace('"', "")
    assert header == "user_id,rank,item_id,rating,score"


def test_recommend_all_tells_how_far_it_is(numbers: Recommender, tmp_path: Path) -> None:
    events: list[Event] = []
    recommend_all(numbers, tmp_path / "top.csv", 1, observe=events.append)
    assert events[-1] == Scoring(40, 40)


@pytest.mark.parametrize("n_shards", [1, 3, 16, 41])
@pytest.mark.usefixtures("small_blocks")
def test_the_files_of_all_shards_are_the_file_without_shards(
    n_shards: int, numbers: Recommender, tmp_path: Path
) -> None:
    whole = recommend_all(numbers, tmp_path / "whole.csv", 4)
    counts = Counter[str]()
    files = []
    for number in range(1, n_shards + 1):
        path = tmp_path / f"{number}.csv"
        counts.update(recommend_all(numbers, path, 4, shard=f"{number}/{n_shards}"))
        header, *lines = path.read_text().splitlines()
        assert header == "user_id,rank,item_id,rating,score"
        files += lines
    assert files == (tmp_path / "whole.csv").read_text().splitlines()[1:]
    assert {name: counts[name] for name in whole} == whole


@pytest.mark.parametrize("shard", [None, "2/2"])
@pytest.mark.parametrize("stops", [(1,), (8, 14), (40,), (1, 1, 1)])
@pytest.mark.usefixtures("small_blocks")
def test_what_is_resumed_has_the_bytes_of_what_was_not_interrupted(
    stops: tuple[int, ...], shard: str | None, numbers: Recommender, tmp_path: Path
) -> None:
    expected = recommend_all(numbers, tmp_path / "whole.csv", 4, shard=shard)
    path = tmp_path / "top.csv"
    for n_users in stops:
        with pytest.raises(StoppedError) as caught:
            recommend_all(numbers, path, 4, shard=shard, resume=True, observe=stopping_after(min(n_users, 20)))
        hint = f"finished users are in {partial_folder(path)}: the same command goes on from there"
        assert caught.value.hint == hint
        assert not path.exists()
    events: list[Event] = []
    assert recommend_all(numbers, path, 4, shard=shard, resume=True, observe=events.append) == expected
    assert isinstance(events[0], Note)
    assert events[0].text.startswith("going on after ")
    assert path.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(left.name for left in tmp_path.iterdir()) == ["top.csv", "whole.csv"]


@pytest.mark.usefixtures("small_blocks")
def test_who_stops_lists_that_keep_nothing_is_told_how_to_keep_them(numbers: Recommender, tmp_path: Path) -> None:
    with pytest.raises(StoppedError) as caught:
        recommend_all(numbers, tmp_path / "top.csv", 4, observe=stopping_after(1))
    assert "nothing is kept; --resume keeps finished users" in (caught.value.hint or "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"n": 5}, "-n was 4, and is 5"),
        ({"shard": "1/2"}, "--shard was 1/1, and is 1/2"),
        ({"exclude": [100]}, "the set of items that pass the filters"),
        ({"include_held_out": True}, "--include-held-out was False, and is True"),
    ],
)
@pytest.mark.usefixtures("small_blocks")
def test_lists_of_other_options_do_not_go_on(
    other: dict[str, Any], named: str, numbers: Recommender, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        recommend_all(numbers, tmp_path / "top.csv", 4, resume=True, observe=stopping_after(1))
    with pytest.raises(UsageError, match=named):
        recommend_all(numbers, tmp_path / "top.csv", **{"n": 4, "resume": True, **other})
