from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recsys.artifacts.lock import locked
from recsys.config.loading.load import config_from, load_config
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError, DataError, DivergedError, RunError, StoppedError, UsageError
from recsys.core.events import Note, RunsProgress, silent
from recsys.workflows import parallel_runs, run_processes
from recsys.workflows.cross_validate import FoldFiles, compare_splits, cross_validate
from recsys.workflows.parallel_runs import train_parallel
from recsys.workflows.train import train

Small = Callable[..., Config]
SGD = {"method": "sgd", "n_epochs": 4, "checkpoint_every": 9}


def timeless(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "folds": [{k: v for k, v in fold.items() if k != "fit_seconds"} for fold in result["folds"]]}


@pytest.fixture(scope="module")
def fast(small: Small) -> Config:
    return small(training=SGD)


@pytest.fixture(scope="module")
def kept(fast: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Three folds that were kept: where, and what they gave."""
    folder = tmp_path_factory.mktemp("cross") / "validation"
    return folder, cross_validate(fast, 3, folder, jobs=1).to_dict()


def test_every_rating_is_in_one_test_fold_and_none_is_dropped(kept: tuple[Path, dict[str, Any]]) -> None:
    _, result = kept
    assert result["n_ratings"] == 900
    assert [fold["n_ratings"] for fold in result["folds"]] == [300, 300, 300]
    means = {name: scores["rmse"]["mean"] for name, scores in result["baselines"].items()}
    assert result["difference"]["to"] == min(means, key=means.__getitem__)
    assert result["difference"]["rmse"]["mean"] == pytest.approx(result["model"]["rmse"]["mean"] - min(means.values()))


def test_a_fold_is_a_run_that_its_config_repeats(kept: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, result = kept
    again = train(load_config(folder / "fold-2" / "config.yaml"), tmp_path / "again")
    fold = result["folds"][1]
    assert (fold["fold"], fold["run_dir"]) == ("2", str(folder / "fold-2"))
    assert {key: fold[key] for key in again["test"]} == again["test"]
    assert fold["baselines"] == again["baselines"]


@pytest.mark.slow
def test_the_result_does_not_depend_on_how_many_are_trained_at_a_time(
    fast: Config, kept: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    seen: list[RunsProgress] = []
    result = cross_validate(fast, 3, tmp_path / "two", jobs=2, observe=seen.append).to_dict()  # type: ignore[arg-type]
    expected = [{**fold, "run_dir": ""} for fold in timeless(kept[1])["folds"]]
    assert [{**fold, "run_dir": ""} for fold in timeless(result)["folds"]] == expected
    names = sorted(event.message.partition(":")[0] for event in seen if event.message)
    assert names == ["fold-1", "fold-2", "fold-3"]
    assert max(event.done for event in seen) == 3


def test_a_split_that_folds_do_not_go_by_is_noted(fast: Config) -> None:
    seen: list[Any] = []
    config = fast.model_copy(update={"split": fast.split.model_copy(update={"method": "new_items"})})
    cross_validate(config, 2, jobs=1, observe=seen.append)
    notes = [event.text for event in seen if isinstance(event, Note)]
    assert notes == ["folds are drawn from all rows, not by split.method: new_items"]


def test_nothing_is_kept_unless_asked_for(fast: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    result = cross_validate(fast, 2, jobs=1).to_dict()
    assert "run_dir" not in result["folds"][0]
    assert list(tmp_path.iterdir()) == []


def test_folds_that_are_files_give_what_they_give_alone(fast: Config, ratings_csv: Path, tmp_path: Path) -> None:
    header, *rows = ratings_csv.read_text().splitlines()
    for fold, (start, end) in {"10": (0, 300), "9": (300, 900)}.items():
        for part, chosen in (("train", [*rows[:start], *rows[end:]]), ("test", rows[start:end])):
            (tmp_path / f"u{fold}.{part}.csv").write_text("\n".join([header, *chosen]))
    files = FoldFiles(str(tmp_path / "u{fold}.train.csv"), str(tmp_path / "u{fold}.test.csv"))
    result = cross_validate(fast, files, jobs=1).to_dict()
    assert [(fold["fold"], fold["n_ratings"]) for fold in result["folds"]] == [("9", 600), ("10", 300)]
    data = {"train": str(tmp_path / "u9.train.csv"), "test": str(tmp_path / "u9.test.csv")}
    plain = fast.model_dump(mode="json", exclude_none=True)
    alone = train(config_from({**plain, "data": data}, tmp_path), tmp_path / "alone")
    assert {key: result["folds"][0][key] for key in alone["test"]} == alone["test"]


def test_splits_are_compared_on_the_same_model(fast: Config, tmp_path: Path) -> None:
    splits = compare_splits(fast, jobs=1).to_dict()["splits"]
    assert [row["method"] for row in splits] == ["random", "user_time", "leave_last", "time"]
    assert splits[2]["n_ratings"] == 40  # users
    assert all(row["asks"].endswith(("?", ".")) for row in splits)
    random = fast.model_copy(update={"split": fast.split.model_copy(update={"method": "random"})})
    alone = train(random, tmp_path / "alone")
    assert {key: splits[0][key] for key in alone["test"]} == alone["test"]


def test_splits_by_time_need_times(small: Small) -> None:
    config = small(training=SGD, data={"columns": {"timestamp": False}})
    with pytest.raises(DataError, match="no timestamps"):
        compare_splits(config, jobs=1)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_fold_that_diverges_is_named(small: Small, jobs: int) -> None:
    with pytest.raises(DivergedError, match="diverged") as caught:
        cross_validate(small(training={**SGD, "lr_max": 1e4}), 2, jobs=jobs)
    assert caught.value.where in ("fold-1", "fold-2")


def stop_at(n_done: float) -> Callable[[object], None]:
    def observe(event: object) -> None:
        if isinstance(event, RunsProgress) and event.done > n_done:
            raise StoppedError("interrupted")

    return observe


@pytest.mark.parametrize("n_done", [0.4, 1.0, 1.4, 2.9])
def test_folds_that_were_interrupted_are_resumed(
    fast: Config, kept: tuple[Path, dict[str, Any]], tmp_path: Path, n_done: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_processes, "SECONDS", 0.0)
    folder = tmp_path / "validation"
    config = fast.model_copy(update={"training": fast.training.model_copy(update={"checkpoint_every": 1})})
    with pytest.raises(StoppedError) as caught:
        cross_validate(config, 3, folder, jobs=1, observe=stop_at(n_done))
    assert caught.value.hint == f"the same command resumes the runs in {folder}"
    seen: list[Any] = []
    result = cross_validate(config, 3, folder, jobs=1, observe=seen.append).to_dict()
    names = [event.message.partition(":")[0] for event in seen if isinstance(event, RunsProgress) and event.message]
    n_before = 0 if n_done < 1 else int(n_done)
    assert names == ["fold-1", "fold-2", "fold-3"][n_before:]
    notes = [event.text for event in seen if isinstance(event, Note)]
    assert notes == ([f"{n_before} of 3 runs in {folder} were finished before"] if n_before else [])
    expected = [{**fold, "run_dir": ""} for fold in timeless(kept[1])["folds"]]
    assert [{**fold, "run_dir": ""} for fold in timeless(result)["folds"]] == expected
    assert {**result, "folds": ""} == {**kept[1], "folds": ""}
    assert sorted(path.name for path in tmp_path.rglob(".*")) == []


def test_finished_folds_are_read(
    fast: Config, kept: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel_runs, "train_task", None)
    (kept[0] / ".fold-1.lock").touch()  # of a process that was killed at its end
    assert cross_validate(fast, 3, kept[0], jobs=1).to_dict() == kept[1]
    assert not (kept[0] / ".fold-1.lock").exists()


def test_folds_of_another_config_or_of_other_data_are_refused_with_both_values(
    fast: Config, kept: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder = kept[0]
    (tmp_path / "less.csv").write_text(str(fast.data.ratings and Path(str(fast.data.ratings)).read_text())[:-20])
    other_data = fast.data.model_copy(update={"ratings": tmp_path / "less.csv"})
    for config, n_folds, match in (
        (fast, 4, r"split\.n_folds: 3 → 4"),
        (fast.model_copy(update={"seed": 7}), 3, r"seed: \d+ → 7"),
        (fast.model_copy(update={"data": other_data}), 3, r"sha256 of ratings: \w{64} → \w{64}"),
    ):
        with pytest.raises(RunError, match=match) as caught:
            cross_validate(config, n_folds, folder, jobs=1)
        assert caught.value.hint == "repeat the command as it was, or choose another --run-dir"
    with pytest.raises(RunError, match="holds other runs: fold-1, fold-2 and fold-3"):
        compare_splits(fast, folder, jobs=1)
    with locked(folder), pytest.raises(RunError, match="another process is writing"):
        cross_validate(fast, 3, folder, jobs=1)


def test_a_folder_with_something_else_is_refused(fast: Config, tmp_path: Path) -> None:
    (tmp_path / "fold-1").mkdir()
    (tmp_path / "fold-1" / "mine").touch()
    with pytest.raises(RunError, match="in use already"):
        cross_validate(fast, 3, tmp_path, jobs=1)
    (tmp_path / "config.yaml").touch()
    with pytest.raises(RunError, match="this is a run"):
        cross_validate(fast, 3, tmp_path, jobs=1)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_whoever_watches_can_stop_all(fast: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        cross_validate(fast, 2, jobs=jobs, observe=stop)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("recsys-")]


@pytest.mark.slow
def test_a_process_that_dies_is_named(fast: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_processes, "_work", die)
    with pytest.raises(RunError, match=r"process of only ended early, with code 3"):
        list(run_processes.in_processes({"only": (fast, tmp_path, None)}, 1, silent))


def die(*_: object) -> None:
    import os

    os._exit(3)


def test_a_fork_server_that_dies_is_named_unless_it_was_stopped() -> None:
    def start() -> None:
        raise EOFError("unexpected EOF")

    def stop(_: object) -> None:
        raise StoppedError("terminated")

    unstarted = SimpleNamespace(start=start)
    with pytest.raises(RunError, match="process of only cannot be started"):
        run_processes._start(unstarted, "only", silent)
    with pytest.raises(StoppedError):
        run_processes._start(unstarted, "only", stop)


def test_parts_that_are_given_cannot_be_cut_into_folds(fast: Config, tmp_path: Path) -> None:
    data = fast.data.model_copy(update={"ratings": None, "train": Path("a.csv")})
    for work in (cross_validate, compare_splits):
        with pytest.raises(ConfigError, match=r"data\.train"):
            work(fast.model_copy(update={"data": data}))  # type: ignore[operator]


def test_a_run_that_starts_from_another_one_is_refused(fast: Config, tmp_path: Path) -> None:
    from recsys.config.schema.start import Start

    with pytest.raises(ConfigError, match="every fold"):
        cross_validate(fast.model_copy(update={"start": Start(run=tmp_path)}))


@pytest.mark.parametrize("pattern", ["u1.csv", "u{fold}-{fold}.csv"])
def test_a_pattern_has_one_place_for_the_fold(fast: Config, pattern: str) -> None:
    with pytest.raises(UsageError, match="names no folds"):
        cross_validate(fast, FoldFiles(pattern, "t{fold}.csv"))


def test_folds_without_files_or_without_their_test_are_refused(fast: Config, tmp_path: Path) -> None:
    files = FoldFiles(str(tmp_path / "u{fold}.train.csv"), str(tmp_path / "u{fold}.test.csv"))
    with pytest.raises(DataError, match="0 files are like this"):
        cross_validate(fast, files)
    (tmp_path / "u1.train.csv").write_text("")
    with pytest.raises(DataError, match="fold 1 has a train file and no test file"):
        cross_validate(fast, files)


def test_more_folds_than_ratings_are_refused(small: Small, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("user,item,rating\n" + "".join(f"{n % 2},{n},{n % 5}\n" for n in range(6)))
    config = small(data={"ratings": str(tmp_path / "few.csv")}, split={"valid_fraction": 0.0}, training=SGD)
    with pytest.raises(DataError, match="6 ratings are too few for 7 folds"):
        cross_validate(config, 7, jobs=1)


@pytest.mark.slow
def test_runs_come_in_the_order_of_their_configs(fast: Config, tmp_path: Path) -> None:
    configs = {name: fast.model_copy(update={"seed": seed}) for seed, name in enumerate("cab")}
    results = train_parallel(configs, tmp_path, jobs=2)
    assert list(results) == ["c", "a", "b"]
    assert len({metrics["test"]["rmse"] for metrics in results.values()}) == 3


def test_both_scorers_are_validated_on_the_same_folds(small: Small, tmp_path: Path) -> None:
    config = small(
        training=SGD, ranking={"embedding_dim": 4, "n_epochs": 2, "regularization": 0.05, "popularity_weight": 0}
    )
    validation = cross_validate(config, 2, tmp_path / "folds", jobs=1).to_dict()
    ranking = validation["ranking"]
    assert (validation["objective"], ranking["objective"], ranking["n_folds"]) == ("rating", "ranking", 2)
    assert ranking["baselines"].keys() == {"popular", "rating"}
    for fold in ranking["folds"]:
        metrics = json.loads((Path(fold["run_dir"]) / "metrics.json").read_text())["ranking"]
        assert fold["ndcg@10"] == metrics["test"]["ndcg@10"]
    assert ranking["model"]["ndcg@10"]["mean"] == pytest.approx(sum(fold["ndcg@10"] for fold in ranking["folds"]) / 2)
    popular = [fold["ndcg@10"] - fold["baselines"]["popular"]["ndcg@10"] for fold in ranking["folds"]]
    assert ranking["difference"]["ndcg@10"]["mean"] == pytest.approx(sum(popular) / 2)
    assert ranking["n_users"] == sum(fold["n_users"] for fold in ranking["folds"])
