from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from recsys.config.plans import Plan
from recsys.config.schema.config import Config
from recsys.config.space import Range, Space
from recsys.core.errors import ConfigError, MissingExtraError, RunError, StoppedError, UsageError
from recsys.core.events import RunsProgress
from recsys.training.build import build_learner
from recsys.workflows import shared_study
from recsys.workflows import tune as tuning
from recsys.workflows.train import train
from recsys.workflows.tune import tune
from recsys.workflows.tuned_config import Best
from recsys.workflows.tuned_plan import tuned_plan

SPACE: Space = {
    "training.lr_max": Range(0.005, 0.2, log=True),
    "model.embedding_dim": (3, 4),
    "training.n_epochs": Range(2, 6),
}


@pytest.fixture
def config(small: Callable[..., Config]) -> Config:
    return small(training={"method": "sgd", "lr_max": 0.05, "n_epochs": 20, "checkpoint_every": "auto"})


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/study.db"


@pytest.mark.slow
@pytest.mark.parametrize("n_trials", [4, pytest.param(8, marks=pytest.mark.slow)])
def test_the_best_config_reaches_the_rmse_of_its_trial(
    config: Config, storage: str, tmp_path: Path, n_trials: int
) -> None:
    result = tune(config, n_trials, SPACE, storage)
    assert result.n_trials == n_trials
    assert result.best.metric <= result.as_it_is
    assert train(result.config, tmp_path / "best")["valid"]["rmse"] == result.best.metric
    plain = train(config, tmp_path / "plain")
    assert (plain["valid"]["rmse"], plain["valid"]["n_ratings"]) == (result.as_it_is, result.n_ratings)
    assert result.to_dict() == {
        "objective": "rating",
        "n_trials": n_trials,
        "n_pruned": result.n_pruned,
        "n_failed": 0,
        "n_ratings": 90,
        "as_it_is": result.as_it_is,
        "biases": result.baseline,
        "best": {"trial": result.best.trial, "rmse": result.best.metric, "values": result.best.values},
    }


@pytest.mark.slow
@pytest.mark.parametrize("n_trials", [4, pytest.param(6, marks=pytest.mark.slow)])
def test_a_study_that_was_stopped_goes_on_as_if_it_had_not(config: Config, tmp_path: Path, n_trials: int) -> None:
    whole = tune(config, n_trials, SPACE, f"sqlite:///{tmp_path}/whole.db")
    parted = f"sqlite:///{tmp_path}/parted.db"
    lines: list[str] = []

    def stop(event: object) -> None:
        if isinstance(event, RunsProgress) and event.message:
            lines.append(event.message)
            if len(lines) == n_trials // 2:
                raise StoppedError("interrupted")

    with pytest.raises(StoppedError):
        tune(config, n_trials, SPACE, parted, stop)
    after: list[Any] = []
    again = tune(config, n_trials, SPACE, parted, after.append)
    assert sum(1 for event in after if isinstance(event, RunsProgress) and event.message) == n_trials // 2
    assert (again.best, again.to_dict()) == (whole.best, whole.to_dict())


def stop_at(n_done: float) -> Callable[[object], None]:
    def stop(event: object) -> None:
        if isinstance(event, RunsProgress) and event.done > n_done:
            raise StoppedError("interrupted")

    return stop


@pytest.mark.parametrize("n_trials", [2, pytest.param(13, marks=pytest.mark.slow)])
def test_trials_that_were_cut_are_repeated_and_not_counted(config: Config, tmp_path: Path, n_trials: int) -> None:
    whole = tune(config, n_trials, SPACE, f"sqlite:///{tmp_path}/whole.db")
    parted = f"sqlite:///{tmp_path}/parted.db"
    for n_done in [at + 0.2 for at in range(-1, n_trials)]:
        with pytest.raises(StoppedError):
            tune(config, n_trials, SPACE, parted, stop_at(n_done))
    assert tune(config, n_trials, SPACE, parted).to_dict() == whole.to_dict()
    assert outcomes(parted) == outcomes(f"sqlite:///{tmp_path}/whole.db")


