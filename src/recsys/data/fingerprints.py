"""The fingerprints of what is read, taken while it is read: of each file by one of the ranks that see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from recsys.core.collectives import text_of_each
from recsys.core.communicator import Communicator
from recsys.core.processes import machine
from recsys.data.sources.origin import Origin
from recsys.data.sources.protocol import Source
from recsys.data.sources.several import files_of
from recsys.data.sources.stored import fingerprint
from recsys.data.sources.streams import on_disk


@contextmanager
def fingerprints_beside(
    origins: Sequence[Origin], sources: Sequence[Source], communicator: Communicator
) -> Iterator[Callable[[], list[str]]]:
    """Takes them in a thread from here on; all ranks call what it gives, which waits for those of all sources.

    Ranks that see the same file take its sha256 once, and tell each other. Copies on several hosts have one each.
    """
    files = [file for origin in origins if isinstance(origin, Path | tuple) for file in files_of(origin)]
    places = {file: _place(file, communicator) for file in files}
    taker = _takers(places.values(), communicator)
    with ThreadPoolExecutor(1) as pool:
        # hashlib lets other threads run
        own = {
            place: pool.submit(fingerprint, file) for file, place in places.items() if taker[place] == communicator.rank
        }
        tables = {
            number: pool.submit(sources[number].fingerprint)
            for number, origin in enumerate(origins)
            if not isinstance(origin, Path | tuple)
        }

        def result() -> list[str]:
            taken = json.dumps({place: digest.result() for place, digest in own.items()})
            every = dict[str, str]()
            for of_rank in text_of_each(taken, communicator):
                every |= json.loads(of_rank)
            return [
                tables[number].result() if number in tables else source.fingerprint(lambda file: every[places[file]])
                for number, source in enumerate(sources)
            ]

        yield result


def _takers(places: Collection[str], communicator: Communicator) -> dict[str, int]:
    """For each place of a file the rank that reads it: the ranks that see files take turns."""
    ranks = dict[str, list[int]]()
    for rank, of_rank in enumerate(text_of_each(json.dumps(list(places)), communicator)):
        for place in dict.fromkeys(json.loads(of_rank)):
            ranks.setdefault(place, []).append(rank)
    return {place: seen_by[number % len(seen_by)] for number, (place, seen_by) in enumerate(ranks.items())}


def _place(file: Path, communicator: Communicator) -> str:
    """Equal for ranks that see the same file, of the same content; else different."""
    facts = on_disk(file).stat()
    where = machine() or f"rank {communicator.rank}"
    return f"{where} {facts.st_dev} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns}"
