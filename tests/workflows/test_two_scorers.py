"""A run that trains a scorer of ratings and one that ranks."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from recsys.artifacts import fit_record
from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.core.events import Epoch, FitStart
from recsys.inference.export import export_factors
from recsys.inference.recommender import Recommender
from recsys.reporting.layers import anatomy
from recsys.workflows.train import train

RANKING = {"embedding_dim": 5, "n_epochs": 3, "popularity_weight": 0.5}


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module", autouse=True)
def _checkpoints_by_count() -> Iterator[None]:
    """However slow the machine is, none is due by the clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_record, "AUTO_SECONDS", math.inf)
        yield


@pytest.fixture(scope="module")
def config(small: Callable[..., Config]) -> Config:
    return small(ranking=RANKING)


@pytest.fixture(scope="module")
def whole(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two") / "run"
    train(config, folder)
    return folder


def history(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def test_ratings_come_first_and_each_epoch_says_whose_it_is(whole: Path) -> None:
    rows = history(whole)
    assert [(row["scorer"], row["epoch"]) for row in rows] == [
        *(("rating", epoch) for epoch in (1, 2, 3, 4)),
        *(("ranking", epoch) for epoch in (1, 2, 3)),
    ]
    assert {row["scorer"] for row in rows if row["valid"] is not None} == {"rating"}


def test_a_checkpoint_holds_all_scorers_so_far(whole: Path) -> None:
    newest = whole / "checkpoints" / (whole / "checkpoints" / "last").read_text().strip()
    assert newest.name == "epoch-0007"
    state = json.loads((newest / "state.json").read_text())
    assert (state["scorer"], state["epoch"], state["finished"]["rating"]["epoch"]) == ("ranking", 3, 4)
    assert state["training"]["regularization"] > 0
    parameters = load_file(newest / "model.safetensors")
    assert {name.partition(".")[0] for name in parameters} == {"rating", "ranking"}
    assert parameters["ranking.user_embedding"].shape[1] == 5


def test_the_metrics_of_each_scorer_are_kept_apart(whole: Path, config: Config) -> None:
    metrics = json.loads((whole / "metrics.json").read_text())
    assert (metrics["objective"], metrics["method"], metrics["n_epochs"]) == ("rating", "adamw", 4)
    ranking = metrics["ranking"]
    assert (ranking["objective"], ranking["method"], ranking["n_epochs"]) == ("ranking", "ials", 3)
    assert ranking["test"]["ndcg@10"] > 0
    assert "popular" in ranking["baselines"]


def test_the_rating_scorer_does_not_depend_on_the_ranking_one(
    whole: Path, small: Callable[..., Config], tmp_path: Path
) -> None:
    train(small(), tmp_path / "alone")
    for name in ("scorer.safetensors", "intervals.safetensors"):
        assert (whole / "serving" / name).read_bytes() == (tmp_path / "alone" / "serving" / name).read_bytes()
    assert not (tmp_path / "alone" / "serving" / "ranking.safetensors").exists()


@pytest.mark.parametrize(("scorer", "epoch"), [("rating", 2), ("rating", 4), ("ranking", 1), ("ranking", 3)])
def test_a_run_that_was_stopped_in_either_fit_is_resumed_to_the_same_bits(
    config: Config, whole: Path, tmp_path: Path, content: Callable[..., Any], scorer: str, epoch: int
) -> None:
    with pytest.raises(StoppedError):
        train(config, tmp_path / "run", observe=_stop_after(epoch + (4 if scorer == "ranking" else 0)))
    begun: list[str] = []
    note = lambda event: begun.append(event.scorer) if isinstance(event, FitStart) else None  # noqa: E731
    train(config, tmp_path / "run", resume=True, observe=note)
    assert content(tmp_path / "run") == content(whole)
    assert begun == (["rating", "ranking"] if (scorer, epoch) == ("rating", 2) else ["ranking"])


def test_a_run_goes_back_to_an_older_checkpoint(config: Config, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        train(config, tmp_path / "run", observe=_stop_after(3))
    train(config, tmp_path / "run", resume=True, checkpoint="epoch-0002")
    assert [row["epoch"] for row in history(tmp_path / "run")] == [1, 2, 3, 4, 1, 2, 3]


@pytest.mark.parametrize("n_threads", [1, 4])
def test_the_ranking_scorer_does_not_depend_on_threads(
    small: Callable[..., Config], whole: Path, tmp_path: Path, n_threads: int
) -> None:
    train(small(ranking={**RANKING, "n_threads": n_threads}), tmp_path / "run")
    name = "serving/ranking.safetensors"
    assert (tmp_path / "run" / name).read_bytes() == (whole / name).read_bytes()


def test_each_scorer_is_read_when_it_is_needed(whole: Path, tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    serving.mkdir()
    for path in (whole / "serving").iterdir():
        (serving / path.name).write_bytes(path.read_bytes())
    ranking = (serving / "ranking.safetensors").read_bytes()
    (serving / "ranking.safetensors").write_bytes(ranking[:-1] + bytes([ranking[-1] ^ 1]))
    bundle = open_bundle(serving)
    user, item = bundle.users.id_at(0), bundle.items.id_at(0)
    assert Recommender(bundle).predict(user, item).rating > 0
    with pytest.raises(RunError, match="damaged"):
        bundle.scorer("ranking")


def test_a_serving_folder_that_lacks_a_file_is_refused_as_a_whole(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "serving", tmp_path / "serving")
    (tmp_path / "serving" / "ranking.safetensors").unlink()
    with pytest.raises(RunError, match=r"ranking\.safetensors is damaged: the file is missing") as raised:
        open_bundle(tmp_path / "serving")
    assert (raised.value.hint or "").startswith("copy the whole folder again")


def test_either_scorer_is_exported(whole: Path, tmp_path: Path) -> None:
    bundle = open_bundle(whole)
    export_factors(bundle, tmp_path / "rating")
    export_factors(bundle, tmp_path / "ranking", scorer="ranking")
    models = {name: json.loads((tmp_path / name / "model.json").read_text()) for name in ("rating", "ranking")}
    assert {name: model["kind"] for name, model in models.items()} == {
        "rating": "dot_product",
        "ranking": "implicit_factors",
    }
    assert "link" not in models["ranking"]
    with pytest.raises(RunError, match="no scorer 'other'"):
        export_factors(bundle, tmp_path / "other", scorer="other")


def test_the_layers_of_either_scorer_are_shown(whole: Path) -> None:
    names = {scorer: [layer.name for layer in anatomy(whole, scorer).layers] for scorer in ("rating", "ranking")}
    assert names["ranking"] == ["item_embedding", "user_embedding", "item lookup", "user lookup", "product", "sum"]
    assert anatomy(whole).link == anatomy(whole, "rating").link is not None
    assert anatomy(whole, "ranking").link is None
    assert "item_bias" in names["rating"]
    with pytest.raises(RunError, match="no scorer 'other'"):
        anatomy(whole, "other")


def _stop_after(n_epochs: int) -> Callable[[object], None]:
    n_done = 0

    def stop(event: object) -> None:
        nonlocal n_done
        n_done += isinstance(event, Epoch)
        if n_done == n_epochs:
            raise StoppedError

    return stop