def outcomes(storage: str) -> list[tuple[int, str, Any, dict[str, Any]]]:
    """What fills the slots of a study, in their order."""
    trials = optuna.load_study(study_name="recsys", storage=storage).get_trials()
    counted = [trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED")]
    return sorted((trial.user_attrs["slot"], trial.state.name, trial.value, trial.params) for trial in counted)


def test_the_test_part_is_not_even_read(
    small: Callable[..., Config], ratings_csv: Path, storage: str, tmp_path: Path
) -> None:
    files = {"ratings": None, "train": str(ratings_csv), "test": str(tmp_path / "nowhere.csv")}
    config = small(data=files, training={"method": "sgd"})
    assert tune(config, 1, SPACE, storage).n_ratings == 90
    assert tune(config, 1, SPACE, storage).config.data.test == config.data.test


@pytest.mark.slow
def test_hopeless_trials_are_pruned_and_diverged_ones_fail(config: Config, storage: str) -> None:
    events: list[Any] = []
    result = tune(config, 20, {"training.lr_max": (0.05, 1e-6, 1e6)}, storage, events.append)
    messages = [event.message for event in events if isinstance(event, RunsProgress) and event.message]
    assert result.n_pruned == sum("pruned" in line for line in messages) > 0
    assert result.n_failed == sum("diverged" in line for line in messages) > 0
    assert result.n_trials == len(messages) == 20


@pytest.mark.slow
def test_where_no_trial_is_better_the_config_stays(config: Config, storage: str) -> None:
    result = tune(config, 2, {"training.lr_max": (1e-7, 1e-8)}, storage)
    assert result.best == Best(trial=None, metric=result.as_it_is, values={})
    assert result.config == config


def test_another_config_or_space_is_another_study(config: Config, storage: str) -> None:
    tune(config, 1, SPACE, storage)
    for other, space in ((config.model_copy(update={"seed": 1}), SPACE), (config, {"training.n_epochs": (2, 3)})):
        with pytest.raises(RunError, match="another config, space or data"):
            tune(other, 2, space, storage)


def test_a_database_that_cannot_be_opened_is_refused(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_study, "OPENING_SECONDS", 0)
    (tmp_path / "text.db").write_text("this is no database" * 100)
    for storage in (f"sqlite:///{tmp_path}/no/folder.db", f"sqlite:///{tmp_path}/text.db", "nonsense"):
        with pytest.raises(RunError, match="cannot be used") as caught:
            tune(config, 1, SPACE, storage)
        assert caught.value.where == storage


def test_what_cannot_be_tuned_is_refused(small: Callable[..., Config], storage: str) -> None:
    for sections, what in (
        ({"split": {"valid_fraction": 0}}, "there is none"),
        ({"training": {"patience": 2}}, "training.patience"),
        ({"start": {"run": "x"}}, "start"),
    ):
        with pytest.raises(ConfigError, match=what):
            tune(small(**sections), 1, SPACE, storage)


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.core.errors.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="optuna") as caught:
        tuning.check_optuna()
    assert "[tune]" in (caught.value.hint or "")


def test_a_hint_at_the_section_ranking_is_for_configs_without_it(small: Callable[..., Config]) -> None:
    for ranking, hint in (("none", "ndcg and recall need the section ranking"), ({"n_epochs": 1}, None)):
        with pytest.raises(UsageError) as raised:
            tuned_plan(small(ranking=ranking), "precision")
        assert raised.value.hint == hint


@pytest.mark.parametrize(("metric", "scorer"), [("ndcg@10", "ranking"), ("mae", "rating")])
def test_a_metric_is_tuned_by_training_its_scorer_alone(
    small: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str, scorer: str
) -> None:
    config = small(ranking={"embedding_dim": 4, "n_epochs": 3, "regularization": 0.05})
    trained = train(config, tmp_path / "run")
    built: list[str] = []
    monkeypatch.setattr("recsys.workflows.tune.build_learner", lambda plan, *rest: _built(built, plan, *rest))
    space: Space = {"ranking.regularization": (0.5,)} if scorer == "ranking" else {"training.lr_max": (0.01,)}
    tuned = tune(config, 1, space, f"sqlite:///{tmp_path}/study.db", metric=metric)
    assert built == [scorer] * 2
    assert tuned.objective.deciding_metric == metric
    measured = trained["ranking"] if scorer == "ranking" else trained
    assert tuned.as_it_is == measured["valid"][metric]  # type: ignore[index]


def _built(names: list[str], plan: Plan, *rest: Any) -> Any:
    names.append(plan.name)
    return build_learner(plan, *rest)


def test_a_metric_that_no_scorer_has_is_refused(small: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no scorer of this config is measured by 'ndcg@10'") as caught:
        tune(small(), 1, SPACE, f"sqlite:///{tmp_path}/study.db", metric="ndcg@10")
    assert caught.value.expected == "rmse or mae"
