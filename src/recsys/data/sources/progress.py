"""Tells an observer, a few times a second, how far a file has been read."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from recsys.core.events import Loading, Observer

INTERVAL = 0.2  # seconds


class Progress:
    """Sends `Loading` events about one file, not more often than every 0.2 s."""

    def __init__(self, path: Path, observe: Observer) -> None:
        self._path = path
        self._observe = observe
        self._next = monotonic() + INTERVAL

    def now(self, done_bytes: int, total_bytes: int) -> None:
        """So much has been read."""
        if monotonic() >= self._next:
            self._next = monotonic() + INTERVAL
            self._observe(Loading(self._path, done_bytes, total_bytes))
