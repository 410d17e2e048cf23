from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.artifacts.texts import pack_ids, pack_texts, unpack_ids, unpack_texts
from recsys.core.types import Counts
from recsys.data.vocabulary import Vocabulary

TEXT = st.text(st.characters(codec="utf-8"))


@given(st.lists(TEXT))
def test_texts_come_back_as_they_were(texts: list[str]) -> None:
    array = unpack_texts("titles", pack_texts("titles", texts))
    assert array.tolist() == texts
    assert array.dtype == object


def test_texts_lie_end_to_end() -> None:
    packed = pack_texts("ids", ["ab", "", "é"])
    assert packed["ids.offsets"].tolist() == [0, 2, 2, 4]
    assert packed["ids.utf8"].tobytes() == "abé".encode()


@pytest.mark.parametrize(
    "ids", [np.array([-(2**63), -1, 0, 2**63 - 1]), np.array(["", "007", "7", "née"], dtype=object)]
)
def test_ids_come_back_with_their_type(ids: Counts) -> None:
    vocabulary = unpack_ids(pack_ids(Vocabulary(ids)))
    assert vocabulary.ids.tolist() == ids.tolist()
    assert vocabulary.id_type is (str if ids.dtype == object else int)
