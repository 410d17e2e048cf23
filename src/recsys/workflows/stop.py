"""A training that is asked to stop ends its epoch first, where that takes a moment, so that the epoch is kept."""

from __future__ import annotations

import time

from recsys.core.errors import StoppedError
from recsys.core.events import Event, Observer, Step

MOMENT = 10.0  # seconds


class EpochEnder:
    """An observer of a fit. What it is stopped by in the middle of an epoch is raised after the epoch's last step."""

    def __init__(self, observe: Observer) -> None:
        self._observe = observe
        self._stopped: StoppedError | None = None
        self._began = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Raises what `observe` raises."""
        is_step = isinstance(event, Step)
        if self._stopped is None:
            try:
                self._observe(event)
            except StoppedError as stopped:
                if not isinstance(event, Step) or self._seconds_left(event) > MOMENT:
                    raise
                self._stopped = stopped
        elif not is_step:
            raise self._stopped
        if not is_step:
            self._began = time.monotonic()

    def _seconds_left(self, step: Step) -> float:
        """Until the epoch ends, if it goes on as it began; of one that has just begun, who knows."""
        share = step.done / step.total
        return (time.monotonic() - self._began) * (1 - share) / share if share else float("inf")
