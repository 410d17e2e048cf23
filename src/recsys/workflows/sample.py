"""Synthetic ratings with planted tastes: something to train on before there are ratings of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from recsys.core.errors import UsageError
from recsys.core.files import new_folder, write_text, writing
from recsys.core.seeding import rng
from recsys.core.types import Array

RATINGS, ITEMS, CONFIG = "synthetic-ratings.csv", "synthetic-items.csv", "synthetic.yaml"
SEED = 42
N_USERS, N_RATINGS = 600, 30  # each user rates so many items at least, and twice as many at most
GENRES = ("Cooking", "Crime", "Fantasy", "Nature", "Romance", "Space")
ADJECTIVES = ("Silent", "Golden", "Broken", "Distant", "Hidden", "Burning", "Last", "Little", "Frozen", "Second")
NOUNS = ("Harbour", "Letter", "Winter", "Garden", "Promise")
LIKED, CHOSEN = 1.2, 10.0  # a user's own genres: how much higher they are rated, and how many times as often chosen
START, SECONDS = 1_700_000_000, 365 * 24 * 60 * 60
README = """\
# Synthetic ratings

These ratings are made up, by `recsys sample`: no person gave them, and no such items exist. Each user likes two of
{n_genres} genres, chooses items of these more often and rates them higher, so that good recommendations for a user are
of the genres of the items that this user rated highly.

- `{ratings}`: user, item, rating from 1 to 5, and time
- `{items}`: item, title and genre; each title starts with the genre
- `{config}`: a config for them, as `recsys init` writes it
"""


def write_sample(folder: Path, configure: Callable[[Path, Path, Path], object]) -> None:
    """Writes a folder with a ratings file, an items file and a config, in one step; the same bytes each time.

    Args:
        configure: writes a config; called with the paths of the ratings, of the items and of the config.
    Raises:
        UsageError: there is something at `folder` already.
        RunError: it cannot be written.
    """
    if folder.exists():
        raise UsageError(f"{folder} exists already", expected="a folder that is new", hint="name another, or delete it")
    with writing(folder):
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    with new_folder(folder) as temporary:
        write_text(temporary / RATINGS, _ratings())
        write_text(temporary / ITEMS, _items())
        names = {"ratings": RATINGS, "items": ITEMS, "config": CONFIG}
        write_text(temporary / "README.md", README.format(n_genres=len(GENRES), **names))
        configure(temporary / RATINGS, temporary / ITEMS, temporary / CONFIG)


def _titles() -> list[tuple[str, str]]:
    """Title and genre of each item: every genre has as many."""
    names = [f"The {adjective} {noun}" for adjective in ADJECTIVES for noun in NOUNS]
    return [(f"{genre}: {name}", genre) for name in names for genre in GENRES]


def _items() -> str:
    rows = (f"{number},{title},{genre}\n" for number, (title, genre) in enumerate(_titles(), start=1))
    return f"item,title,genre\n{''.join(rows)}"


def _ratings() -> str:
    draw = rng(SEED, "sample")
    genre = np.array([GENRES.index(name) for _, name in _titles()])
    quality, popularity = draw.normal(0, 0.4, len(genre)), draw.permutation(len(genre)) + 5
    rows = []
    for user in range(1, N_USERS + 1):
        likes = np.isin(genre, draw.choice(len(GENRES), 2, replace=False))
        chance = np.where(likes, CHOSEN, 1.0) / np.sqrt(popularity)
        n_chosen = draw.integers(N_RATINGS, 2 * N_RATINGS)
        chosen = draw.choice(len(genre), n_chosen, replace=False, p=chance / chance.sum())
        liking = 3.0 + draw.normal(0, 0.3) + quality + np.where(likes, LIKED, -LIKED / 2)
        stars = _stars(liking[chosen] + draw.normal(0, 0.5, len(chosen)))
        times = np.sort(START + draw.integers(0, SECONDS, len(chosen)))
        rows += [f"{user},{item + 1},{star},{time}\n" for item, star, time in zip(chosen, stars, times, strict=True)]
    return f"user,item,rating,timestamp\n{''.join(rows)}"


def _stars(liking: Array) -> Array:
    return np.clip(np.rint(liking), 1, 5).astype(np.int64)
