"""Runs, checkpoints, outputs and ids that cannot be used: exit 4 and 5; diverged: 6; not better: 7."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.core.seeding import rng

Recsys = Callable[..., Any]
Refused = Callable[..., None]


@pytest.fixture
def cut_short(data: Path, recsys: Recsys) -> Path:
    """A run with checkpoints after epochs 2 and 3 that was killed before it had finished."""
    folder = data / "runs" / "cut"
    assert recsys("train", "--config", "config.yaml", "--run-dir", "runs/cut").code == 0
    (folder / "metrics.json").unlink()
    shutil.rmtree(folder / "serving")
    return folder


def flip(path: Path) -> None:
    """Changes one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_used_run_folder_is_refused(data: Path, run: Path, refused: Refused) -> None:
    refused("run in use", 4, "train", "--config", "config.yaml", "--run-dir", "runs/first")


def test_a_folder_that_holds_something_else_is_refused(data: Path, refused: Refused) -> None:
    refused("folder in use", 4, "train", "--config", "config.yaml", "--run-dir", ".")


def test_a_resume_of_nothing_is_refused(data: Path, refused: Refused) -> None:
    refused("resume no run", 4, "train", "--resume", "--run-dir", "runs/nothing")
    refused("resume none unfinished", 4, "train", "--resume", "--config", "config.yaml")


def test_a_resume_with_another_config_says_what_changed(cut_short: Path, refused: Refused) -> None:
    arguments = ("--set", "model.embedding_dim=5", "--set", "seed=1")
    refused("resume changed config", 4, "train", "--resume", "--run-dir", "runs/cut", *arguments)


def test_a_resume_with_other_data_says_what_changed(cut_short: Path, recsys: Recsys, data: Path) -> None:
    with (data / "ratings.csv").open("a") as file:
        file.write("999,100,3,1000000000\n")
    before = (cut_short / "history.jsonl").read_bytes()
    ended = recsys("train", "--resume", "--run-dir", "runs/cut", "--json")
    assert (ended.code, ended.out, ended.error["kind"]) == (4, "", "run")
    assert "the data changed" in ended.error["what"]
    assert "sha256" in ended.error["expected"]
    assert (cut_short / "history.jsonl").read_bytes() == before


def test_a_damaged_checkpoint_is_refused_and_the_older_one_goes_on(
    cut_short: Path, recsys: Recsys, refused: Refused
) -> None:
    flip(cut_short / "checkpoints" / "epoch-0003" / "model.safetensors")
    refused("damaged checkpoint", 4, "train", "--resume", "--run-dir", "runs/cut")
    ended = recsys("train", "--resume", "--run-dir", "runs/cut", "--checkpoint", "epoch-0002", "--json")
    assert (ended.code, json.loads(ended.out)["n_epochs"]) == (0, 3)
    assert recsys("inspect", "runs/cut", "--verify").code == 0


def test_a_checkpoint_that_is_not_there_is_refused(cut_short: Path, refused: Refused) -> None:
    refused("no such checkpoint", 4, "train", "--resume", "--run-dir", "runs/cut", "--checkpoint", "epoch-0009")


def test_training_where_only_serving_is_installed_says_what_to_install(
    data: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.core.errors.find_spec", lambda _: None)
    refused("train without torch", 2, "train", "--config", "config.yaml")


@pytest.mark.parametrize("name", ["scorer.safetensors", "serving.json"])
def test_a_damaged_serving_file_is_refused_with_its_name(name: str, run: Path, refused: Refused) -> None:
    flip(run / "serving" / name)
    refused(f"damaged {name}", 4, "predict", "0", "100")


def test_a_serving_file_that_is_cut_is_refused(run: Path, refused: Refused) -> None:
    path = run / "serving" / "seen.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    refused("cut serving file", 4, "recommend", "0")


def test_a_time_that_means_nothing_is_refused(run: Path, refused: Refused) -> None:
    refused("time that is none", 2, "predict", "0", "100", "--at", "yesterday")
    refused("time of a file", 2, "predict", "--input", "pairs.csv", "--output", "out.csv", "--at", "2024-05-17")
    refused("time without drift", 4, "predict", "0", "100", "--at", "2024-05-17")


def test_drift_without_times_is_refused(data: Path, refused: Refused) -> None:
    drift = ("--set", "model.user_drift=true", "--set", "training={method: gibbs}")
    refused(
        "drift without times", 3, "train", "--config", "config.yaml", *drift, "--set", "data.columns.timestamp=false"
    )


def test_without_a_run_predict_says_how_to_get_one(here: Path, refused: Refused) -> None:
    refused("no finished run", 4, "predict", "1", "2")
    refused("no such run", 4, "predict", "1", "2", "--run", "runs/frst")
    refused("nothing to inspect", 4, "inspect", "runs/frst")


def test_an_unfinished_run_says_how_to_go_on(cut_short: Path, refused: Refused) -> None:
    refused("only an unfinished run", 4, "predict", "1", "2")
    refused("run not finished", 4, "predict", "1", "2", "--run", "runs/cut")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("train", ("train", "--config", "config.yaml", "--run-dir", "file/run")),
        ("init", ("init", "ratings.csv", "--output", "file/config.yaml")),
        ("export", ("export-factors", "--output", "file/factors")),
        ("predict", ("predict", "--input", "pairs.csv", "--output", "file/out.csv")),
        ("recommend", ("recommend", "--all", "--output", "file/out.csv")),
    ],
)
def test_an_output_below_a_file_is_refused(
    name: str, arguments: tuple[str, ...], run: Path, data: Path, recsys: Recsys
) -> None:
    (data / "file").write_text("")
    (data / "pairs.csv").write_text("user,item\n0,100\n")
    ended = recsys(*arguments, "--json")
    assert (ended.code, ended.out, ended.error["kind"]) == (4, "", "run")
    assert str(data / "file") in str(Path(ended.error["where"]).absolute())
    assert ended.error["what"].startswith(("cannot write", "file is a file"))


