"""A run that is trained once more on all ratings."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import recsys
from recsys.artifacts import fit_record
from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.overview import describe
from recsys.artifacts.selected import selected_parameters
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError, RunError
from recsys.core.events import Epoch
from recsys.inference.recommender import Recommender
from recsys.reporting.accuracy import ALL_TRAINED_ON
from recsys.training.ials.settings import Ials
from recsys.workflows.compare import compare
from recsys.workflows.evaluate import ratings_to_measure
from recsys.workflows.fold_in_run import fold_in_run
from recsys.workflows.train import train
from recsys.workflows.update import update_config

Small = Callable[..., Config]
RANKING = {"embedding_dim": 5, "n_epochs": 2}


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module", autouse=True)
def _checkpoints_by_count() -> Iterator[None]:
    """However slow the machine is, none is due by the clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_record, "AUTO_SECONDS", math.inf)
        yield


@pytest.fixture(scope="module")
def config(small: Small) -> Config:
    return small(refit=True, ranking=RANKING, training={"n_epochs": 3})


@pytest.fixture(scope="module")
def refitted(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refit") / "run"
    train(config, folder)
    return folder


def metrics(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return content


def test_what_is_served_has_seen_every_rating(refitted: Path) -> None:
    bundle = open_bundle(refitted)
    assert (bundle.manifest.trained_on, bundle.manifest.n_ratings) == ("all", len(bundle.seen.rating))
    measured = bundle.measured()
    parts = [measured.seen.interactions(), measured.held_out("valid"), measured.held_out("test")]
    assert bundle.manifest.n_ratings == sum(len(part) for part in parts if part is not None)
    assert bundle.held_out("test") is None
    assert measured.manifest.trained_on == "train"


def test_the_scores_are_those_of_the_models_that_have_not(refitted: Path, small: Small, tmp_path: Path) -> None:
    plain = small(ranking=RANKING, training={"n_epochs": 3})
    train(plain, tmp_path / "plain")
    before, after = metrics(tmp_path / "plain"), metrics(refitted)
    for part in ("valid", "test", "baselines"):
        assert after[part] == before[part]
        assert after["ranking"][part] == before["ranking"][part]
    assert {name: fit["n_epochs"] for name, fit in after["refit"].items()} == {"rating": 3, "ranking": 2}
    for name in ("scorer", "ranking", "held_out", "intervals"):
        path = f"{name}.safetensors"
        assert (refitted / "measured" / path).read_bytes() == (tmp_path / "plain" / "serving" / path).read_bytes()
    assert compare([tmp_path / "plain", refitted]).n_ratings == before["test"]["n_ratings"]


def test_every_fit_has_its_lines_and_its_parameters(refitted: Path) -> None:
    rows = [json.loads(line) for line in (refitted / "history.jsonl").read_text().splitlines()]
    counts = {name: sum(row["scorer"] == name for row in rows) for name in dict.fromkeys(row["scorer"] for row in rows)}
    assert counts == {"rating": 3, "ranking": 2, "refit-rating": 3, "refit-ranking": 2}
    parameters, manifest = selected_parameters(refitted)
    assert manifest.served_fits == {"rating": "refit-rating", "ranking": "refit-ranking"}
    assert len(parameters["rating"]["user_embedding"]) == open_bundle(refitted).manifest.n_users


def test_intervals_are_as_wide_as_those_that_were_measured(refitted: Path) -> None:
    bundle = open_bundle(refitted)
    intervals, measured = bundle.intervals, bundle.measured().intervals
    assert intervals is not None
    assert measured is not None
    assert intervals.calibration.n_ratings == measured.calibration.n_ratings > 0
    user, item = bundle.users.id_at(0), bundle.items.id_at(0)
    assert (Recommender(bundle).predict(user, item, interval=0.8).std or 0) > 0


@pytest.mark.parametrize("epoch", [4, 6, 9, 10])
def test_a_run_that_was_stopped_in_any_fit_is_resumed_to_the_same_bits(
    config: Config, refitted: Path, tmp_path: Path, content: Callable[..., Any], epoch: int
) -> None:
    n_done = 0

    def stop(event: object) -> None:
        nonlocal n_done
        n_done += isinstance(event, Epoch)
        if n_done == epoch:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(config, tmp_path / "run", observe=stop)
    train(config, tmp_path / "run", resume=True)
    assert content(tmp_path / "run") == content(refitted)


def test_keep_best_refits_for_as_many_epochs_as_were_best(wild: Small, tmp_path: Path) -> None:
    config = wild(keep="best").model_copy(update={"refit": True})
    found = train(config, tmp_path / "run")
    assert found["refit"]["rating"]["n_epochs"] == found["best_epoch"] == 2


def test_a_copy_of_the_serving_folder_cannot_be_measured_on_what_it_has_seen(refitted: Path, tmp_path: Path) -> None:
    shutil.copytree(refitted / "serving", tmp_path / "copy")
    bundle = open_bundle(tmp_path / "copy")
    with pytest.raises(RunError, match="trained on all ratings"):
        bundle.measured()
    with pytest.raises(RunError, match="no test ratings"):
        ratings_to_measure(bundle)


def test_a_report_on_a_copy_of_the_serving_folder_says_where_the_figures_are(refitted: Path, tmp_path: Path) -> None:
    shutil.copytree(refitted / "serving", tmp_path / "copy")
    missing = recsys.report(tmp_path / "copy", tmp_path / "report.html")["missing"]
    assert {missing[name] for name in ("scores", "accuracy", "ranking")} == {ALL_TRAINED_ON}
    assert "scores" not in recsys.report(refitted, tmp_path / "whole.html")["missing"]


def test_a_run_goes_on_from_all_that_was_learned(refitted: Path, small: Small, tmp_path: Path) -> None:
    config = small(training={"n_epochs": 1}, ranking=RANKING)
    config = Config.model_validate({**dict(config), "start": {"run": refitted, "replay": 1.0}}, strict=False)
    started = train(config, tmp_path / "child")
    assert started["start"]["before"]["old"] is None


def test_a_run_can_be_named_from_within_its_serving_folder(refitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(refitted / "serving")
    assert open_bundle(Path()).measured().manifest.trained_on == "train"
    assert update_config(Path(), Path("new.csv"), []).start.run == refitted


def test_a_copy_of_the_serving_folder_cannot_be_trained_on(refitted: Path, tmp_path: Path) -> None:
    shutil.copytree(refitted / "serving", tmp_path / "copy")
    with pytest.raises(RunError, match="a copy of a serving folder"):
        update_config(tmp_path / "copy", Path("new.csv"), [])


def test_fold_in_keeps_what_was_measured(refitted: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n900,100,5\n900,107,1\n")
    fold_in_run(refitted, tmp_path / "new.csv", tmp_path / "child")
    bundle = open_bundle(tmp_path / "child")
    assert bundle.manifest.trained_on == "all"
    assert len(ratings_to_measure(bundle.measured())) == metrics(tmp_path / "child")["test"]["n_ratings"]
    assert bundle.measured().manifest.run == "child"


def test_verify_reads_what_was_measured(refitted: Path, tmp_path: Path) -> None:
    run = shutil.copytree(refitted, tmp_path / "run")
    assert describe(run, verify=True)["measured"]["trained_on"] == "train"
    seen = run / "measured" / "seen.safetensors"
    seen.write_bytes(seen.read_bytes()[:-1] + b"?")
    with pytest.raises(RunError, match="damaged"):
        describe(run, verify=True)


def test_a_refit_of_a_run_that_starts_from_another_is_refused(refitted: Path, small: Small) -> None:
    with pytest.raises(ConfigError, match="refit trains from scratch"):
        small(refit=True, start={"run": str(refitted)})


def test_the_dim_is_the_one_that_was_measured() -> None:
    refitted = Ials().for_refit(5, {"embedding_dim": 192, "unobserved_weight": 0.1, "regularization": 0.02})
    assert (refitted.n_epochs, refitted.embedding_dim) == (5, 192)
    assert (refitted.unobserved_weight, refitted.regularization) == ("auto", "auto")
