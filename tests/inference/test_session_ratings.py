from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.core.errors import DataError, RunError, UnknownIdError
from recsys.inference.recommender import Recommender
from recsys.inference.session_ratings import read_session_ratings
from recsys.workflows.fold_in_run import fold_in_run

RATED = {100: 5.0, 110: 1.0, 120: 4.5, 130: 2.0}


@pytest.mark.parametrize(
    "head", ["movieId,rating\n{}", "item,stars\n{}", "{}", "userId,movieId,rating\n9,{}", "user,item,rating\n9,{}"]
)
def test_a_file_of_items_and_ratings_is_read_with_or_without_a_user(
    head: str, numbers: Recommender, tmp_path: Path
) -> None:
    begin, row = head.split("{")[0].rsplit("\n", 1) if "\n" in head else ("", "")
    lines = [f"{row}{item},{rating}" for item, rating in RATED.items()]
    (tmp_path / "visitor.csv").write_text("\n".join([begin, *lines] if begin else lines) + "\n")
    session = read_session_ratings(numbers.bundle, tmp_path / "visitor.csv")
    assert session.user_id == ("9" if row else None)
    assert dict(zip(map(int, session.item_ids), session.ratings.tolist(), strict=True)) == RATED


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("userId,movieId,rating\n9,100,5\n8,101,4\n", "the ratings are of 2 users", ""),
        ("movieId,rating\n100,5\n101,4\n100,3\n", "item 100 was rated before", ":4"),
        ("movieId,rating\n100,five\n", "'five' is not a number", ":2: column rating"),
        ("movieId,when\n100,5\n", "no column of ratings", ""),
    ],
)
def test_a_file_that_cannot_be_a_visitor_s_is_refused(
    text: str, what: str, line: str, numbers: Recommender, tmp_path: Path
) -> None:
    (tmp_path / "visitor.csv").write_text(text)
    with pytest.raises(DataError, match=what) as caught:
        read_session_ratings(numbers.bundle, tmp_path / "visitor.csv")
    assert caught.value.where == f"{tmp_path / 'visitor.csv'}{line}"


@pytest.mark.parametrize("run", ["finished", "finished_ranked"])
def test_a_visitor_gets_what_they_would_get_as_a_folded_in_user(
    run: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    parent: Path = request.getfixturevalue(run)
    rows = "".join(f"77,{item},{rating}\n" for item, rating in RATED.items())
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n" + rows)
    fold_in_run(parent, tmp_path / "new.csv", tmp_path / "run")
    stored = Recommender.open(tmp_path / "run").recommend(77, 7)
    on_the_fly = Recommender.open(parent).recommend_for([*RATED], [*RATED.values()], 7)
    assert [item.item_id for item in on_the_fly] == [item.item_id for item in stored]
    np.testing.assert_allclose([item.score for item in on_the_fly], [item.score for item in stored], rtol=1e-5)


def test_what_a_visitor_rated_is_left_out_and_unknown_items_say_nothing(numbers: Recommender) -> None:
    n_items = len(numbers.bundle.items)
    items = numbers.recommend_for([*RATED], [*RATED.values()], n_items)
    assert {item.item_id for item in items} == set(numbers.bundle.items.ids.tolist()) - set(RATED)
    assert numbers.recommend_for([*RATED, 999, "no id"], [*RATED.values(), 1, 1], n_items) == items
    assert numbers.recommend_for([str(item) for item in RATED], [*RATED.values()], n_items) == items
    assert [item.item_id for item in numbers.recommend_for([100], [5], candidates=[100, 105, 106])] != []


def test_opposite_tastes_get_different_items(numbers: Recommender) -> None:
    liked, disliked = (
        [item.item_id for item in numbers.recommend_for([*range(100, 120)], stars, 10)]
        for stars in ([5.0, 1.0] * 10, [1.0, 5.0] * 10)
    )
    assert liked != disliked


def test_a_visitor_of_unknown_items_only_is_refused(numbers: Recommender) -> None:
    with pytest.raises(UnknownIdError, match="none of the 2 rated items"):
        numbers.recommend_for([998, 999], [5, 4])


def test_a_sigmoid_is_refused(texts: Recommender) -> None:
    with pytest.raises(RunError, match="cannot be folded into"):
        texts.recommend_for(["1e5"], [5])


def test_who_has_only_met_items_is_ranked_for(finished_ranked: Path, tmp_path: Path) -> None:
    recommender = Recommender.open(finished_ranked)
    (tmp_path / "met.csv").write_text("movieId\n100\n110\n")
    session = read_session_ratings(recommender.bundle, tmp_path / "met.csv")
    assert np.isnan(session.ratings).all()
    listed = recommender.recommend_for(session.item_ids, None, 5, by="ranking")
    assert len(listed) == 5
    assert not {100, 110} & {item.item_id for item in listed}
