"""Items by their titles, as people write them: without regard to case, accents and signs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass

from recsys.artifacts.bundle import Bundle
from recsys.core.checked import shown
from recsys.core.errors import UnknownIdError
from recsys.core.types import Json
from recsys.core.words import counted, shell_word
from recsys.data.vocabulary import UNKNOWN

YEAR = re.compile(r"\(\d{4}\)\s*$")  # "Heat (1995)": the name of the film is what stands before


@dataclass(frozen=True)
class FoundItem:
    """An item that a search has found, and the training ratings and interactions it has."""

    item_id: int | str
    title: str | None
    n_ratings: int
    n_interactions: int

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return asdict(self)


def search_items(bundle: Bundle, text: str, n: int = 10) -> list[FoundItem]:
    """The items with all words of a text in their titles, or these as parts of words.

    First come those of exactly these words, then those with most training interactions. An item without a title is
    found by its id.

    Args:
        text: nothing is found by one without words.
        n: how many; fewer come back where there are not so many.
    """
    exact, others = _matches(bundle, text)
    counts = bundle.counts
    n_interactions = counts["ranking"].items
    ordered = [idx for part in (exact, others) for idx in sorted(part, key=lambda idx: -n_interactions[idx])]
    return [
        FoundItem(
            item_id=bundle.items.id_at(idx),
            title=bundle.title_at(idx),
            n_ratings=int(counts["rating"].items[idx]),
            n_interactions=int(n_interactions[idx]),
        )
        for idx in ordered[:n]
    ]


def find_item_id(bundle: Bundle, text: str) -> int | str:
    """The id that a person means: the id itself, else that of the one item with such a title.

    Returns:
        The id; the text as it is, where it is neither: whoever takes ids then says what is wrong.
    Raises:
        UnknownIdError: several items have such a title.
    """
    items = bundle.items
    parsed = items.parse(text)
    if parsed is not None and (items.id_type is int or items.index([parsed])[0] != UNKNOWN):
        return parsed
    exact, others = _matches(bundle, text)
    matches = exact or others
    if len(matches) > 1:
        raise UnknownIdError(
            f"{len(matches):,} titles fit {shown(text)}",
            where=f"the run's {counted(len(items), 'item')}",
            expected="an item id, or words that fit one title",
            hint=f"recsys items {shell_word(text)} lists them with their ids",
        )
    return items.id_at(matches[0]) if matches else text


def _matches(bundle: Bundle, text: str) -> tuple[list[int], list[int]]:
    """The indices of the items whose titles are of exactly these words, and of those that have them among others."""
    wanted = sorted(_words(text))
    exact, others = [], []
    for idx, title in enumerate(bundle.titles.tolist() if wanted else ()):
        words = _words(title or str(bundle.items.id_at(idx)))
        name = words[:-1] if YEAR.search(title) else words
        if wanted in (sorted(words), sorted(name)):
            exact.append(idx)
        elif all(any(part in word for word in words) for part in wanted):
            others.append(idx)
    return exact, others


def _words(text: str) -> list[str]:
    """ "Amélie, Le" as ["amelie", "le"]."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return re.findall(r"\w+", plain.casefold())
