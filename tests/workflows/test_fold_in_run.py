from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.directory import all_runs
from recsys.artifacts.metrics import read_metrics
from recsys.artifacts.overview import describe
from recsys.artifacts.selected import selected_parameters
from recsys.config.schema.config import Config
from recsys.core.errors import DataError, RunError
from recsys.core.files import sha256
from recsys.evaluation.metrics import evaluate
from recsys.inference.fold_in import FixedRows, solve, user_prior
from recsys.inference.recommender import Recommender
from recsys.models.svdpp.module import SvdPP
from recsys.models.svdpp.settings import SvdPP as SvdPPSettings
from recsys.workflows.fold_in_run import fold_in_run
from recsys.workflows.train import train

NEW = "userId,movieId,rating\n-99,100,5\n77,100,5\n77,120,1\n3,99,2\n4,99,4\n3,200,2.5\n"
NEW_USERS, NEW_ITEMS = {-99, 77}, {99, 200}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("new") / "new.csv"
    path.write_text(NEW)
    return path


@pytest.fixture(scope="module")
def child(finished: Path, file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("child") / "child"
    fold_in_run(finished, file, folder)
    return folder


def test_the_new_run_names_its_parent_and_keeps_its_scores(finished: Path, child: Path, file: Path) -> None:
    before, after = (dict(read_metrics(run) or {}) for run in (finished, child))
    assert after.pop("parent") == {
        "run": "finished",
        "path": str(finished),
        "ratings": str(file),
        "sha256": sha256(file),
        "n_new_users": 2,
        "n_new_items": 2,
        "n_ratings": 6,
        "n_outside_scale": 0,
    }
    assert after == before
    for name in ("config.yaml", "history.jsonl"):
        assert (child / name).read_bytes() == (finished / name).read_bytes()
    shown = describe(child, verify=True)
    assert (shown["parent"], shown["status"], shown["epochs"]) == ("finished", "finished", 4)
    assert shown["serving"]["run"] == "child"


def test_the_kept_scores_are_those_of_the_new_run(child: Path) -> None:
    bundle, metrics = open_bundle(child), json.loads((child / "metrics.json").read_text())
    for part in ("valid", "test"):
        held_out = bundle.held_out(part)
        assert held_out is not None
        scores = evaluate(bundle.factors, held_out).to_dict()
        assert scores == {**metrics[part], "rmse": pytest.approx(metrics[part]["rmse"], rel=1e-9), "mae": scores["mae"]}


def test_known_rows_and_the_fallback_keep_their_bits(finished: Path, child: Path) -> None:
    before, after = open_bundle(finished), open_bundle(child)
    at = {"user": after.users.index(before.users.ids), "item": after.items.index(before.items.ids)}
    for role, places in at.items():
        for kind in ("bias", "factors"):
            old, new = (getattr(bundle.factors, f"{role}_{kind}") for bundle in (before, after))
            np.testing.assert_array_equal(new[places], old[:-1])
            np.testing.assert_array_equal(new[-1], old[-1])
    old_parameters = selected_parameters(finished)[0]["rating"]
    of_scorers, manifest = selected_parameters(child)
    new_parameters = of_scorers["rating"]
    assert (manifest.epoch, new_parameters.keys()) == (4, old_parameters.keys())
    for role, places in at.items():
        for kind in ("bias", "embedding"):
            np.testing.assert_array_equal(new_parameters[f"{role}_{kind}"][places], old_parameters[f"{role}_{kind}"])


def test_a_new_user_has_the_bits_of_a_visitor_with_the_same_ratings(finished: Path, child: Path) -> None:
    before, after = open_bundle(finished), open_bundle(child)
    items, rating = before.items.index(np.array([100, 120])), np.array([5, 1], np.float32)
    factors, nobody = before.factors, np.zeros(2, np.int64)
    row = solve(user_prior(before), factors.global_mean, FixedRows.items(factors), nobody, items, rating)[0]
    user = after.users.index(np.array([77]))[0]
    np.testing.assert_array_equal(row, [after.factors.user_bias[user], *after.factors.user_factors[user]])


def test_the_checkpoint_and_the_serving_folder_hold_the_same_model(child: Path) -> None:
    factors = open_bundle(child).factors
    of_scorers, manifest = selected_parameters(child)
    parameters = of_scorers["rating"]
    std = manifest.scale.std
    for role in ("user", "item"):
        np.testing.assert_allclose(parameters[f"{role}_bias"] * std, getattr(factors, f"{role}_bias")[:-1], rtol=1e-5)
        scaled = parameters[f"{role}_embedding"] * std**0.5
        np.testing.assert_allclose(scaled, getattr(factors, f"{role}_factors")[:-1], rtol=1e-5)


def triples(bundle: Bundle) -> set[tuple[int, int, float]]:
    train = bundle.seen.interactions()
    users, items = bundle.users.ids[train.user_idx].tolist(), bundle.items.ids[train.item_idx].tolist()
    return set(zip(users, items, train.rating.tolist(), strict=True))


def test_what_is_known_and_rated_is_that_of_the_parent_and_the_new(finished: Path, child: Path) -> None:
    before, after = open_bundle(finished), open_bundle(child)
    assert set(after.users.ids.tolist()) == {*before.users.ids.tolist(), *NEW_USERS}
    assert set(after.items.ids.tolist()) == {*before.items.ids.tolist(), *NEW_ITEMS}
    new = {(int(u), int(i), float(r)) for u, i, r in (line.split(",") for line in NEW.splitlines()[1:])}
    assert triples(after) == triples(before) | new
    titles = dict(zip(after.items.ids.tolist(), after.titles.tolist(), strict=True))
    assert (titles[100], titles[99]) == ('Film 100, the "best"', "")


def test_a_new_user_is_like_any_other_and_a_new_item_is_recommended(child: Path) -> None:
    recommender = Recommender.open(child)
    item_ids = {item.item_id for item in recommender.recommend(77, 100)}
    assert item_ids == set(recommender.bundle.items.ids.tolist()) - {100, 120}
    gain = {
        item: recommender.predict(77, item).score - recommender.predict(999, item, on_unknown="mean").score
        for item in (100, 120)
    }
    assert gain[100] > gain[120]  # rated 5 and 1


def test_new_users_do_not_change_what_others_are_told(finished: Path, child: Path) -> None:
    before, after = Recommender.open(finished), Recommender.open(child)
    for user in (0, 20):
        known = [item.item_id for item in before.recommend(user, 100)]
        assert [item.item_id for item in after.recommend(user, 100) if item.item_id not in NEW_ITEMS] == known


def test_a_child_can_have_children(child: Path, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("userId,movieId,rating\n78,99,5\n78,200,3\n")
    result = fold_in_run(child / "serving", tmp_path / "more.csv", tmp_path / "grandchild")
    assert (result["parent"]["run"], result["parent"]["n_new_users"]) == ("child", 1)
    assert len(open_bundle(tmp_path / "grandchild").users) == 43


def test_a_model_without_biases_gets_none(small: Callable[..., Config], file: Path, tmp_path: Path) -> None:
    train(small(model={"biases": False}), tmp_path / "run")
    fold_in_run(tmp_path / "run", file, tmp_path / "child")
    assert not open_bundle(tmp_path / "child").factors.user_bias.any()
    assert "user_bias" not in selected_parameters(tmp_path / "child")[0]["rating"]


def test_of_a_new_item_the_items_file_tells_the_title(
    small: Callable[..., Config], ratings_csv: Path, tmp_path: Path
) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title,genre\n100,Old,Drama\n99,New,Comedy\n")
    train(small(data={"items": str(tmp_path / "movies.csv")}), tmp_path / "run")
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n3,99,2\n")
    fold_in_run(tmp_path / "run", tmp_path / "new.csv", tmp_path / "child")
    bundle = open_bundle(tmp_path / "child")
    at = bundle.items.index([99, 100])
    assert bundle.titles[at].tolist() == ["New", "Old"]
    assert bundle.item_columns["genre"][at].tolist() == ["Comedy", "Drama"]


def test_a_used_folder_and_bad_ratings_leave_everything_as_it_was(
    finished: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path))
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "note").touch()
    with pytest.raises(RunError, match="in use already"):
        fold_in_run(finished, file, tmp_path / "used")
    (tmp_path / "bad.csv").write_text("userId,movieId,rating\n3,100,2\n")
    with pytest.raises(DataError):
        fold_in_run(finished, tmp_path / "bad.csv", tmp_path / "run")

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("recsys.workflows.fold_in_run.write_bundle", broken)
    with pytest.raises(KeyboardInterrupt):
        fold_in_run(finished, file, tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "used"]
    assert all_runs() == []


