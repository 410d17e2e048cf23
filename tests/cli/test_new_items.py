"""Items that only features tell of, as typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.inference.featured_world import NEW_COMEDY, NEW_USER, featured_bundle

Recsys = Callable[..., Any]


@pytest.fixture
def served(tmp_path: Path) -> Path:
    return featured_bundle(tmp_path / "run").path


def test_what_stands_on_features_is_said(served: Path, recsys: Recsys) -> None:
    predicted = recsys("predict", 1, NEW_COMEDY, "--run", served).out
    assert "the item has no training ratings: predicted from its features" in predicted
    both = json.loads(recsys("predict", NEW_USER, NEW_COMEDY, "--run", served, "--json").out)
    assert both["from_features"] == ["user", "item"]
    explained = recsys("explain", 1, "new comedy", "--run", served).out
    assert "genres: Comedy" in explained
    assert "Nobody has rated the item" in recsys("explain", 1, NEW_COMEDY, "--run", served, "--by", "ranking").out


def test_new_items_are_listed_on_demand_and_noted(served: Path, recsys: Recsys) -> None:
    ended = recsys("recommend", 1, "--include-new", "-n", 30, "--run", served)
    assert "New comedy" in ended.out
    assert "note: 2 new items without ratings, ranked by features alone" in ended.err
    assert "New comedy" not in recsys("recommend", 1, "-n", 30, "--run", served).out
    assert recsys("similar", NEW_COMEDY, "--run", served).code == 0


def test_a_run_that_knows_no_new_items_says_so(served: Path, finished: Path, recsys: Recsys) -> None:
    note = "note: --include-new adds nothing: the run knows no items by their features alone"
    assert note in recsys("recommend", 1, "--include-new", "--run", finished).err
    assert note not in recsys("recommend", 1, "--include-new", "--run", served).err
    assert note not in recsys("recommend", 1, "--run", finished).err


def test_a_visitor_may_have_features(served: Path, recsys: Recsys, tmp_path: Path) -> None:
    (tmp_path / "visitor.csv").write_text("movieId,rating\n101,4.5\n")
    visitor = ("recommend", "--ratings", tmp_path / "visitor.csv", "--run", served, "--json")
    plain, comic = (json.loads(recsys(*visitor, *more).out)["items"] for more in ((), ("--feature", "taste=comic")))
    assert [item["score"] for item in plain] != [item["score"] for item in comic]
    assert "no feature 'tast' of users" in recsys(*visitor, "--feature", "tast=comic").err
    assert "NAME=VALUE" in recsys(*visitor, "--feature", "comic").err
    assert "about a visitor" in recsys("recommend", 1, "--feature", "taste=comic", "--run", served).err


def test_nothing_to_fold_in_is_refused(served: Path, recsys: Recsys) -> None:
    ended = recsys("fold-in", "--run", served)
    assert (ended.code, "--items FILE" in ended.err) == (2, True)
