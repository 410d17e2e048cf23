"""Folding in what is known of new items, without and with ratings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import recsys
from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.feature_priors import read_priors
from recsys.artifacts.metrics import read_metrics
from recsys.config.schema.config import Config
from recsys.core.errors import DataError, RunError, UsageError
from recsys.core.files import sha256
from recsys.inference.fold_in import FEATURED, item_prior
from recsys.inference.recommender import Recommender
from recsys.scoring.affinities import weight_after
from tests.conftest import SMALL_RANKING

NEW_ITEMS = "movieId,title,colour\n500,New red,red\n501,New green,green\n502,Colourless,\n100,Known,red\n"
NEW_RATINGS = "userId,movieId,rating\n3,500,5\n4,500,4.5\n5,777,2\n"


@pytest.fixture(scope="module")
def featured(small: Callable[..., Config], ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("featured")
    rated = np.array([row.split(",")[1:3] for row in ratings_csv.read_text().splitlines()[1:]], dtype=float)
    means = {item: rated[rated[:, 0] == item, 1].mean() for item in range(100, 150)}
    liked = {item: means.get(item, item % 2) > (2.8 if item < 150 else 0) for item in range(100, 160)}
    rows = "".join(f"{item},Film {item},{'red' if liked[item] else 'green'}\n" for item in range(100, 160))
    (folder / "films.csv").write_text("movieId,title,colour\n" + rows)
    data = {"items": str(folder / "films.csv"), "item_features": "items"}
    recsys.train(small(data=data, ranking=SMALL_RANKING), folder / "run")
    (folder / "new.csv").write_text(NEW_ITEMS)
    (folder / "ratings.csv").write_text(NEW_RATINGS)
    return folder


@pytest.fixture(scope="module")
def child(featured: Path) -> Path:
    recsys.fold_in(None, featured / "run", featured / "child", items=featured / "new.csv")
    return featured / "child"


@pytest.fixture(scope="module")
def rated(featured: Path) -> Path:
    recsys.fold_in(featured / "ratings.csv", featured / "run", featured / "rated", items=featured / "new.csv")
    return featured / "rated"


def test_items_of_the_features_file_that_nobody_has_rated_are_served_at_once(featured: Path) -> None:
    model = recsys.load(featured / "run")
    assert model.predict(1, 155).from_features == ("item",)
    assert model.predict(1, 155).title == "Film 155"
    assert model.predict(1, 120).from_features == ()


def test_new_items_are_added_from_features_alone(featured: Path, child: Path) -> None:
    report = (read_metrics(child) or {})["parent"]  # type: ignore[typeddict-item]
    assert (report["n_new_items"], report["n_items_from_features"], report["ratings"]) == (0, 2, None)
    assert report["features"]["item"]["sha256"] == sha256(featured / "new.csv")
    model = recsys.load(child)
    red, other = model.predict(1, 500), recsys.load(featured / "run").predict(1, 155)
    assert red.title == "New red"
    assert (red.rating, red.from_features) == (other.rating, ("item",))
    listed = model.recommend(1, 60, include_new=True)
    assert {500, 501, 159} <= {item.item_id for item in listed}
    assert 502 not in {item.item_id for item in listed}
    assert model.similar(500, 3)


def test_those_whom_the_parent_knows_keep_their_bits(featured: Path, child: Path, rated: Path) -> None:
    before = open_bundle(featured / "run")
    for folder in (child, rated):
        after = open_bundle(folder)
        places = after.items.index(before.items.ids)
        for name in ("rating", "ranking"):
            own, old = (bundle.scorers[name].linear_rows("item") for bundle in (after, before))
            assert own is not None
            np.testing.assert_array_equal(own[places], old)


def test_ratings_move_the_row_that_features_tell(featured: Path, rated: Path) -> None:
    parent, bundle = open_bundle(featured / "run"), open_bundle(rated)
    prior, features = read_priors(parent)["rating"]["item"], bundle.features("item")
    assert features is not None
    own_features = features.matrix_of(type(bundle.items)(np.array([500])))
    (mean,) = prior.rows(own_features)
    factors, plain = parent.factors, item_prior(parent)
    users = parent.users.index([3, 4])
    rows = np.column_stack([np.ones(2), factors.user_factors[users]])
    precision = np.linalg.pinv(prior.root @ prior.root.T)
    assert factors.affinities is not None
    affinity = weight_after(np.array(2)) * factors.affinities.of_features(users, own_features.take(np.zeros(2, int)))
    assert affinity.all()
    target = np.array([5, 4.5]) - factors.global_mean - factors.user_bias[users] - affinity - rows @ mean
    noise = FEATURED * plain.noise
    solved = mean + np.linalg.solve(rows.T @ rows / noise + precision, rows.T @ target / noise)
    own = bundle.factors.linear_rows("item")[bundle.items.index([500])[0]]
    assert_allclose(own, solved, rtol=1e-3, atol=1e-4)
    assert bundle.factors.affinities is not None
    both = np.repeat(bundle.items.index([500]), 2)
    np.testing.assert_allclose(bundle.factors.affinities.score(users, both), affinity, rtol=1e-5, atol=1e-7)
    assert bundle.counts["rating"].items[bundle.items.index([500])[0]] == 2


def test_a_new_item_without_features_starts_from_the_mean_row(featured: Path, rated: Path, tmp_path: Path) -> None:
    recsys.fold_in(featured / "ratings.csv", featured / "run", tmp_path / "alone")
    with_features, alone = (Recommender.open(folder) for folder in (rated, tmp_path / "alone"))
    assert with_features.predict(1, 777).rating == alone.predict(1, 777).rating
    assert with_features.predict(1, 500).rating != alone.predict(1, 500).rating


def test_a_folded_in_run_can_be_folded_into_and_updated_again(child: Path, tmp_path: Path) -> None:
    (tmp_path / "later.csv").write_text("userId,movieId,rating\n3,501,4\n4,501,4.5\n")
    recsys.fold_in(tmp_path / "later.csv", child, tmp_path / "second")
    second = recsys.load(tmp_path / "second")
    assert second.predict(1, 501).known_item
    assert second.predict(1, 501).title == "New green"
    assert second.predict(1, 500).from_features == ("item",)


@pytest.mark.parametrize(
    ("rows", "error", "what"),
    [
        ("movieId,colour\n500,red\n500,green\n", DataError, "a second time"),
        ("colour,weight\nred,1\n", DataError, "no column of item ids"),
        ("movieId,colour\n500,red\nnew,green\n", DataError, "the item id 'new' is not a whole number"),
    ],
)
def test_other_files_are_refused(featured: Path, tmp_path: Path, rows: str, error: type[Exception], what: str) -> None:
    (tmp_path / "new.csv").write_text(rows)
    with pytest.raises(error, match=what):
        recsys.fold_in(None, featured / "run", tmp_path / "run", items=tmp_path / "new.csv")


def test_a_run_without_features_takes_none(finished: Path, featured: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="learned nothing of features of items"):
        recsys.fold_in(None, finished, tmp_path / "run", items=featured / "new.csv")
    with pytest.raises(RunError, match="learned nothing of features of users"):
        recsys.fold_in(None, featured / "run", tmp_path / "run", users=featured / "new.csv")


def test_a_run_that_knows_features_of_one_rated_item_takes_none(
    small: Callable[..., Config], featured: Path, tmp_path: Path
) -> None:
    films = tmp_path / "films.csv"
    films.write_text("movieId,colour\n149,red\n" + "".join(f"{item},green\n" for item in range(150, 160)))
    recsys.train(small(data={"item_features": str(films)}), tmp_path / "run")
    with pytest.raises(RunError, match="learned nothing of features of items"):
        recsys.fold_in(None, tmp_path / "run", tmp_path / "child", items=featured / "new.csv")


def test_something_has_to_be_folded_in(featured: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to fold in"):
        recsys.fold_in(None, featured / "run", tmp_path / "run")
