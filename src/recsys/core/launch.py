"""Whether this process is one of several ranks that torchrun, or whatever sets the same variables, has started."""

from __future__ import annotations

import os
from dataclasses import dataclass

from recsys.core.errors import UsageError

MOST_RANKS = 4096  # far more than there is work for
VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Launch:
    """How this process was started.

    Attributes:
        host, port: where the ranks meet.
        has_store: whether the launcher serves that place, and goes on to when it starts the ranks again.
    """

    rank: int
    size: int
    host: str
    port: int
    has_store: bool


def launch() -> Launch | None:
    """That of a rank of several; None for a process of its own.

    Raises:
        UsageError: a variable is not a number.
    """
    if not all(name in os.environ for name in VARIABLES) or _number("WORLD_SIZE") == 1:
        return None
    return Launch(
        rank=_number("RANK"),
        size=_number("WORLD_SIZE"),
        host=os.environ["MASTER_ADDR"],
        port=_number("MASTER_PORT"),
        has_store=os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
    )


def ranks_on_this_host() -> int:
    """Between how many ranks the cores of this host are shared."""
    return max(1, _number("LOCAL_WORLD_SIZE")) if "LOCAL_WORLD_SIZE" in os.environ else 1


def _number(name: str) -> int:
    text = os.environ[name]
    if not text.isascii() or not text.isdigit():
        raise UsageError(
            f"the environment variable {name} is {text!r}",
            expected="a number, as torchrun sets it",
            hint=f"unset {name}",
        )
    return int(text)
