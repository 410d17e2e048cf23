"""A run whose text files were changed: refused by name, or the result is the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts import history
from recsys.artifacts.checkpoint import open_checkpoint
from recsys.artifacts.manifest import seal
from recsys.artifacts.overview import describe, overview
from recsys.artifacts.run_config import read_run_config
from recsys.artifacts.selected import selected_parameters
from recsys.config.schema.config import Config
from recsys.core.errors import RecsysError, RunError
from recsys.core.seeding import rng
from recsys.inference.recommender import Recommender
from recsys.reporting.report import report
from recsys.workflows.fold_in_run import fold_in_run
from recsys.workflows.train import train
from recsys.workflows.update import update_config

Small = Callable[..., Config]
Content = Callable[[Path], dict[str, Any]]
OF_BOTH = ("config.yaml", "history.jsonl", "checkpoints/last", "checkpoints/epoch-0003/state.json")
OF_FINISHED = ("metrics.json", "serving/serving.json", "checkpoints/epoch-0004/state.json")


def refusal(job: Callable[[], object]) -> str | None:
    """What is said against a job; None if it is done."""
    try:
        job()
    except RecsysError as error:
        return str(error)
    return None


def every(n: int) -> list[Any]:
    """Every day n bytes of each file, and 15 times as many when there is time."""
    return [n, pytest.param(15 * n, marks=pytest.mark.slow)]


def alterations(content: bytes, n: int) -> list[bytes]:
    """Contents that differ: one bit in n places, and cut, emptied, grown, or with two lines swapped."""
    lines = content.splitlines(keepends=True)
    draw = rng(4, "alterations")
    places = draw.choice(len(content), min(n, len(content)), replace=False).tolist()
    flipped = [
        content[:at] + bytes([content[at] ^ (1 << int(draw.integers(8)))]) + content[at + 1 :] for at in sorted(places)
    ]
    return [
        *flipped,
        content[:-1],
        content[: len(content) // 2],
        b"",
        content + b"\n",
        b"".join([*lines[1:], *lines[:1]]),
    ]


@pytest.mark.parametrize("n", every(3))
@pytest.mark.parametrize("name", OF_BOTH)
def test_an_altered_unfinished_run_is_refused_or_ends_alike(
    small: Small, begun: Path, content: Content, tmp_path: Path, name: str, n: int
) -> None:
    train(small(), tmp_path / "whole" / "run")
    whole = content(tmp_path / "whole" / "run")
    for altered in alterations((begun / name).read_bytes(), n):
        run = shutil.copytree(begun, tmp_path / "altered" / "run")
        (run / name).write_bytes(altered)
        error = refusal(lambda run=run: train(read_run_config(run), run, resume=True))  # type: ignore[misc]
        if error is None:
            ended = content(run) | ({name: whole[name]} if name == "config.yaml" else {})
            assert ended == whole, altered
        elif name != "config.yaml":  # a changed path of the ratings leads elsewhere
            assert str(run / name) in error, altered
        shutil.rmtree(run)


@pytest.mark.parametrize("n", every(20))
@pytest.mark.parametrize("name", [*OF_BOTH, *OF_FINISHED])
def test_an_altered_finished_run_is_refused_by_the_name_of_the_file(
    finished: Path, tmp_path: Path, name: str, n: int
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    for altered in alterations((run / name).read_bytes(), n):
        (run / name).write_bytes(altered)
        if altered == (finished / name).read_bytes():
            continue
        error = refusal(lambda: describe(run, verify=True))
        if error is None:
            assert name == "config.yaml", altered  # the values that decide are the same
        else:
            assert str(run / name) in error, altered


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("n_epochs: 4", "n_epochs: 5", "training.n_epochs: 4 → 5"),
        ("seed: 42", "seed: 43", "seed: 42 → 43"),
        ("embedding_dim: 4", "embedding_dim: 5", "model.embedding_dim: 4 → 5"),
        ("valid_fraction: 0.1", "valid_fraction: 0.2", "split.valid_fraction: 0.1 → 0.2"),
    ],
)
def test_an_edited_config_is_refused_with_both_values_and_what_to_do(
    small: Small, begun: Path, finished: Path, tmp_path: Path, old: str, new: str, says: str
) -> None:
    done = shutil.copytree(finished, tmp_path / "done")
    for run in (begun, done):
        change(run / "config.yaml", old, new)
        with pytest.raises(RunError, match="was changed after the run was started") as caught:
            train(small(), run, resume=True)
        assert says in caught.value.what
        assert caught.value.where == str(run / "config.yaml")
        assert f"recsys train {run / 'config.yaml'}" in (caught.value.hint or "")
    for use in (
        lambda: update_config(done, Path("new.csv"), []),
        lambda: fold_in_run(done, Path("new.csv"), tmp_path / "child"),
        lambda: describe(done, verify=True),
    ):
        with pytest.raises(RunError, match="was changed after the run was started"):
            use()


def test_nothing_is_resumed_where_the_last_of_a_finished_run_was_changed(finished: Path, tmp_path: Path) -> None:
    done = shutil.copytree(finished, tmp_path / "done")
    change(done / "checkpoints" / "last", "epoch", "other")
    with pytest.raises(RunError, match="last is damaged") as caught:
        describe(done, verify=True)
    assert "resume" not in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 42", "# mine\nseed: 42"),
        ("checkpoint_every: 1", "checkpoint_every: 3"),
        ("n_threads: auto", "n_threads: 1"),
    ],
)
def test_what_decides_nothing_may_be_edited(begun: Path, finished: Path, tmp_path: Path, old: str, new: str) -> None:
    done = shutil.copytree(finished, tmp_path / "done")
    for run in (begun, done):
        change(run / "config.yaml", old, new)
        assert describe(run, verify=True)["n_verified"]


def test_a_changed_score_in_the_history_does_not_choose_another_model(
    small: Small, interrupted: Callable[..., None], tmp_path: Path
) -> None:
    config = small(training={"keep": "best"})
    interrupted(config, tmp_path / "run", after=3)
    rmse = history.read(tmp_path / "run")[0].valid
    assert rmse is not None
    change(tmp_path / "run" / "history.jsonl", str(rmse["rmse"]), "0.1")
    with pytest.raises(RunError, match=r"history\.jsonl is damaged: line 1") as caught:
        train(config, tmp_path / "run", resume=True)
    assert caught.value.where == f"{tmp_path / 'run' / 'history.jsonl'}:1"
    assert caught.value.hint == "start a new run"  # the older checkpoint has this line too


def test_an_older_checkpoint_is_offered_where_its_part_of_the_history_is_intact(small: Small, begun: Path) -> None:
    lines = (begun / "history.jsonl").read_text().splitlines(keepends=True)
    (begun / "history.jsonl").write_text("".join([*lines[:2], lines[2].replace("3", "4", 1)]))
    with pytest.raises(RunError, match="line 3") as caught:
        train(small(), begun, resume=True)
    assert "--checkpoint epoch-0002" in (caught.value.hint or "")
    assert train(small(), begun, resume=True, checkpoint="epoch-0002")["n_epochs"] == 4


def test_the_history_of_another_run_is_refused(small: Small, begun: Path, tmp_path: Path) -> None:
    train(small(seed=1), tmp_path / "other")
    shutil.copy(tmp_path / "other" / "history.jsonl", begun / "history.jsonl")
    with pytest.raises(RunError, match="is of another run"):
        train(small(), begun, resume=True)
    with pytest.raises(RunError, match="is of another run"):
        describe(begun, verify=True)


def test_a_finished_run_does_not_go_on_from_an_earlier_checkpoint(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "checkpoints" / "last").write_text("epoch-0003\n")
    with pytest.raises(RunError, match=r"last is damaged: its sha256 is not the one that metrics\.json names"):
        selected_parameters(run)


def test_the_serving_folder_of_another_run_is_refused(small: Small, finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    train(small(seed=1), tmp_path / "other")
    shutil.rmtree(run / "serving")
    shutil.copytree(tmp_path / "other" / "serving", run / "serving")
    with pytest.raises(RunError, match=r"serving\.json is damaged: its sha256 is not the one that metrics\.json names"):
        Recommender.open(run)


def test_a_report_on_a_changed_history_is_refused_and_so_is_a_resume(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    lines = (run / "history.jsonl").read_text().splitlines(keepends=True)
    (run / "history.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(RunError, match=r"history\.jsonl is damaged"):
        report(Recommender.open(run).bundle)
    with pytest.raises(RunError, match=r"history\.jsonl is damaged"):
        train(read_run_config(run), run, resume=True)
    assert overview(run)["status"] == "damaged"


def test_a_checkpoint_with_rates_for_other_layer_groups_is_refused(
    small: Small, interrupted: Callable[..., None], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    interrupted(small(training={"lr_max": "auto"}), run, after=2)
    opened = open_checkpoint(run / "checkpoints" / "epoch-0002")
    manifest = opened.manifest.model_copy(update={"training": {**opened.manifest.training, "lr_max": []}})
    (opened.path / "state.json").write_bytes(seal(manifest))
    with pytest.raises(RunError, match=r"training\.lr_max: a list has a learning rate for each layer group"):
        train(read_run_config(run), run, resume=True)


def test_a_checkpoint_of_a_run_with_another_config_is_refused(small: Small, begun: Path) -> None:
    """As after a checkpoint was copied from a run of another config."""
    older = open_checkpoint(begun / "checkpoints" / "epoch-0002")
    manifest = older.manifest.model_copy(update={"config": {**older.manifest.config, "seed": 7}})
    (older.path / "state.json").write_bytes(seal(manifest))
    with pytest.raises(RunError, match="seed: 7 → 42"):
        describe(begun, verify=True)
