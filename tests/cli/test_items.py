"""Titles: searched, and where an item is expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Recsys = Callable[..., Any]


def test_titles_are_searched(run: Path, recsys: Recsys) -> None:
    ended = recsys("items", "film", "-n", 3)
    assert (ended.code, ended.err) == (0, "note: the first 3; -n lists more\n")
    assert ended.out.splitlines()[0].split() == ["item", "title", "n", "ratings"]
    answer = json.loads(recsys("items", "best 110", "--json").out)
    assert (answer["query"], [item["item_id"] for item in answer["items"]]) == ("best 110", [110])
    assert json.loads(recsys("items", "best", "110", "--json").out) == answer
    assert recsys("items", "no such film").out == "no title has these words: 'no such film'\n"


def test_without_titles_ids_are_searched(text_run: Path, recsys: Recsys) -> None:
    ended = recsys("items", "nothing")
    assert ended.out == "no title has these words: nothing\n"
    assert "data.items" in ended.err


@pytest.mark.parametrize("command", [("similar",), ("explain", 0), ("predict", 0)], ids=lambda command: command[0])
def test_a_title_stands_for_its_item(command: tuple[object, ...], run: Path, recsys: Recsys) -> None:
    by_title, by_id = (recsys(*command, item, "--json") for item in ("film 110 best the", 110))
    assert by_title.err == 'item 110: Film 110, the "best"\n'
    assert (by_title.code, by_title.out, by_id.err) == (0, by_id.out, "")
    several = recsys(*command, "best", "--json")
    assert (several.code, several.error["hint"]) == (5, "recsys items best lists them with their ids")


def test_an_unknown_item_can_still_be_the_mean_item(run: Path, recsys: Recsys) -> None:
    answer = json.loads(recsys("predict", 0, "film 110 best the", "--on-unknown", "mean", "--json").out)
    assert (answer["item_id"], answer["known_item"]) == ("film 110 best the", False)
