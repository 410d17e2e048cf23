from __future__ import annotations

import numpy as np

from recsys.data.catalogue import ItemCatalogue, text_by_index, text_by_item
from recsys.data.sources.table import as_texts
from recsys.data.vocabulary import Vocabulary

ITEMS = Vocabulary(np.array([10, 20, 30]))


def test_texts_by_index_and_by_item_are_the_same() -> None:
    texts = as_texts(["Ten", "", "Thirty"])
    assert text_by_item(texts, ITEMS) == {10: "Ten", 30: "Thirty"}
    assert text_by_index(text_by_item(texts, ITEMS), ITEMS) == texts.tolist()


def test_an_item_that_is_not_in_the_vocabulary_has_no_index() -> None:
    assert text_by_index({10: "Ten", 99: "Gone"}, ITEMS) == ["Ten", "", ""]


def test_a_catalogue_of_arrays_leaves_out_what_is_empty() -> None:
    catalogue = ItemCatalogue.of(ITEMS, as_texts(["Ten", "", ""]), {"genre": as_texts(["", "War", ""])})
    assert (catalogue.titles, catalogue.columns) == ({10: "Ten"}, {"genre": {20: "War"}})


def test_of_two_texts_of_an_item_the_newer_is_kept() -> None:
    older = ItemCatalogue({10: "Old", 20: "Twenty"}, {"genre": {10: "War", 20: "Drama"}, "year": {10: "1990"}})
    newer = ItemCatalogue({10: "New"}, {"genre": {10: "Comedy"}, "link": {10: "a"}})
    both = older.updated(newer)
    assert both.titles == {10: "New", 20: "Twenty"}
    assert both.columns == {"genre": {10: "Comedy", 20: "Drama"}, "year": {10: "1990"}, "link": {10: "a"}}
    assert list(both.columns) == ["genre", "year", "link"]
