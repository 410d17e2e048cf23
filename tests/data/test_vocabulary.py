from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.data.vocabulary import UNKNOWN, Vocabulary, is_canonical_int, only_counted, union

INT64 = st.integers(-(2**63), 2**63 - 1)


def numbers(*ids: int) -> Vocabulary:
    return Vocabulary(np.array(ids, dtype=np.int64))


def texts(*ids: str) -> Vocabulary:
    return Vocabulary(np.array(ids, dtype=object))


def test_an_id_has_the_index_of_its_place_and_others_are_unknown() -> None:
    idx = numbers(-7, 3, 10).index([10, -7, 4, 99, -8, 3])
    assert idx.tolist() == [2, 0, UNKNOWN, UNKNOWN, UNKNOWN, 1]
    assert idx.dtype == np.int32


def test_texts_keep_their_leading_zeros_apart() -> None:
    assert texts("007", "07", "7").index(["7", "07", "0007"]).tolist() == [2, 1, UNKNOWN]


def test_an_empty_vocabulary_knows_nobody() -> None:
    assert numbers().index([1, 2]).tolist() == [UNKNOWN, UNKNOWN]
    assert len(numbers()) == 0


@given(st.sets(INT64, min_size=1), st.lists(INT64))
def test_index_is_the_inverse_of_ids_for_numbers(known: set[int], others: list[int]) -> None:
    check_index(Vocabulary(np.array(sorted(known), dtype=np.int64)), known, others)


@given(st.sets(st.text(), min_size=1), st.lists(st.text()))
def test_index_is_the_inverse_of_ids_for_texts(known: set[str], others: list[str]) -> None:
    check_index(texts(*sorted(known)), known, others)


def check_index(vocabulary: Vocabulary, known: set[Any], others: list[Any]) -> None:
    wanted = np.empty(len(others) + len(known), dtype=vocabulary.ids.dtype)
    wanted[:] = [*others, *known]
    for raw_id, idx in zip(wanted.tolist(), vocabulary.index(wanted).tolist(), strict=True):
        assert idx == UNKNOWN if raw_id not in known else vocabulary.ids[idx] == raw_id


@pytest.mark.parametrize("text", ["0", "7", "-3", str(2**63 - 1), str(-(2**63))])
def test_a_number_is_read_as_an_id(text: str) -> None:
    assert is_canonical_int(text)
    assert numbers(1).parse(text) == int(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "007",
        "+7",
        "-0",
        "-0.0",
        "7.5",
        "7.",
        ".0",
        "1e3",
        "７",
        "x",
        str(2**63),
        str(-(2**63) - 1),
        "9" * 5000,
    ],
)
def test_text_that_is_no_number_as_python_writes_it_cannot_be_a_numeric_id(text: str) -> None:
    assert not is_canonical_int(text)
    assert numbers(1).parse(text) is None


@pytest.mark.parametrize("text", ["7.0", "7.00", " 7", "7 "])
def test_a_whole_number_may_be_written_as_a_float_and_between_blanks(text: str) -> None:
    assert numbers(1).parse(text) == 7


def test_any_text_can_be_a_text_id() -> None:
    assert [texts("a").parse(text) for text in ("007", "", "-1")] == ["007", "", "-1"]


def test_the_nearest_id_has_the_vocabularys_type() -> None:
    assert numbers(1234, 9).nearest("1235") == 1234
    assert texts("alice", "bob").nearest("alcie") == "alice"
    assert texts("alice", "bob").nearest("zzzz") is None


def test_the_id_type_says_what_raw_ids_are() -> None:
    assert (numbers(1).id_type, texts("1").id_type) == (int, str)


def test_a_union_holds_the_ids_of_both_once_and_sorted() -> None:
    assert union(numbers(1, 3), numbers(2, 3)).ids.tolist() == [1, 2, 3]
    both = union(texts("b"), texts("a", "ä"))
    assert (both.ids.tolist(), both.id_type) == (["a", "b", "ä"], str)


@pytest.mark.parametrize("ids", [[3, 7], ["007", "a"]])
def test_the_id_at_an_index_is_pythons_own(ids: list[int | str]) -> None:
    vocabulary = Vocabulary(np.array(ids, dtype=object if isinstance(ids[0], str) else np.int64))
    assert [vocabulary.id_at(idx) for idx in range(2)] == ids
    assert type(vocabulary.id_at(np.int64(1))) is type(ids[0])


def test_indices_of_entries_that_count_nothing_are_unknown() -> None:
    idx, counts = np.array([0, 1, 2, -1], np.int32), np.array([3, 0, 1])
    assert only_counted(idx, counts).tolist() == [0, -1, 2, -1]
    assert only_counted(idx, counts).dtype == np.int32
    assert only_counted(idx, counts + 1) is idx
