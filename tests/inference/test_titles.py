from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import recsys
from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.core.errors import UnknownIdError
from recsys.inference.titles import find_item_id, search_items

TITLES = {
    100: "Toy Story (1995)",
    101: "Toy Story 2 (1999)",
    102: "Matrix, The (1999)",
    103: "Matrix Reloaded, The (2003)",
    104: "Amélie (2001)",
    105: "Heat (1995)",
    106: "Heat (1986)",
    107: "千と千尋の神隠し",
    108: "105",
}


@pytest.fixture(scope="module")
def titled(finished: Path) -> Bundle:
    bundle = open_bundle(finished)
    return replace(bundle, titles=np.array([TITLES.get(int(item), "") for item in bundle.items.ids], dtype=object))


@pytest.mark.parametrize(
    ("text", "item_ids"),
    [
        ("toy story", [100, 101]),
        ("STORY toy", [100, 101]),
        ("matrix reloaded", [103]),
        ("the matrix", [102, 103]),
        ("matr", [102, 103]),
        ("amelie", [104]),
        ("1995", [100, 105]),
        ("千尋", [107]),
        ("120", [120]),
        ("rix", [102, 103]),
        ("!?", []),
    ],
)
def test_titles_are_found_by_their_words(text: str, item_ids: list[int], titled: Bundle) -> None:
    matches = search_items(titled, text)
    assert sorted(item.item_id for item in matches) == item_ids  # type: ignore[type-var]
    assert search_items(titled, text, 1) == matches[:1]


def test_exactly_these_words_come_first_then_what_has_most_interactions(titled: Bundle) -> None:
    assert [item.item_id for item in search_items(titled, "toy story")] == [100, 101]
    counts = [item.n_interactions for item in search_items(titled, "1", 50)]
    assert len(counts) > 30
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    ("text", "item_id"),
    [
        ("100", 100),
        ("105", 105),  # the id, not the title
        ("toy story", 100),
        ("The Matrix", 102),
        ("matrix reloaded", 103),
        ("heat (1986)", 106),
        ("nothing like it", "nothing like it"),
        ("1995", 1995),  # a whole number is an id here
        ("", ""),
    ],
)
def test_an_id_or_the_title_of_one_item_is_an_item(text: str, item_id: int | str, titled: Bundle) -> None:
    assert find_item_id(titled, text) == item_id


def test_a_title_of_several_items_is_refused_with_the_search_for_it(titled: Bundle) -> None:
    with pytest.raises(UnknownIdError, match="2 titles fit 'heat'") as caught:
        find_item_id(titled, "heat")
    assert caught.value.hint == "recsys items heat lists them with their ids"


def test_texts_are_ids_first(finished_text: Path) -> None:
    bundle = open_bundle(finished_text)
    assert find_item_id(bundle, str(bundle.items.id_at(0))) == bundle.items.id_at(0)


def test_the_api_searches_too(finished: Path) -> None:
    model = recsys.load(finished)
    (item,) = recsys.search_items(model, "film 110")
    assert item.to_dict() == {
        "item_id": 110,
        "title": 'Film 110, the "best"',
        "n_ratings": item.n_ratings,
        "n_interactions": item.n_ratings,
    }
    assert recsys.find_item_id(model, "film 110") == 110
