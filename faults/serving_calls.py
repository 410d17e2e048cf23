"""Calls of a recommender, in a process of their own: by many threads at once, or one method a hundred thousand times.

python -m faults.serving_calls threads RUN SECONDS SEED, or memory RUN CALLS SEED METHOD; prints JSON.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import recsys
from recsys.core.errors import UnknownIdError, UsageError
from recsys.inference.candidates import ItemFilter
from recsys.inference.recommender import Recommender

N_THREADS = 16
N_ANSWERS = 300  # that are computed by one thread before
STAGES = 5  # of the calls of a method; memory is compared after the second one, since pages are kept for reuse
Draw = random.Random
Call = Callable[[Recommender, Draw], object]


def _user(model: Recommender, draw: Draw) -> int:
    """Of one with training ratings, as most have."""
    has_ratings = model.bundle.counts["rating"].users > 0
    while not has_ratings[user := draw.randrange(len(has_ratings))]:
        pass
    return int(model.bundle.users.id_at(user))


def _item(model: Recommender, draw: Draw) -> int:
    has_ratings = model.bundle.counts["rating"].items > 0
    while not has_ratings[item := draw.randrange(len(has_ratings))]:
        pass
    return int(model.bundle.items.id_at(item))


def _items(model: Recommender, draw: Draw) -> list[int]:
    return sorted({_item(model, draw) for _ in range(5)})


def _unknown(model: Recommender, draw: Draw) -> object:
    """Errors keep nothing, and no cache grows with ids that nobody knows."""
    try:
        return model.predict(draw.randrange(10**9, 10**12), _item(model, draw))
    except UnknownIdError as error:
        return str(error)


def _refused(model: Recommender, draw: Draw) -> object:
    try:
        return model.recommend(_user(model, draw), where=f"genre{draw.random()}=x")
    except UsageError as error:
        return str(error)


def _visitor(model: Recommender, draw: Draw, **by: Any) -> object:
    items = _items(model, draw)
    return model.recommend_for(items, [draw.randint(1, 5) for _ in items], **by)


CALLS: dict[str, Call] = {
    "predict": lambda model, draw: model.predict(_user(model, draw), _item(model, draw)),
    "predict with an interval": lambda model, draw: model.predict(
        _user(model, draw), _item(model, draw), interval=draw.choice((0.5, 0.8, 0.9))
    ),
    "predict for a new user": lambda model, draw: model.predict(
        draw.randrange(10**9, 10**12), _item(model, draw), on_unknown="mean"
    ),
    "predict, refused": _unknown,
    "recommend": lambda model, draw: model.recommend(_user(model, draw)),
    "recommend by rating": lambda model, draw: model.recommend(
        _user(model, draw), 5, by="rating", min_ratings=2, exclude=_items(model, draw)
    ),
    "recommend, filtered": lambda model, draw: model.recommend(
        _user(model, draw), where=f"title!=Film {draw.randrange(99)}", candidates=_items(model, draw)
    ),
    "recommend, refused": _refused,
    "recommend_for": _visitor,
    "recommend_for by rating": lambda model, draw: _visitor(model, draw, by="rating"),
    "similar": lambda model, draw: model.similar(_item(model, draw)),
    "similar by rating": lambda model, draw: model.similar(_item(model, draw), by="rating"),
    "explain": lambda model, draw: model.explain(_user(model, draw), _item(model, draw)),
    "explain_ranking": lambda model, draw: model.explain_ranking(_user(model, draw), _item(model, draw)),
    "ruled_out": lambda model, draw: model.ruled_out(_user(model, draw), ItemFilter(min_ratings=3)),
    "ruled_out_for": lambda model, draw: model.ruled_out_for(_items(model, draw), ItemFilter(min_ratings=3)),
    "search_items": lambda model, draw: recsys.search_items(model, f"film {draw.randrange(10**6)}"),
    "find_item_id": lambda model, draw: recsys.find_item_id(model, f"Film {draw.randrange(10**6)}"),
}


def call_by_threads(run: str, seconds: float, seed: int) -> dict[str, object]:
    """How many calls 16 threads make of one recommender, and which answers differ from those of one thread alone."""
    names = list(CALLS)

    def answered(model: Recommender, number: int) -> str:
        return repr(CALLS[names[number % len(names)]](model, Draw(f"{seed} {number}")))

    alone = recsys.load(run)
    expected = [answered(alone, number) for number in range(N_ANSWERS)]
    model, different, counts = recsys.load(run), set[str](), [0] * N_THREADS
    begun, until = time.process_time(), time.monotonic() + seconds

    def work(thread: int) -> None:
        draw = Draw(f"{seed} thread {thread}")
        while time.monotonic() < until:
            number = draw.randrange(N_ANSWERS)
            if answered(model, number) != expected[number]:
                different.add(names[number % len(names)])
            counts[thread] += 1

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"calls": sum(counts), "cpu_seconds": time.process_time() - begun, "different": sorted(different)}


def grow(run: str, n_calls: int, seed: int, name: str) -> dict[str, int]:
    """By how many bytes the process grows with the calls of a method, after the first two fifths of them."""
    model, draw, sizes = recsys.load(run), Draw(seed), []
    for _ in range(STAGES):
        for _ in range(n_calls // STAGES):
            CALLS[name](model, draw)
        gc.collect()
        sizes.append(_resident())
    return {"grown": sizes[-1] - sizes[1]}


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def main() -> None:
    """Prints what a command comes to."""
    what, run, amount, seed, *method = sys.argv[1:]
    answer: dict[str, Any] = (
        call_by_threads(run, float(amount), int(seed))
        if what == "threads"
        else grow(run, int(amount), int(seed), *method)
    )
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
