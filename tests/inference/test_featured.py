from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recsys
from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.feature_priors import FEATURE_PRIORS, read_priors
from recsys.artifacts.featured import with_featured
from recsys.artifacts.write_bundle import write_bundle
from recsys.config.loading.load import config_from
from recsys.core.errors import RunError, UnknownIdError, UsageError
from recsys.data.features.encoder import FeatureEncoder, TermsColumn
from recsys.data.features.features import Features
from recsys.data.features.matrix import FeatureMatrix, beside
from recsys.inference.batch import predict_file
from recsys.inference.recommender import Recommender
from recsys.scoring.feature_prior.fit import fit_priors
from recsys.scoring.feature_prior.prior import FeaturePrior
from tests.inference.featured_world import (
    CONFIG,
    ITEMS,
    NAMELESS,
    NEW_COMEDY,
    NEW_DRAMA,
    NEW_USER,
    STRANGER,
    TASTES,
    USERS,
    featured_bundle,
    features,
    trained,
)

ROLES = {"user", "item"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    return Recommender(featured_bundle(tmp_path_factory.mktemp("featured")))


def test_priors_come_back_as_they_were(model: Recommender) -> None:
    priors = read_priors(model.bundle)
    assert {name: set(of) for name, of in priors.items()} == {"rating": ROLES, "ranking": ROLES}
    assert priors["rating"]["item"].weights.shape == (2, 3)


def test_an_item_that_only_features_tell_of_is_predicted_by_them(model: Recommender) -> None:
    comedy, drama = model.predict(1, NEW_COMEDY), model.predict(1, NEW_DRAMA)
    assert comedy.rating > 4 > 3 > drama.rating
    assert comedy.from_features == drama.from_features == ("item",)
    assert not comedy.known_item
    assert comedy.known_user
    assert comedy.title == "New comedy"
    assert comedy.to_dict()["from_features"] == ["item"]
    assert sum(comedy.parts.values()) == pytest.approx(comedy.score, abs=1e-6)


def test_its_row_is_the_prior_mean(model: Recommender) -> None:
    prior, factors = read_priors(model.bundle)["rating"]["item"], model.with_new.factors
    own = features()
    (row,) = prior.rows(own.matrix.take(np.array([0])))
    idx = int(model.with_new.items.index([NEW_COMEDY])[0])
    np.testing.assert_array_equal(factors.linear_rows("item")[idx], row)


@pytest.mark.parametrize("item", [NAMELESS, STRANGER])
def test_an_item_without_features_is_unknown_as_before(model: Recommender, item: int) -> None:
    with pytest.raises(UnknownIdError, match="has no training ratings"):
        model.predict(1, item)
    by_mean = model.predict(1, item, on_unknown="mean")
    assert not by_mean.known_item
    assert by_mean.from_features == ()
    assert "from_features" not in by_mean.to_dict()


def test_those_with_ratings_are_served_to_the_bit_as_without_features(model: Recommender) -> None:
    alone, extended = model.bundle, model.with_new
    assert extended.items.ids[: len(ITEMS)].tolist() == ITEMS.ids.tolist()
    for name in ("rating", "ranking"):
        for role in ("user", "item"):
            before, after = (bundle.scorers[name].linear_rows(role) for bundle in (alone, extended))  # type: ignore[arg-type]
            assert after[: len(before)].tobytes() == before.tobytes()
    assert with_featured(extended) is extended


def test_new_items_are_recommended_where_they_are_asked_for(model: Recommender) -> None:
    without = model.recommend(1, 30)
    assert {item.item_id for item in without} <= set(ITEMS.ids.tolist())
    listed = model.recommend(1, 30, include_new=True)
    new = {item.item_id: item for item in listed if item.from_features}
    assert new.keys() == {NEW_COMEDY, NEW_DRAMA}
    assert new[NEW_COMEDY].rank < new[NEW_DRAMA].rank
    assert new[NEW_COMEDY].n_ratings == 0
    assert new[NEW_COMEDY].to_dict()["from_features"] is True
    assert new[NEW_COMEDY].rating == pytest.approx(model.predict(1, NEW_COMEDY).rating)
    assert [item.item_id for item in listed if not item.from_features] == [item.item_id for item in without]
    assert "from_features" not in without[0].to_dict()


@pytest.mark.parametrize("by", ["rating", "ranking"])
def test_new_items_pass_the_other_filters(model: Recommender, by: str) -> None:
    listed = model.recommend(2, 5, by=by, include_new=True, candidates=[NEW_COMEDY, NEW_DRAMA], min_ratings=3)  # type: ignore[arg-type]
    assert [item.item_id for item in listed] == [NEW_DRAMA, NEW_COMEDY]


def test_visitors_get_new_items_too(model: Recommender) -> None:
    listed = model.recommend_for([100, 102], [4.5, 4.5], 30, include_new=True)
    new = [item.item_id for item in listed if item.from_features]
    assert new == [NEW_COMEDY, NEW_DRAMA]


@pytest.mark.parametrize("by", ["rating", "ranking"])
def test_items_are_found_that_are_like_one_that_nobody_has_rated(model: Recommender, by: str) -> None:
    listed = model.similar(NEW_DRAMA, 5, by=by)  # type: ignore[arg-type]
    assert all(int(item.item_id) % 2 == 1 for item in listed)
    assert {item.item_id for item in model.similar(101, 30, by=by)} <= set(ITEMS.ids.tolist())  # type: ignore[arg-type]


def test_an_item_that_nobody_has_rated_is_explained(model: Recommender) -> None:
    explanation = model.explain(1, NEW_COMEDY)
    assert explanation.prediction.from_features == ("item",)
    assert explanation.n_ratings
    (comedy,) = explanation.features
    assert comedy.feature == "genres: Comedy"
    assert comedy.contribution > 0
    ranked = model.explain_ranking(1, NEW_COMEDY)
    assert ranked.n_interactions == explanation.n_ratings
    assert [feature.feature for feature in ranked.features] == ["genres: Comedy"]
    assert "features" in ranked.to_dict()
    assert model.explain(1, 100).features == ()


def test_pairs_of_categories_are_part_of_a_rank_score(tmp_path: Path) -> None:
    served, inputs = trained()
    known = features()
    has_award = np.flatnonzero((known.ids.ids % 4 >= 2) & known.matrix.has_any)
    awards = FeatureMatrix.of_entries(has_award, 0 * has_award, np.ones(len(has_award)), (len(known.ids), 1))
    columns = (*known.encoder.columns, TermsColumn("award", "category", None, ("yes",)))
    both = Features(known.ids, FeatureEncoder("movieId", columns), beside([known.matrix, awards], len(known.ids)))
    counts = {"item": inputs.seen.item_counts}
    for name, of in served.items():
        priors = fit_priors(of.scorer, counts, inputs.ids, {"item": both})  # type: ignore[arg-type]
        served[name] = replace(of, priors=priors)
    write_bundle(tmp_path, served, replace(inputs, item_features=both), config_from(CONFIG, tmp_path))
    model = Recommender.open(tmp_path)
    priors = {name: of["item"] for name, of in read_priors(model.bundle).items()}
    assert {name: len(prior.pairs) for name, prior in priors.items()} == {"rating": 0, "ranking": 2}
    contributions = {one.feature: one.contribution for one in model.explain_ranking(1, NEW_COMEDY).features}
    assert contributions.keys() == {"genres: Comedy", "award: yes", "genres: Comedy + award: yes"}
    assert len(model.explain(1, NEW_COMEDY).features) == 2
    ranking = model.with_new.ranking
    assert ranking is not None
    m = priors["ranking"].intercept
    (score,) = ranking.score(np.array([0]), model.with_new.items.index([NEW_COMEDY]))
    assert score == pytest.approx(m[0] + ranking.user_factors[0] @ m[1:] + sum(contributions.values()), abs=1e-6)


def test_contributions_of_features_differ_as_the_scores_do(model: Recommender) -> None:
    comedy, drama = (model.explain(1, item) for item in (NEW_COMEDY, NEW_DRAMA))
    between = comedy.features[0].contribution - drama.features[0].contribution
    assert comedy.prediction.score - drama.prediction.score == pytest.approx(between, abs=1e-5)


def test_a_file_of_pairs_may_have_new_items(model: Recommender, tmp_path: Path) -> None:
    pairs, output = tmp_path / "pairs.csv", tmp_path / "out.csv"
    pairs.write_text(f"userId,movieId\n1,100\n1,{NEW_COMEDY}\n1,{STRANGER}\n")
    counts = predict_file(model.bundle, pairs, output, "mean", lambda _: None)
    assert counts["n_unknown_items"] == 1
    assert counts["n_items_from_features"] == 1
    rows = output.read_text().splitlines()
    assert float(rows[1].split(",")[2]) == pytest.approx(model.predict(1, 100).rating)
    assert float(rows[2].split(",")[2]) == pytest.approx(model.predict(1, NEW_COMEDY).rating)


def test_a_bundle_with_a_prior_of_other_rows_is_refused(tmp_path: Path) -> None:
    bundle = featured_bundle(tmp_path / "run")
    damaged = bytearray((bundle.path / FEATURE_PRIORS).read_bytes())
    damaged[-3] ^= 1
    (bundle.path / FEATURE_PRIORS).write_bytes(damaged)
    with pytest.raises(RunError, match="sha256"):
        with_featured(bundle)


def test_a_user_who_has_rated_nothing_is_served_by_features(model: Recommender) -> None:
    assert len(model.with_new.users) == len(USERS) + 1
    comedy, drama = (model.predict(NEW_USER, item) for item in (100, 101))
    assert comedy.rating > 4 > 3 > drama.rating
    assert (comedy.from_features, comedy.known_user) == (("user",), False)
    assert model.predict(NEW_USER, NEW_COMEDY).from_features == ("user", "item")
    for by in ("rating", "ranking"):
        listed = model.recommend(NEW_USER, 10, by=by)  # type: ignore[arg-type]
        assert all(int(item.item_id) % 2 == 0 for item in listed)
    with pytest.raises(UnknownIdError):
        model.predict(STRANGER, 100)


@pytest.mark.parametrize("by", ["rating", "ranking"])
def test_a_visitor_starts_from_what_is_known_of_them(model: Recommender, by: str) -> None:
    comic, tragic = (model.recommend_for([], None, 10, by=by, features={"taste": taste}) for taste in TASTES)  # type: ignore[arg-type]
    assert [item.item_id for item in comic] == [item.item_id for item in model.recommend(NEW_USER, 10, by=by)]  # type: ignore[arg-type]
    assert all(int(item.item_id) % 2 == 1 for item in tragic)
    rated = model.recommend_for([101, 103, 105], [4.5, 4.5, 4.5], 5, by=by, features={"taste": "comic"})  # type: ignore[arg-type]
    assert [item.score for item in rated] != [item.score for item in comic[:5]]
    nothing = model.recommend_for([101, 103], [4.5, 2.5], 5, by=by, features={"taste": "neither"})  # type: ignore[arg-type]
    assert nothing == model.recommend_for([101, 103], [4.5, 2.5], 5, by=by)  # type: ignore[arg-type]


@pytest.mark.parametrize(("feature", "value"), [("age", "old"), ("since", "yesterday")])
def test_what_is_no_number_or_date_of_a_visitor_is_refused(
    small: Callable[..., Any], tmp_path: Path, feature: str, value: str
) -> None:
    users = tmp_path / "users.csv"
    rows = (f"{user},{20 + user % 7},2020-01-{1 + user % 9:02}\n" for user in range(-5, 35))
    users.write_text("userId,age,since\n" + "".join(rows))
    recsys.train(small(data={"user_features": str(users)}, ranking={"embedding_dim": 4}), tmp_path / "run")
    model = recsys.load(tmp_path / "run")
    with pytest.raises(UsageError, match=rf"the feature {feature} is a (number|date), and '{value}' is none"):
        model.recommend_for([100], [4], features={feature: value})
    assert model.recommend_for([100], [4], features={"age": None, "since": "2020-01-03"})


@pytest.mark.parametrize("features", [{}, {"taste": True}, {1: "comic"}, "comic"])
def test_features_of_a_visitor_have_to_be_a_mapping(model: Recommender, features: Any) -> None:
    with pytest.raises(UsageError, match="features"):
        model.recommend_for([100], [4.5], features=features)


def test_features_that_the_run_does_not_know_are_refused(model: Recommender, finished: Path) -> None:
    with pytest.raises(UsageError, match="no feature 'tast' of users") as refused:
        model.recommend_for([100], [4.5], features={"tast": "comic"})
    assert refused.value.hint == "did you mean taste?"
    with pytest.raises(RunError, match="learned nothing of features of users"):
        Recommender.open(finished).recommend_for([100], [4.5], features={"taste": "comic"})


def test_a_prior_of_rows_that_the_scorer_does_not_have_is_refused(tmp_path: Path) -> None:
    served, inputs = trained()
    narrow = FeaturePrior(np.zeros(2, np.float32), np.zeros((2, 2), np.float32), np.eye(2), 1.0)
    served["rating"] = replace(served["rating"], priors={"item": narrow})
    write_bundle(tmp_path, served, inputs, config_from(CONFIG, tmp_path))
    with pytest.raises(RunError, match="is of no rows that the scorer has"):
        with_featured(open_bundle(tmp_path))
