from __future__ import annotations

import hashlib

import numpy as np
import pytest

from recsys.core.seeding import rng


def test_the_same_purpose_gives_the_same_numbers_whatever_was_drawn_before() -> None:
    first = rng(42, "shuffle", 3).random(5)
    rng(42, "init").random(1000)
    np.testing.assert_array_equal(rng(42, "shuffle", 3).random(5), first)


@pytest.mark.parametrize("other", [(43, "shuffle", 3), (42, "split", 3), (42, "shuffle", 4), (42, "shuffle", 3, 1)])
def test_another_seed_purpose_or_number_gives_other_numbers(other: tuple[int, str, int]) -> None:
    assert not np.array_equal(rng(*other).random(5), rng(42, "shuffle", 3).random(5))


def test_the_numbers_stay_what_they_were_in_earlier_versions() -> None:
    assert rng(0, "split").integers(1000, size=4).tolist() == [530, 496, 833, 300]
    assert rng(42, "shuffle", 3).permutation(6).tolist() == [3, 0, 1, 2, 4, 5]


@pytest.mark.parametrize("number", [0, 1, 2**32 - 1, 2**32, 2**64 + 5, np.int64(7)])
def test_numbers_of_any_size_are_taken_as_numpy_takes_them(number: int) -> None:
    name = int.from_bytes(hashlib.sha256(b"split").digest()[:8], "little")
    plain = np.random.Generator(np.random.PCG64(np.random.SeedSequence([number, name, 3, number])))
    assert rng(number, "split", 3, number).random() == plain.random()


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(OverflowError):
        rng(-1, "split")


def test_global_state_is_neither_read_nor_changed() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 -- the state that must stay as it is
    rng(1, "init").random(10)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
