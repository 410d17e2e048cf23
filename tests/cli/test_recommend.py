"""recsys recommend, similar and explain: filters, what is said where they leave little, and the scorer that ranks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Recsys = Callable[..., Any]
Refused = Callable[..., None]


def test_a_list_that_the_filters_leave_empty_says_why(run: Path, data: Path, recsys: Recsys) -> None:
    rated = [line.split(",")[1] for line in (data / "ratings.csv").read_text().splitlines() if line.startswith("0,")]
    (data / "rated.txt").write_text("\n".join(rated[:3]))
    ended = recsys("recommend", "0", "--candidates", "rated.txt")
    assert ended.out == (
        "no items to recommend: of 50 items, 47 are not among the candidates and 3 have been rated by the user\n"
    )
    assert ended.err == "hint: use wider filters: what a user has rated is never recommended\n"
    assert ended.code == 0
    answer = json.loads(recsys("recommend", "0", "--candidates", "rated.txt", "--json").out)
    counts = {"min_ratings": 0, "candidates": 47, "already_rated": 3}
    assert answer == {"user_id": 0, "n_unknown_candidates": 0, "by": "rating", "items": [], "ruled_out": counts}


def test_a_list_shorter_than_asked_says_so(run: Path, recsys: Recsys) -> None:
    first = json.loads(recsys("recommend", "0", "--json").out)["items"][0]
    ended = recsys("recommend", "0", "-n", "5", "--where", f"title={first['title']}")
    assert first["title"] in ended.out
    assert ended.err == "note: fewer than 5 items left: of 50 items, 49 do not meet --where\n"


def test_excluded_items_that_are_unknown_are_counted(run: Path, data: Path, recsys: Recsys) -> None:
    first = json.loads(recsys("recommend", "0", "--json").out)["items"][0]["item_id"]
    (data / "out.csv").write_text(f"movieId,why\n{first},sold\n9999,gone\n")
    ended = recsys("recommend", "0", "--exclude", "out.csv", "--json")
    answer = json.loads(ended.out)
    assert answer["n_unknown_excluded"] == 1
    assert first not in {item["item_id"] for item in answer["items"]}
    assert ended.err == "note: ignored, without training ratings: 1 of 2 excluded items\n"
    everyone = recsys("recommend", "--all", "--output", "all.csv", "--exclude", "out.csv", "--json")
    assert json.loads(everyone.out)["n_unknown_excluded"] == 1


def test_candidates_that_are_unknown_are_counted(run: Path, data: Path, recsys: Recsys) -> None:
    (data / "some.txt").write_text("100\n102\n9999\n")
    ended = recsys("recommend", "0", "-n", "1", "--candidates", "some.txt", "--json")
    assert json.loads(ended.out)["n_unknown_candidates"] == 1
    assert ended.err == "note: ignored, without training ratings: 1 of 3 candidates\n"


def test_users_with_fewer_items_are_counted(run: Path, data: Path, recsys: Recsys) -> None:
    (data / "two.txt").write_text("100\n102\n")
    ended = recsys("recommend", "--all", "--output", "all.csv", "--candidates", "two.txt", "-n", "3")
    assert ended.err == "note: 40 users with fewer than 3 items: the filters and what they have rated leave no more\n"


def test_conditions_and_options_that_make_no_sense_are_refused(run: Path, refused: Refused) -> None:
    refused("where unknown column", 2, "recommend", "0", "--where", "titel=Film 100")
    refused("where no condition", 2, "recommend", "--all", "--output", "all.csv", "--where", "title")
    refused("held out of one", 2, "recommend", "0", "--include-held-out")
    refused("shard of one", 2, "recommend", "0", "--shard", "1/2")
    refused("shard of none", 2, "recommend", "--all", "--output", "all.csv", "--shard", "0/2")
    refused("too many shards", 2, "recommend", "--all", "--output", "all.csv", "--shard", "1/99999999999")
    refused("device to resume", 2, "recommend", "--all", "--output", "/dev/null", "--resume")


def test_shards_make_the_file_of_all_users(run: Path, recsys: Recsys, data: Path) -> None:
    answer = json.loads(recsys("recommend", "--all", "--output", "all.csv", "--resume", "--json").out)
    lines: list[str] = []
    for k in (1, 2, 3):
        shard = json.loads(recsys("recommend", "--all", "--output", "k.csv", "--shard", f"{k}/3", "--json").out)
        assert shard["shard"] == f"{k}/3"
        answer["n_users"] -= shard["n_users"]
        lines += (data / "k.csv").read_text().splitlines()[1:]
    assert answer["n_users"] == 0
    assert lines == (data / "all.csv").read_text().splitlines()[1:]


def header(text: str) -> str:
    return " ".join(text.splitlines()[0].split())


def test_a_list_by_ranking_shows_score_and_predicted_rating(ranked_run: Path, recsys: Recsys) -> None:
    assert header(recsys("recommend", "0").out) == "rank item title score rating n ratings"
    assert header(recsys("recommend", "0", "--by", "rating").out) == "rank item title rating n ratings"
    answer = json.loads(recsys("recommend", "0", "--json").out)
    assert answer["by"] == "ranking"
    scores = [item["score"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)
    by_rating = json.loads(recsys("recommend", "0", "--by", "rating", "--json").out)
    ratings = [item["rating"] for item in by_rating["items"]]
    assert ratings == sorted(ratings, reverse=True)
    assert by_rating["items"] != answer["items"]


def test_an_unknown_user_can_be_given_the_mean_users_list(ranked_run: Path, recsys: Recsys, data: Path) -> None:
    assert recsys("recommend", "999").code == 5
    listed = recsys("recommend", "999", "--on-unknown", "mean")
    assert (listed.code, len(listed.out.splitlines())) == (0, 12)
    (data / "visitor.csv").write_text("movieId,rating\n9999,4\n")
    visitor = recsys("recommend", "--ratings", "visitor.csv")
    assert visitor.out == listed.out
    assert visitor.err == "note: ignored, without training ratings: 1 of 1 rated item\n"


def test_all_users_are_ranked_for_by_either_scorer(ranked_run: Path, recsys: Recsys, data: Path) -> None:
    lists = {}
    for by in ("ranking", "rating"):
        answer = json.loads(recsys("recommend", "--all", "--output", f"{by}.csv", "--by", by, "--json").out)
        assert (answer["by"], answer["n_users"]) == (by, 40)
        lists[by] = (data / f"{by}.csv").read_text()
    assert recsys("recommend", "--all", "--output", "default.csv").code == 0
    assert (data / "default.csv").read_text() == lists["ranking"] != lists["rating"]


def test_clicks_are_ranked_by_without_ratings(clicks_run: Path, recsys: Recsys, data: Path) -> None:
    assert header(recsys("recommend", "0").out) == "rank item score n interactions"
    assert header(recsys("similar", "110").out) == "rank item similarity n interactions"
    assert header(recsys("explain", "0", "110").out).startswith("user 0, item 110: rank score ")
    (data / "visitor.csv").write_text("movieId\n100\n101\n")
    assert len(recsys("recommend", "--ratings", "visitor.csv", "-n", "3").out.splitlines()) == 5


def test_similar_items_and_explanations_by_either_scorer(ranked_run: Path, recsys: Recsys) -> None:
    by_ranking, by_rating = (json.loads(recsys("similar", "110", "--json", *by).out) for by in ((), ("--by", "rating")))
    assert (by_ranking["by"], by_rating["by"]) == ("ranking", "rating")
    assert by_ranking["items"] != by_rating["items"]
    assert "Contributions of the user's" in recsys("explain", "0", "110").out
    shown = recsys("explain", "0", "110", "--by", "ranking", "-n", "2").out
    assert shown.startswith('user 0, item 110  Film 110, the "best": rank score ')
    assert "not from own items" in shown
    answer = json.loads(recsys("explain", "0", "110", "--by", "ranking", "--json").out)
    assert len(answer["pulls"]) == 10


def test_a_scorer_that_the_run_has_not_is_refused(run: Path, refused: Refused) -> None:
    refused("by ranking without", 4, "recommend", "0", "--by", "ranking")


def test_ratings_that_the_run_does_not_predict_are_refused(clicks_run: Path, refused: Refused) -> None:
    refused("by rating of clicks", 4, "recommend", "0", "--by", "rating")
