"""Words in messages: lists and counts as people write them, and texts that are too long."""

from __future__ import annotations

from collections.abc import Iterable


def joined(words: Iterable[str], last: str = "or") -> str:
    """ "a, b or c"."""
    listed = list(words)
    return f" {last} ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def shortened(text: str, n: int = 60) -> str:
    """The first n signs, the last of them "…" where some were left out."""
    return text if len(text) <= n else f"{text[: n - 1]}…"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """ "1 user", "2,000 users".

    Args:
        plural: of a noun that does not end in s then.
    """
    return f"{n:,} {noun if n == 1 else plural or f'{noun}s'}"
