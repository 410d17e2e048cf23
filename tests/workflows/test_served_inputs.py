from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import recsys
from recsys.artifacts.featured import with_featured
from recsys.core.communicator import ALONE
from recsys.objectives.measure import measure
from recsys.objectives.rating import RATING
from recsys.workflows.served_inputs import as_served
from tests.inference.featured_world import ITEMS, NEW_COMEDY, NEW_DRAMA, STRANGER, featured_bundle, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("featured")
    featured_bundle(folder)
    return folder / "serving"


def test_a_run_is_measured_as_it_is_served(run: Path) -> None:
    served, inputs = trained()
    scorer, measured_on = as_served(served["rating"], inputs)
    at_the_end = measure(RATING, scorer, measured_on, 1, ALONE)["test"]
    later = recsys.evaluate(run)
    assert at_the_end is not None
    assert at_the_end["rmse"] == later["rmse"]
    assert at_the_end["n_items_from_features"] == later["n_items_from_features"] == 16
    assert at_the_end["n_unknown_items"] == later["n_unknown_items"] == 8
    without = measure(RATING, served["rating"].scorer, inputs, 1, ALONE)["test"]
    assert without is not None
    assert at_the_end["rmse"] < 0.8 * without["rmse"]


def test_ranking_is_measured_without_those_that_nobody_has_chosen() -> None:
    served, inputs = trained()
    assert as_served(served["ranking"], inputs) == (served["ranking"].scorer, inputs)


def test_held_out_ratings_of_new_items_are_those_of_the_split(run: Path) -> None:
    bundle = with_featured(recsys.load(run).bundle)
    for part in ("valid", "test"):
        held_out = bundle.held_out(part)  # type: ignore[arg-type]
        assert held_out is not None
        rated = bundle.items.ids_at(held_out.item_idx).reshape(-1, 4)
        assert {tuple(row) for row in rated.tolist()} == {(100, NEW_COMEDY, NEW_DRAMA, None)}


def test_by_activity_says_what_features_gain(run: Path) -> None:
    none, many = recsys.evaluate(run, by_activity=True)["by_activity"]["by_item"]
    assert none["high"] == 0
    assert none["model"] < 0.8 * none["without_features"]
    assert many["model"] == many["without_features"]


def test_a_file_with_new_items_is_measured_with_features(run: Path, tmp_path: Path) -> None:
    rows = [
        f"{user},{item},{4.5 if (user + item) % 2 else 2.5}" for user in (1, 2) for item in (100, NEW_COMEDY, STRANGER)
    ]
    (tmp_path / "new.csv").write_text("\n".join(["userId,movieId,rating", *rows]))
    answer = recsys.evaluate(run, tmp_path / "new.csv", ranking={})
    assert (answer["n_items_from_features"], answer["n_unknown_items"]) == (2, 2)
    assert np.isfinite(answer["ranking"]["model"]["ndcg@10"])
    assert len(ITEMS) == 20
