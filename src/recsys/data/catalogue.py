"""What is known of the items beside their ratings: titles, and the other columns of the items file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recsys.core.types import Texts
from recsys.data.vocabulary import Vocabulary

TextByItem = dict[int | str, str]


@dataclass(frozen=True, eq=False)
class ItemCatalogue:
    """Texts of items, by raw item id.

    Attributes:
        titles: item id → title, for the items that have one.
        columns: name of another column → item id → text, for the items that have one.
        encoding: of the file that it was read from, where that is known and not utf-8.
    """

    titles: TextByItem = field(default_factory=dict)
    columns: dict[str, TextByItem] = field(default_factory=dict)
    encoding: str | None = None

    @classmethod
    def of(cls, items: Vocabulary, titles: Texts, columns: Mapping[str, Texts]) -> ItemCatalogue:
        """The catalogue of texts by item index, "" where there is none."""
        return cls(text_by_item(titles, items), {name: text_by_item(texts, items) for name, texts in columns.items()})

    def updated(self, newer: ItemCatalogue) -> ItemCatalogue:
        """The texts of both; where both have one, the newer."""
        names = dict.fromkeys([*self.columns, *newer.columns])
        columns = {name: {**self.columns.get(name, {}), **newer.columns.get(name, {})} for name in names}
        return ItemCatalogue({**self.titles, **newer.titles}, columns)


def text_by_item(texts: Texts, items: Vocabulary) -> TextByItem:
    """Item id → text, for the items that have one, of texts by item index."""
    return {item_id: text for item_id, text in zip(items.ids.tolist(), texts.tolist(), strict=True) if text}


def text_by_index(texts: TextByItem, items: Vocabulary) -> list[str]:
    """The text of each item of the vocabulary; "" for one without."""
    return [texts.get(item_id, "") for item_id in items.ids.tolist()]


def id_of(text: str, items: Vocabulary) -> int | str | None:
    """The id that an items file writes as `text`, of the type of the run's ids; None if it cannot be one.

    Zeros before whole numbers are dropped where the run's ids are whole numbers.
    """
    raw_id = items.parse(text)
    if raw_id is None and text.strip().isascii() and text.strip().isdigit():
        return items.parse(text.strip().lstrip("0") or "0")
    return raw_id
