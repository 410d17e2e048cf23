"""The only way to a random number: a generator derived from what it is for."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np


def rng(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """A generator that depends on (seed, purpose, numbers) and on nothing that was drawn before.

    Nothing about it needs to be stored: whoever resumes at epoch 7 asks for rng(seed, "shuffle", 7) again.

    Args:
        seed: the run's seed, at least 0.
        purpose: what the numbers are for, such as "split" or "shuffle".
        numbers: what else tells one draw from another, such as the epoch.
    """
    words = b"".join((_words(seed), _name(purpose), *map(_words, numbers)))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(np.frombuffer(words, "<u4").astype(np.uint32))))


def skip(random: np.random.Generator, n: int) -> None:
    """Goes past the next n numbers of `random.random`, in no time."""
    bits = random.bit_generator
    assert isinstance(bits, np.random.PCG64)
    bits.advance(n)


@cache
def _name(purpose: str) -> bytes:
    return _words(int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little"))


def _words(number: int) -> bytes:
    """What SeedSequence, in three times the time, would make of a number: whole words of 32 bits."""
    number = int(number)
    return number.to_bytes(4 * max(1, -(-number.bit_length() // 32)), "little")