def test_an_empty_folder_may_be_given(finished: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    fold_in_run(finished, file, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_copy_of_a_serving_folder_has_nothing_to_go_on_from(finished: Path, file: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "serving", tmp_path / "copy")
    with pytest.raises(RunError, match="no checkpoint"):
        fold_in_run(tmp_path / "copy", file, tmp_path / "run")


def test_new_rows_of_a_run_by_gibbs_are_parameters_too(
    small: Callable[..., Config], file: Path, tmp_path: Path
) -> None:
    train(small(training={"method": "gibbs", "n_epochs": 8}), tmp_path / "sampled")
    fold_in_run(tmp_path / "sampled", file, tmp_path / "longer")
    bundle = open_bundle(tmp_path / "longer")
    assert selected_parameters(tmp_path / "longer")[0]["rating"]["user_embedding"].shape == (len(bundle.users), 4)
    assert bundle.factors.embedding_dim > 4
    assert Recommender(bundle).predict(77, 100).known_user


@pytest.mark.parametrize("flipped", [True, False])
@pytest.mark.parametrize("method", ["sgd", "gibbs"])
def test_of_svdpp_the_checkpoint_and_the_serving_folder_hold_the_same_model(
    small: Callable[..., Config], file: Path, tmp_path: Path, method: str, flipped: bool
) -> None:
    """Also where new users have changed who rated an item."""
    training = {"method": method} | ({"n_epochs": 12} if method == "gibbs" else {})
    train(small(model={"kind": "svdpp", "flipped": flipped}, training=training), tmp_path / "run")
    fold_in_run(tmp_path / "run", file, tmp_path / "child")
    before, after = open_bundle(tmp_path / "run"), open_bundle(tmp_path / "child")
    of_scorers, manifest = selected_parameters(tmp_path / "child")
    parameters = of_scorers["rating"]
    known = after.seen.interactions()
    model = SvdPP(known, SvdPPSettings(embedding_dim=4, flipped=flipped), manifest.scale, 1)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in parameters.items()})
    served, made = after.factors, model.scorer()
    for name in ("user_bias", "item_bias", "user_factors", "item_factors"):
        rows = getattr(served, name)[:-1]
        made_rows = getattr(made, name)[:-1]
        np.testing.assert_allclose(made_rows, rows[:, :4] if rows.ndim > 1 else rows, atol=2e-5)
    old = before.seen.interactions()
    at = after.users.index(before.users.ids)[old.user_idx], after.items.index(before.items.ids)[old.item_idx]
    np.testing.assert_array_equal(served.score(*at), before.factors.score(old.user_idx, old.item_idx))
