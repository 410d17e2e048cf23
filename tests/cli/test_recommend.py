"""recsys recommend: filters, what is said where they leave little, and lists to be measured."""

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
    assert answer == {"user_id": 0, "items": [], "ruled_out": counts}


def test_a_list_shorter_than_asked_says_so(run: Path, recsys: Recsys) -> None:
    first = json.loads(recsys("recommend", "0", "--json").out)["items"][0]
    ended = recsys("recommend", "0", "-n", "5", "--where", f"title={first['title']}")
    assert first["title"] in ended.out
    assert ended.err == "note: fewer than 5 items are left: of 50 items, 49 do not meet --where\n"


def test_excluded_items_that_are_unknown_are_counted(run: Path, data: Path, recsys: Recsys) -> None:
    first = json.loads(recsys("recommend", "0", "--json").out)["items"][0]["item_id"]
    (data / "out.csv").write_text(f"movieId,why\n{first},sold\n9999,gone\n")
    ended = recsys("recommend", "0", "--exclude", "out.csv", "--json")
    answer = json.loads(ended.out)
    assert answer["n_unknown_excluded"] == 1
    assert first not in {item["item_id"] for item in answer["items"]}
    assert ended.err == "note: 1 of 2 excluded items have no training ratings and are ignored\n"
    everyone = recsys("recommend", "--all", "--output", "all.csv", "--exclude", "out.csv", "--json")
    assert json.loads(everyone.out)["n_unknown_excluded"] == 1


def test_users_with_fewer_items_are_counted(run: Path, data: Path, recsys: Recsys) -> None:
    (data / "two.txt").write_text("100\n102\n")
    ended = recsys("recommend", "--all", "--output", "all.csv", "--candidates", "two.txt", "-n", "3")
    assert ended.err == ("note: 40 users get fewer than 3 items: the filters and what they have rated leave no more\n")


def test_conditions_and_options_that_make_no_sense_are_refused(run: Path, refused: Refused) -> None:
    refused("where unknown column", 2, "recommend", "0", "--where", "titel=Film 100")
    refused("where no condition", 2, "recommend", "--all", "--output", "all.csv", "--where", "title")
    refused("held out of one", 2, "recommend", "0", "--include-held-out")
