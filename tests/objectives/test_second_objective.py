"""A second objective, written here: the share of a user's pairs of ratings in the right order; higher is better."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from recsys.cli.app import answer
from recsys.config.plans import Plan, plans
from recsys.config.schema.config import Config
from recsys.config.space import Range, Space
from recsys.core.communicator import Communicator
from recsys.core.events import Epoch
from recsys.core.signals import stopping_signals
from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.evaluation import baselines
from recsys.evaluation.bootstrap import PairedMetrics, resampled
from recsys.evaluation.metrics import Scores
from recsys.objectives.measure import beats_baseline
from recsys.objectives.objective import Objective, Sample
from recsys.objectives.specs import OBJECTIVES
from recsys.scoring.protocols import Scorer
from recsys.workflows.compare import compare
from recsys.workflows.cross_validate import cross_validate
from recsys.workflows.train import train
from recsys.workflows.tune import tune

ACCURACY, TAU = "pair_accuracy", "kendall_tau"
SPACE: Space = {"training.lr_max": Range(0.005, 0.2, log=True), "training.n_epochs": Range(2, 6)}


def count_pairs(scorer: Scorer, ratings: Interactions, group: Array) -> Array:
    """For each group of ratings: pairs with different ratings, and those in the right order; shape (n_groups, 2)."""
    predicted = scorer.rate(ratings.user_idx, ratings.item_idx, ratings.timestamp)
    counts = np.zeros((group.max() + 1, 2))
    for number in range(len(counts)):
        rows = np.flatnonzero(group == number)
        above = ratings.rating[rows][:, None] > ratings.rating[rows]
        right = above & (predicted[rows][:, None] > predicted[rows])
        counts[number] = above.sum(), right.sum()
    return counts


def evaluate(
    scorer: Scorer, held_out: Interactions, seen: Interactions, _: Communicator, _features: object = None
) -> Scores:
    pairs, right = count_pairs(scorer, held_out, held_out.user_idx + 1).sum(axis=0)
    return Scores({ACCURACY: right / pairs, TAU: 2 * right / pairs - 1}, {"n_pairs": int(pairs)})


def resample(
    scorers: Sequence[Scorer], held_out: Sequence[Interactions], _: Sequence[Interactions], user: Array
) -> PairedMetrics:
    _, group = np.unique(user, return_inverse=True)
    counts = [count_pairs(scorer, ratings, group) for scorer, ratings in zip(scorers, held_out, strict=True)]
    sums = np.concatenate(counts, axis=1)

    def metrics(totals: Array) -> dict[str, Array]:
        share = totals[..., 1::2] / totals[..., ::2]
        return {ACCURACY: share, TAU: 2 * share - 1}

    return PairedMetrics(metrics(sums.sum(axis=0)), metrics(resampled(sums)), len(sums), len(user))


ORDERING = Objective(
    name="ordering",
    metrics=(ACCURACY, TAU),
    direction="maximize",
    sample=lambda held_out, _seen, _seed: Sample(held_out),
    evaluate=evaluate,
    baselines={"popular": baselines.most_popular, "biases": baselines.biases},
    baseline_to_beat="popular",
    advice=lambda _: "Train it to order.",
    resample=resample,
)


def ordering_plans(config: Config) -> tuple[Plan, ...]:
    return (replace(plans(config)[0], objective="ordering"),)


@pytest.fixture(autouse=True)
def ordering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every config asks for a scorer that orders items well."""
    monkeypatch.setitem(OBJECTIVES, "ordering", ORDERING)
    for workflow in ("train", "tuned_plan", "cross_validate", "parallel_runs"):
        monkeypatch.setattr(f"recsys.workflows.{workflow}.plans", ordering_plans)


@pytest.fixture
def config(wild: Callable[..., Config]) -> Config:
    """4 epochs of a model that overfits: the share is highest after epoch 2, and again beyond epoch 4."""
    config = wild(n_epochs=4, evaluate_every=1)
    return config.model_copy(update={"split": config.split.model_copy(update={"valid_fraction": 0.3})})


def with_training(config: Config, **changes: object) -> Config:
    return config.model_copy(update={"training": config.training.model_copy(update=changes)})