def test_an_export_into_a_used_folder_is_refused(run: Path, refused: Refused) -> None:
    refused("export folder in use", 4, "export-factors", "--output", "runs")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("user", ("predict", "99", "100")),
        ("item", ("predict", "0", "1000")),
        ("text for a number", ("predict", "zero", "100")),
        ("recommend", ("recommend", "99")),
        ("text for a number to recommend", ("recommend", "zero")),
    ],
)
def test_an_unknown_id_is_refused(name: str, arguments: tuple[str, ...], run: Path, refused: Refused) -> None:
    refused(f"unknown {name}", 5, *arguments)


def test_an_unknown_text_is_refused_with_the_nearest(text_run: Path, refused: Refused) -> None:
    refused("unknown text user", 5, "predict", "nee", "item1")
    refused("unknown text item", 5, "predict", "née", "itm1")


def test_unknown_ids_in_a_file_are_refused_and_counted(run: Path, data: Path, refused: Refused) -> None:
    (data / "pairs.csv").write_text("user,item\n0,100\n98,100\n99,100\n")
    refused("unknown in a file", 5, "predict", "--input", "pairs.csv", "--output", "out.csv")
    (data / "items.csv").write_text("item\n1\n2\n")
    refused("unknown candidates", 5, "recommend", "0", "--candidates", "items.csv")


def test_divergence_says_when_and_at_which_rate(data: Path, recsys: Recsys) -> None:
    override = ("--set", "training.lr_max=1e30")
    ended = recsys("train", "--config", "config.yaml", "--run-dir", "runs/x", *override, "--json")
    assert (ended.code, ended.out) == (6, "")
    assert ended.error["kind"] == "diverged"
    assert "in epoch 1 of 3" in ended.error["what"]
    assert "training.lr_max=" in ended.error["hint"]


def test_not_better_than_the_baseline_is_said_and_with_the_option_exits_with_7(data: Path, recsys: Recsys) -> None:
    draw = rng(1, "noise")
    rows = "".join(f"{n % 30},{n // 30},{draw.integers(1, 6)}\n" for n in range(600))
    (data / "ratings.csv").write_text("userId,movieId,rating\n" + rows)
    command = ("train", "--config", "config.yaml", "--set", "training.weight_decay=0", "--set", "training.lr_max=0.3")
    plain_run = recsys(*command)
    assert plain_run.code == 0
    verdict = next(line for line in plain_run.out.splitlines() if line.startswith("The model"))
    assert re.fullmatch(r"The model.* the global mean.*\(60 ratings; 95% interval [-+].*%\)\.", verdict)
    ended = recsys(*command, "--fail-below-baseline", "--json")
    assert (ended.code, ended.error["kind"], ended.error["exit_code"]) == (7, "below_baseline", 7)
    assert Path(json.loads(ended.out)["run_dir"], "metrics.json").exists()


def test_with_nothing_held_out_nothing_is_better(data: Path, recsys: Recsys) -> None:
    nothing = ("--set", "split={valid_fraction: 0, test_fraction: 0}")
    ended = recsys("train", "--config", "config.yaml", *nothing, "--fail-below-baseline")
    assert ended.code == 7
    assert "Nothing was held out to evaluate the model on." in ended.out
    assert "no ratings were held out to evaluate on" in ended.err


def test_memory_that_runs_out_ends_with_8(run: Path, recsys: Recsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 7 TB")

    monkeypatch.setattr("recsys.api.load", fill, raising=False)
    ended = recsys("recommend", 0)
    assert ended.code == 8
    assert ended.err.startswith(
        "error: memory ran out: Unable to allocate 7 TB\n  expected room for the data and the model"
    )
    assert "Traceback" not in ended.err
