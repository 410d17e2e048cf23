"""The command line, as `recsys` and as `python -m recsys`."""

from __future__ import annotations

import os
import signal
from types import FrameType

from recsys.core.signals import stopping_signals


def main() -> None:
    """The process of one command."""
    for number in stopping_signals():
        signal.signal(number, _end)  # until there is a command that says more
    from recsys.cli.app import main as answer

    answer()


def _end(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
