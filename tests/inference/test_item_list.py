from __future__ import annotations

from pathlib import Path

import pytest

from recsys.core.errors import UnknownIdError
from recsys.core.events import silent
from recsys.inference.item_list import read_candidates, read_item_list
from recsys.inference.recommender import Recommender


@pytest.mark.parametrize("head", ["movieId\n", ""])
def test_items_are_listed_by_column_or_one_a_line_and_the_unknown_counted(
    head: str, numbers: Recommender, tmp_path: Path
) -> None:
    path = tmp_path / "items.txt"
    path.write_text(f"{head}105\n7\n100\nx\n")
    listed = read_item_list(numbers.bundle, path, silent)
    assert (listed.item_ids, listed.n_unknown) == ([105, 100], 2)
    assert read_candidates(numbers.bundle, path, silent) == listed


def test_candidates_of_which_none_is_known_are_refused(numbers: Recommender, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("movieId\n7\n8\n")
    with pytest.raises(UnknownIdError, match="none of the 2 candidates"):
        read_candidates(numbers.bundle, path, silent)
    assert read_item_list(numbers.bundle, path, silent).n_unknown == 2
