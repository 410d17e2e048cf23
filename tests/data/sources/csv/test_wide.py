"""Wide matrices: a row for each user, a column for each item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recsys.api.ratings import init, read_ratings
from recsys.config.loading.load import load_config
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.data.read import read_ratings as read
from recsys.data.sources.csv import wide_cells
from recsys.data.sources.csv.blocks import DoubtfulError

ITEMS = "a,b,c,d,e,f"
CELLS = "5,,1,,,2\n,3,NA,,4.5,\n99,1,,,,99\n"
RATINGS = [(1, "a", 5), (1, "c", 1), (1, "f", 2), (2, "b", 3), (2, "e", 4.5), (3, "b", 1)]


def rows_in(ratings: Any) -> list[tuple[Any, ...]]:
    ids = ratings.users.ids[ratings.user_idx].tolist(), ratings.items.ids[ratings.item_idx].tolist()
    return list(zip(*ids, ratings.rating.tolist(), strict=True))


def with_users(head: str) -> str:
    return f"{head},{ITEMS}\n" + "".join(f"{user},{row}\n" for user, row in enumerate(CELLS.splitlines(), start=1))


@pytest.mark.parametrize("head", ["userId", "", "who"])
def test_each_cell_with_a_number_is_a_rating(written: Any, head: str) -> None:
    data = written(with_users(head), layout="wide", no_rating=(99,))
    assert rows_in(read(data, ALONE).ratings) == RATINGS


def test_the_column_of_the_users_may_be_named(written: Any) -> None:
    text = "a,b,who\n5,1,x\n,2,y\n"
    data = written(text, layout="wide", columns={"user": "who"})
    assert rows_in(read(data, ALONE).ratings) == [("x", "a", 5), ("x", "b", 1), ("y", "b", 2)]


def test_items_whose_ids_are_numbers_are_a_header(written: Any) -> None:
    data = written("userId,10,20\n1,5,\n2,,3\n3,1,2\n", layout="wide")
    assert rows_in(read(data, ALONE).ratings) == [(1, 10, 5), (2, 20, 3), (3, 10, 1), (3, 20, 2)]


def test_without_a_header_users_and_items_are_numbered_and_a_count_is_left_out(written: Any) -> None:
    data = written("2,7.5,99,-3\n1,99,2.5,99\n2,99,1,4\n", layout="wide", no_rating=(99,))
    assert rows_in(read(data, ALONE).ratings) == [(1, 1, 7.5), (1, 3, -3), (2, 2, 2.5), (3, 2, 1), (3, 3, 4)]


@pytest.mark.parametrize(
    "text", [with_users("userId"), with_users(""), "".join(f"{k},1,2,,4,5,6,7\n" for k in range(9))]
)
def test_without_the_key_it_is_refused_with_the_key_as_the_hint(written: Any, text: str) -> None:
    data = written(text)
    with pytest.raises(DataError, match="wide matrix") as caught:
        read(data, ALONE)
    assert "data.layout: wide (init: --layout wide)" in str(caught.value.hint)


def test_a_single_column_is_no_matrix(written: Any) -> None:
    with pytest.raises(DataError, match="no delimiter was found"):
        read(written("user\na\nb\n", layout="wide"), ALONE)


def test_many_columns_beside_the_ratings_are_no_matrix(written: Any) -> None:
    data = written("user,item,rating,x,y,z,v,w\n" + "".join(f"{k},{k},{k},1,2,3,4,5\n" for k in range(4)))
    assert len(read(data, ALONE).ratings) == 4


def test_a_cell_that_is_no_number_and_a_pair_that_is_there_twice_are_located(written: Any) -> None:
    with pytest.raises(DataError) as caught:
        read(written("userId,a,b\n1,2,3\n2,good,1\n", layout="wide"), ALONE)
    assert str(caught.value.where).endswith("ratings.csv:3: column a")
    assert "take it out of the file" in str(caught.value.hint)
    with pytest.raises(DataError, match="rated item") as twice:
        read(written("userId,a,b\n1,2,3\n1,4,\n", layout="wide"), ALONE)
    assert str(twice.value.where).endswith("ratings.csv:3")
    with pytest.raises(DataError, match="two columns are called 'a'"):
        read(written("userId,a,a\n1,2,3\n1,4,\n", layout="wide"), ALONE)


def test_what_init_writes_is_read_again(written: Any, tmp_path: Path) -> None:
    data = written(with_users("userId"))
    seen = init(data.ratings, tmp_path / "c.yaml", layout="wide", no_rating=(99,))
    assert (seen.n_ratings, seen.n_users, seen.n_items) == (6, 3, 5)
    config = load_config(tmp_path / "c.yaml", [])
    assert config.data.layout == "wide"
    assert rows_in(read(config.data.model_copy(update={"no_rating": (99,)}), ALONE).ratings) == RATINGS
    assert len(read_ratings(data.ratings, layout="wide").ratings) == 8


def test_a_row_for_each_item_is_read_too(written: Any) -> None:
    text = "movie,ann,bob,cid,dan,eve\nHeat,5,,1,,2\nUp,,3,,4.5,\n"
    with pytest.raises(DataError, match="wide matrix"):
        read(written(text), ALONE)
    ratings = [("ann", "Heat", 5), ("cid", "Heat", 1), ("eve", "Heat", 2), ("bob", "Up", 3), ("dan", "Up", 4.5)]
    assert rows_in(read(written(text, layout="wide"), ALONE).ratings) == ratings
    named = written(text.replace("movie", "what"), layout="wide", columns={"item": "what"})
    assert rows_in(read(named, ALONE).ratings) == ratings


SHAPES = {
    "plain": ("user,a,b,c\n1,5,,1\n2,,3,4.5\n3,,,\n4,1,2,3\n", {}),
    "quoted": ('user,"a, x",b,c\n"1, x","5","","1"\n2,,3,4.5\n', {}),
    "decimal commas": ("user;a;b\n1;4,5;\n2;;3\n", {}),
    "codes": ("user,a,b\n1,4.5,99\n2,n,3\n3,99,99\n", {"no_rating": (99, "n")}),
    "numbered": ("1,99,5,99,2.5\n2,3,4,99,99\n1,1,99,99,99\n", {"no_rating": (99,)}),
    "numbered, with an empty row": ("4.5,,1\n,,\n2,3,\n", {"header": False}),
    "blanks and other spellings": ("user,a,b\n 1 , 5 ,NA\n2, NA ,1e0\n", {}),
    "an odd row in the middle": ("user,a,b\n1,5,\n" + ",,\n" + "2,,3\n", {}),
    "two pipes": ("user||a||b\n1||5||\n2||||3\n", {}),
    "latin-1": ("user,a,b\nZoë,5,\n2,,3\n", {"encoding": "latin-1"}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_both_readers_give_the_same_cells(written: Any, monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    text, options = SHAPES[shape]
    data = written(text, layout="wide", **options)
    monkeypatch.setattr(wide_cells, "BLOCK", 16)
    fast = rows_in(read(data, ALONE).ratings)

    def doubtful(*_: object) -> Any:
        raise DoubtfulError("anything")

    monkeypatch.setattr(wide_cells, "_fast", doubtful)
    assert rows_in(read(data, ALONE).ratings) == fast
    assert fast


def test_what_stands_for_no_rating_in_init_does_so_in_training(written: Any, tmp_path: Path) -> None:
    data = written(with_users("userId").replace("NA", "?"))
    init(data.ratings, tmp_path / "c.yaml", layout="wide")
    assert len(read(load_config(tmp_path / "c.yaml", []).data, ALONE).ratings) == 8