def history(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def test_a_run_is_measured_by_it(config: Config, tmp_path: Path) -> None:
    epochs: list[Epoch] = []
    metrics = train(
        config, tmp_path / "run", observe=lambda event: epochs.append(event) if isinstance(event, Epoch) else None
    )
    rows = history(tmp_path / "run")
    assert [row["valid"] for row in rows] == [epoch.valid for epoch in epochs]
    assert list(rows[-1]["valid"]) == [ACCURACY, TAU]
    assert metrics["valid"] == {**rows[-1]["valid"], "n_pairs": metrics["valid"]["n_pairs"]}
    assert list(metrics["baselines"]) == ["popular", "biases"]
    assert metrics["best_epoch"] == best_epoch(rows)
    is_better = metrics["test"][ACCURACY] > max(scores[ACCURACY] for scores in metrics["baselines"].values())
    assert beats_baseline(ORDERING, metrics) is is_better


def best_epoch(rows: list[dict[str, Any]]) -> int:
    """The first with the highest share; it is not the one with the lowest, nor the last."""
    shares = [row["valid"][ACCURACY] for row in rows]
    best = shares.index(max(shares))
    assert best not in (shares.index(min(shares)), len(shares) - 1)
    return best + 1


def test_training_stops_when_the_share_has_not_risen_for_so_long(config: Config, tmp_path: Path) -> None:
    metrics = train(with_training(config, n_epochs=7, patience=2), tmp_path / "run")
    assert metrics["best_epoch"] == best_epoch(history(tmp_path / "run"))
    assert metrics["n_epochs"] == metrics["best_epoch"] + 2 < 7


def test_the_epoch_with_the_highest_share_is_kept_and_survives_a_resume(
    config: Config, interrupted: Callable[..., None], tmp_path: Path
) -> None:
    config = with_training(config, keep="best")
    metrics = train(config, tmp_path / "whole")
    best = best_epoch(history(tmp_path / "whole"))
    assert metrics["valid"][ACCURACY] == history(tmp_path / "whole")[best - 1]["valid"][ACCURACY]
    interrupted(config, tmp_path / "parted", after=best + 1)
    assert train(config, tmp_path / "parted", resume=True)["valid"] == metrics["valid"]


@pytest.mark.slow
def test_tuning_looks_for_the_highest_share(config: Config, tmp_path: Path) -> None:
    tuned = tune(config, 3, SPACE, f"sqlite:///{tmp_path}/study.db")
    assert tuned.best.metric >= tuned.as_it_is
    assert train(config, tmp_path / "plain")["valid"][ACCURACY] == tuned.as_it_is
    assert train(tuned.config, tmp_path / "best")["valid"][ACCURACY] == tuned.best.metric
    facts = tuned.to_dict()
    assert facts["popular"] == tuned.baseline
    assert facts["best"][ACCURACY] == tuned.best.metric
    study = optuna.load_study(study_name="recsys", storage=f"sqlite:///{tmp_path}/study.db")
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert max(trial.value for trial in study.trials if trial.state is TrialState.COMPLETE) <= tuned.best.metric


def test_folds_are_summed_up_by_it(config: Config) -> None:
    summary = cross_validate(config, 2, jobs=1).to_dict()
    shares = [fold[ACCURACY] for fold in summary["folds"]]
    assert summary["model"][ACCURACY]["mean"] == pytest.approx(np.mean(shares))
    assert summary["n_pairs"] == sum(fold["n_pairs"] for fold in summary["folds"])
    of_baselines = {
        name: [fold["baselines"][name][ACCURACY] for fold in summary["folds"]] for name in ("popular", "biases")
    }
    best = max(of_baselines, key=lambda name: np.mean(of_baselines[name]))
    assert summary["difference"]["to"] == best
    assert summary["difference"][ACCURACY]["mean"] == pytest.approx(np.mean(np.subtract(shares, of_baselines[best])))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], str]]:
    """command("runs") runs it in this process and returns what it prints."""
    handlers = {number: signal.getsignal(number) for number in stopping_signals()}

    def run(line: str) -> str:
        with pytest.raises(SystemExit) as ended:
            answer(line.split())
        assert ended.value.code == 0
        return capsys.readouterr().out

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_commands_name_its_metric_and_know_its_direction(
    command: Callable[[str], str], ratings_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    training = {"method": "sgd", "n_epochs": 3}
    (tmp_path / "config.yaml").write_text(
        json.dumps({"data": {"ratings": str(ratings_csv)}, "training": training, "ranking": "none"})
    )
    trained = command("train --config config.yaml --run-dir run")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    best = max(("popular", "biases"), key=lambda name: metrics["baselines"][name][ACCURACY])
    assert metrics["difference"]["baseline"] == best
    assert " test pair_accuracy is " in trained
    assert re.search(r"pair_accuracy +kendall_tau +n pairs\n", trained)
    assert "validation pair_accuracy" in command("tune --config config.yaml --trials 1 --storage sqlite:///study.db")
    folds = command("cross-validate --config config.yaml --folds 2 --jobs 1 --run-dir runs")
    assert re.search(r"mean of 2 folds +pair_accuracy +sd +kendall_tau +sd", folds)
    assert re.search(r"status +pair_accuracy +popular +epochs", command("runs"))


def test_runs_are_compared_by_it(
    command: Callable[[str], str], small: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OBJECTIVES, "rating", ORDERING)  # what a bundle's scorer of this name is measured by
    for name, lr_max in (("good", 0.05), ("bad", 1e-6)):
        train(small(split={"test_fraction": 0.5}, training={"lr_max": lr_max}), tmp_path / name)
    answer = compare([tmp_path / "good", tmp_path / "bad"]).to_dict()
    good, bad = answer["runs"]
    for run, folder in ((good, "good"), (bad, "bad")):
        metrics = json.loads((tmp_path / folder / "metrics.json").read_text())
        assert run[ACCURACY] == pytest.approx(metrics["test"][ACCURACY])
    difference = bad[f"{ACCURACY}_difference"]
    assert difference["value"] == pytest.approx(bad[ACCURACY] - good[ACCURACY])
    assert difference["low"] < difference["value"] < difference["high"] < 0
    shown = command(f"compare {tmp_path / 'good'} {tmp_path / 'bad'}")
    assert f"{tmp_path / 'bad'} is significantly worse than {tmp_path / 'good'}: its pair_accuracy is" in shown
