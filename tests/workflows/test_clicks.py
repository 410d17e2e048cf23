"""Runs on clicks, on counts, and on ratings some of which are missing, as `init` sets them up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import recsys
from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.metrics import read_metrics
from recsys.config.loading.load import config_from
from recsys.config.plans import plans
from recsys.core.communicator import ALONE
from recsys.core.errors import ConfigError, RunError, UnknownIdError
from recsys.core.events import silent
from recsys.core.seeding import rng
from recsys.workflows.inputs import prepare_inputs
from recsys.workflows.update import update_config

SMALL = ["ranking.embedding_dim=4", "ranking.n_epochs=2", "model.embedding_dim=2", "training.n_epochs=1"]
PAIRS = [(user, 2 * item + user % 2) for user in range(20) for item in rng(user, "items").choice(15, 8, replace=False)]


def write(path: Path, columns: str, rows: list[tuple[object, ...]]) -> Path:
    path.write_text(columns + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def trained(file: Path, folder: Path, *overrides: str) -> Path:
    """A small run with the config that init writes."""
    recsys.init(file, folder / "new.yaml")
    recsys.train(recsys.load_config(folder / "new.yaml", [*SMALL, *overrides]), folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clicks")
    return trained(write(folder / "clicks.csv", "user,item", [*PAIRS, *PAIRS[::3]]), folder)


def test_a_run_on_clicks_ranks_alone(clicks: Path) -> None:
    bundle, metrics = open_bundle(clicks), read_metrics(clicks)
    assert list(bundle.scorers) == ["ranking"]
    assert (bundle.manifest.n_ratings, bundle.manifest.scale, bundle.data.has_ratings) == (0, None, False)
    assert metrics is not None
    assert metrics["objective"] == "ranking"
    assert metrics["train"]["n_interactions"] == len(PAIRS) - 2 * (len(PAIRS) // 10)


@pytest.mark.parametrize(
    "job",
    [
        lambda run: recsys.load(run).predict(0, 0),
        lambda run: recsys.load(run).predict("nobody", 0, at=1.0),
        lambda run: recsys.predict_file(recsys.load(run), run.parent / "clicks.csv", run.parent / "out.csv"),
        lambda run: recsys.interpret(run),
    ],
)
def test_what_needs_ratings_says_what_the_run_can_do(clicks: Path, job: Callable[[Path], object]) -> None:
    with pytest.raises(RunError, match="was trained without ratings") as caught:
        job(clicks)
    assert "recsys recommend" in str(caught.value.hint)


def test_recommendations_follow_taste_and_leave_out_what_was_clicked(clicks: Path) -> None:
    clicked = {item for user, item in PAIRS if user == 3}
    recommended = [item.item_id for item in recsys.load(clicks).recommend(3, 7)]
    assert {int(item) % 2 for item in recommended} == {1}
    assert not clicked & set(recommended)
    assert recommended[0] in {item.item_id for item in recsys.load(clicks).similar(recommended[1], 14)}
    with pytest.raises(UnknownIdError, match="has no training interactions") as caught:
        recsys.load(clicks).recommend(12345)
    assert "--on-unknown mean" in str(caught.value.hint)


def test_a_visitor_may_click_twice(clicks: Path, tmp_path: Path) -> None:
    model = recsys.load(clicks)
    visitor = recsys.read_session_ratings(model, write(tmp_path / "visitor.csv", "item", [(1,), (3,), (1,), (99,)]))
    assert (visitor.item_ids, visitor.n_unknown_items) == (["3", "1", "99"], 1)
    recommended = model.recommend_for(visitor.item_ids, visitor.ratings, 3)
    assert {int(item.item_id) % 2 for item in recommended} == {1}


def test_new_users_are_folded_in_by_their_clicks(clicks: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new.csv", "user,item", [(77, 1), (77, 3), (77, 1), (3, 99)])
    metrics = recsys.fold_in(new, clicks, tmp_path / "run")
    parent = metrics["parent"]
    assert (parent["n_new_users"], parent["n_new_items"], parent["n_ratings"]) == (1, 1, 3)
    recommended = [int(item.item_id) for item in recsys.load(tmp_path / "run").recommend(77, 5)]
    assert {item % 2 for item in recommended} == {1}
    assert not {1, 3} & set(recommended)


def test_the_estimate_counts_interactions(clicks: Path) -> None:
    needs = recsys.estimate(recsys.load_config(clicks / "config.yaml"))
    assert (needs["n_ratings"], needs["n_interactions"]) == (0, open_bundle(clicks).manifest.n_interactions)


def test_clicks_have_no_learning_rate(clicks: Path) -> None:
    with pytest.raises(ConfigError, match="the data has no ratings"):
        recsys.lr_find(recsys.load_config(clicks / "config.yaml"))


def test_factors_of_clicks_are_exported(clicks: Path, tmp_path: Path) -> None:
    recsys.export_factors(clicks, tmp_path / "factors")
    assert "Rank by score." in (tmp_path / "factors" / "README.md").read_text()


def test_an_update_adds_counts_up(tmp_path: Path) -> None:
    counts = write(tmp_path / "plays.csv", "user,item,plays", [(*pair, 1 + pair[1]) for pair in PAIRS])
    run = trained(counts, tmp_path, "split.test_fraction=0", "split.valid_fraction=0")
    newer = write(tmp_path / "newer.csv", "user,item,plays", [(*PAIRS[0], 100), (*PAIRS[0], 5), (99, 0, 3)])
    config = update_config(run, newer, ["split.test_fraction=0", "split.valid_fraction=0"])
    seen = prepare_inputs(config, silent, ALONE)[0].seen
    rows = {(user, item): rating for user, item, rating in seen.to_frame().itertuples(index=False)}
    assert rows == {pair: 1 + pair[1] for pair in PAIRS} | {PAIRS[0]: 106 + PAIRS[0][1], (99, 0): 3}
    assert [plan.name for plan in plans(config)] == ["ranking"]


def test_clicks_do_not_change_what_is_learned_of_ratings(tmp_path: Path) -> None:
    rated: list[tuple[object, ...]] = [(*pair, 1 + sum(pair) % 5) for pair in PAIRS]
    events = [(user, (item + 2) % 30, 0) for user, item in PAIRS if (user, (item + 2) % 30) not in PAIRS]
    assert events
    stored, small = [], {"embedding_dim": 4, "n_epochs": 1}
    for name, rows in (("rated", rated), ("mixed", [*rated, *events])):
        data = {"train": str(write(tmp_path / f"{name}.csv", "user,item,rating", rows)), "no_rating": [0]}
        sections = {"split": {"valid_fraction": 0, "test_fraction": 0}, "ranking": "none" if name == "rated" else small}
        config = config_from(
            {"data": data, **sections, "training": {"n_epochs": 2}, "model": {"embedding_dim": 2}}, tmp_path
        )
        recsys.train(config, tmp_path / name)
        stored.append((tmp_path / name / "serving" / "scorer.safetensors").read_bytes())
    assert stored[0] == stored[1]
    bundle = open_bundle(tmp_path / "mixed")
    assert bundle.manifest.n_ratings == len(PAIRS)
    assert bundle.manifest.n_interactions > len(PAIRS)
    folded = write(
        tmp_path / "new.csv", "user,item,rating", [(77, 0, 0), (77, 2, 0), (78, 0, 5), (78, 2, 0), (78, 0, 0)]
    )
    recsys.fold_in(folded, tmp_path / "mixed", tmp_path / "folded")
    model = recsys.load(tmp_path / "folded")
    assert not model.predict(77, 2, on_unknown="mean").known_user
    with pytest.raises(UnknownIdError, match="user 77 has no training ratings") as caught:
        model.predict(77, 2)
    assert "--on-unknown mean" in str(caught.value.hint)
    assert 1 <= model.predict(78, 2).rating <= 5
    (best, *_) = model.recommend_for([0, 2], [float("nan"), 5.0], 1)
    assert best.rating is not None
    assert 1 <= best.rating <= 5
    assert {item.item_id for item in model.recommend(77, 30)} == set(range(30)) - {0, 2}
