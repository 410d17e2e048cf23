"""Words in messages: lists and counts as people write them, and texts that are too long."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

# What moves the cursor, ends a line, rings, or turns the direction of what follows; joiners of letters are none.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def joined(words: Iterable[str], last: str = "or") -> str:
    """ "a, b or c"."""
    listed = list(words)
    return f" {last} ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def some(words: Iterable[str], n: int = 12) -> str:
    """ "a, b, c", or the first n with how many there are: "a, b, … (3,000 in all)"."""
    listed = list(words)
    return ", ".join(listed) if len(listed) <= n else f"{', '.join(listed[:n])}, … ({len(listed):,} in all)"


def shortened(text: str, n: int = 60) -> str:
    """The first n signs, the last of them "…" where some were left out."""
    return text if len(text) <= n else f"{text[: n - 1].rstrip()}…"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """ "1 user", "2,000 users".

    Args:
        plural: of a noun that does not end in s then.
    """
    return f"{n:,} {noun if n == 1 else plural or f'{noun}s'}"


def one_line(text: str) -> str:
    """A text with control characters written as escapes, so that it cannot drive a terminal or pass for two lines."""
    if text.isprintable():
        return text
    return UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def printable(text: str) -> str:
    """The same line by line."""
    return text if text.isprintable() else "\n".join(map(one_line, text.split("\n")))


def shell_word(text: str) -> str:
    """A text as it is typed in a shell; with control characters as bash and zsh read them."""
    if UNPRINTABLE.search(text) is None:
        return shlex.quote(text)
    quoted = text.replace("\\", r"\\").replace("'", r"\'")
    escaped = UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
    return f"$'{escaped}'"


def shell_command(words: Iterable[str]) -> str:
    """A command as it is typed in a shell."""
    return " ".join(map(shell_word, words))
