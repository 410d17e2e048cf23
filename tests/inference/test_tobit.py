"""A run on ratings that pile up at the top: all that is read from it takes scores for what lies beyond the scale."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.config.schema.config import Config
from recsys.evaluation.intervals import std_of_ratings
from recsys.inference import fold_in
from recsys.inference.export import export_factors
from recsys.inference.fold_in import FixedRows, solve, user_prior
from recsys.inference.intervals import rate_with_intervals
from recsys.inference.recommender import Recommender
from recsys.reporting.layers import anatomy
from recsys.scoring.censored_normal import censored_normal
from recsys.scoring.link import Link
from recsys.workflows.evaluate import coverage_of, ratings_to_measure
from recsys.workflows.fold_in_run import fold_in_run
from recsys.workflows.train import train

TOP = 3.0
RunReadme = Callable[[Path], tuple[dict[str, Any], list[str]]]


@pytest.fixture(scope="module")
def run(small: Callable[..., Config], ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("piled up")
    rows = list(csv.DictReader(ratings_csv.read_text().splitlines()))
    lines = [f"{row['userId']},{row['movieId']},{min(float(row['rating']), TOP)}\n" for row in rows]
    (folder / "ratings.csv").write_text("userId,movieId,rating\n" + "".join(lines))
    data = {"ratings": str(folder / "ratings.csv")}
    train(small(data=data, training={"method": "gibbs", "n_epochs": 100}), folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def recommender(run: Path) -> Recommender:
    return Recommender.open(run)


def test_a_rating_is_what_is_expected_of_what_the_scale_cuts_off(recommender: Recommender) -> None:
    predictions = [recommender.predict(user, item) for user in range(20) for item in range(100, 120)]
    link = recommender.bundle.scorer("rating").link
    assert {prediction.link for prediction in predictions} == {"tobit"} == {link.kind}
    score = np.array([prediction.score for prediction in predictions])
    user_std = recommender.bundle.factors.user_std
    assert user_std is not None
    std = user_std[recommender.bundle.users.index([prediction.user_id for prediction in predictions])]
    rating = censored_normal(score, std, 0.5, TOP)[0]
    np.testing.assert_allclose([prediction.rating for prediction in predictions], rating, atol=1e-4)
    assert score.max() > TOP > rating.max()
    assert float(np.sqrt(np.mean(np.square(user_std[:-1])))) == pytest.approx(link.std, rel=0.1)


def test_recommended_ratings_fall_as_the_scores_do(recommender: Recommender) -> None:
    items = recommender.recommend(3, 20)
    alone = [recommender.predict(3, item.item_id).rating for item in items]
    assert [item.rating for item in items] == pytest.approx(alone, abs=1e-6)
    assert all(item.rating >= other.rating for item, other in pairwise(items))


def test_the_layers_end_with_the_link(run: Path, recommender: Recommender) -> None:
    description = anatomy(run)
    assert (description.layers[-1].name, description.link) == ("tobit", recommender.bundle.scorer("rating").link)


def test_the_readme_of_an_export_gives_what_predict_says(
    recommender: Recommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_readme: RunReadme
) -> None:
    export_factors(recommender.bundle, tmp_path / "out", "csv")
    monkeypatch.chdir(tmp_path / "out")
    _, printed = run_readme(tmp_path / "out")
    first = recommender.bundle.users.ids.tolist()[0], recommender.bundle.items.ids.tolist()[0]
    assert float(printed[0]) == pytest.approx(recommender.predict(*first).rating, abs=1e-4)
    assert json.loads(Path("model.json").read_text())["link"].keys() == {"kind", "low", "high", "std"}


def test_intervals_hold_what_they_promise(recommender: Recommender) -> None:
    bundle = recommender.bundle
    measured = ratings_to_measure(bundle)
    for level in (0.5, 0.9):
        assert coverage_of(bundle, measured, level)["coverage"] == pytest.approx(level, abs=0.12)
    predictions = rate_with_intervals(bundle, 0.9, measured.user_idx, measured.item_idx)
    rating, std, low, high = predictions.rating, predictions.std, predictions.low, predictions.high
    assert ((low <= rating) & (rating <= high)).all()
    assert (high <= TOP).all()
    # The highest predictions are of those who give nothing else: there is little to be wrong about.
    best = np.argsort(rating)[-10:]
    assert std[best].mean() < 0.8 * std.mean()
    assert (high - low)[best].mean() < 0.8 * (high - low).mean()


def test_the_std_of_ratings_is_that_of_what_the_scale_leaves() -> None:
    score, std = np.array([3.0, 9.0], np.float32), np.array([0.2, 0.2], np.float32)
    assert std_of_ratings(score, std, Link("clip", 1, 5)) is std
    np.testing.assert_allclose(std_of_ratings(score, std, Link("tobit", 1, 5, 0.5)), [0.2, 0.0], atol=1e-6)


def test_pulls_and_remainder_add_up_to_the_interaction(recommender: Recommender) -> None:
    for item in range(100, 110):
        explanation = recommender.explain(0, item)
        pulls = sum(contribution.contribution for contribution in explanation.contributions) + explanation.others
        assert pulls + explanation.remainder == pytest.approx(explanation.prediction.parts["interaction"], abs=1e-6)


def test_folded_in_again_users_get_the_scores_that_they_had(
    recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearer than if their ratings at the top were taken as they are."""
    bundle, factors, prior = recommender.bundle, recommender.bundle.factors, user_prior(recommender.bundle)
    known = bundle.seen.interactions()
    before = factors.score(known.user_idx, known.item_idx)

    def away(assumed: fold_in.Prior) -> float:
        rows = solve(
            assumed, factors.global_mean, FixedRows.items(factors), known.user_idx, known.item_idx, known.rating
        )
        product = np.einsum("nf,nf->n", rows[known.user_idx, 1:], factors.item_factors[known.item_idx])
        score = factors.global_mean + rows[known.user_idx, 0] + factors.item_bias[known.item_idx] + product
        return float(np.sqrt(np.mean(np.square(score - before))))

    assert prior.censoring is not None
    assert (prior.censoring.end, prior.censoring.limit) == (TOP, TOP - 0.25)
    distance = away(prior)
    assert distance < 0.6 * away(fold_in.replace(prior, censoring=None))
    monkeypatch.setattr(fold_in, "N_ROUNDS", 200)
    assert distance == pytest.approx(away(prior), abs=0.02 * factors.link.std)


def test_a_visitor_and_new_users_are_taken_in(run: Path, recommender: Recommender, tmp_path: Path) -> None:
    assert len(recommender.recommend_for([100, 101], [TOP, 0.5], 5)) == 5
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n900,100,3\n900,101,3\n901,100,0.5\n901,101,0.5\n")
    fold_in_run(run, tmp_path / "new.csv", tmp_path / "child")
    child = Recommender.open(tmp_path / "child")
    ratings = {user: child.predict(user, 110).rating for user in (900, 901)}
    assert ratings[900] > ratings[901]
    assert child.predict(0, 100) == recommender.predict(0, 100)
    assert child.bundle.factors.user_std is not None
    assert child.bundle.factors.user_std[-1] == child.bundle.factors.user_std[child.bundle.users.index([900])[0]]
