"""Lists of words as people write them."""

from __future__ import annotations

from collections.abc import Iterable


def joined(words: Iterable[str], last: str = "or") -> str:
    """ "a, b or c"."""
    listed = list(words)
    return f" {last} ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
