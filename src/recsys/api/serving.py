"""A trained model in use."""

from __future__ import annotations

from recsys.api.paths import PathLike, as_run
from recsys.core.arguments import PATH, TEXT, count, instance, optional
from recsys.core.checked import checked
from recsys.inference import titles
from recsys.inference.recommender import Recommender
from recsys.inference.titles import FoundItem

MODEL = instance(Recommender, "what recsys.load returns")


@checked(run=optional(PATH))
def load(run: PathLike | None = None) -> Recommender:
    """A trained model in use: `predict(user, item)`, `recommend(user, n)`, `similar(item)`, `explain(user, item)`.

    Threads can share it.

    Args:
        run: a run, its serving folder, or a copy of that; left out, the promoted run under runs/,
            else the newest finished one.
    Raises:
        RunError: there is none, or it is damaged.
    """
    return Recommender.open(as_run(run))


@checked(model=MODEL, text=TEXT, n=count())
def search_items(model: Recommender, text: str, n: int = 10) -> list[FoundItem]:
    """The items with all words of a text in their titles, or these as parts of words; case and accents do not matter.

    Args:
        model: what `load` returns.
        n: how many; those of exactly these words come first, then those with most training interactions.
    """
    return titles.search_items(model.with_new, text, n)


@checked(model=MODEL, text=TEXT)
def find_item_id(model: Recommender, text: str) -> int | str:
    """The id of the item that a person means: the id itself, else the item of this title, if it is one alone.

    Args:
        model: what `load` returns.
    Returns:
        The id; the text as it is, where it is neither.
    Raises:
        UnknownIdError: several titles fit.
    """
    return titles.find_item_id(model.with_new, text)
