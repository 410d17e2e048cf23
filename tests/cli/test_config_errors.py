"""What is wrong with a config or a command line: exit 2, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Refused = Callable[..., None]
CONFIGS = {
    "unknown key": "data: {ratings: ratings.csv}\ntraining:\n  n_epoch: 5\n",
    "key of another method": "data: {ratings: ratings.csv}\ntraining:\n  method: sgd\n  batch_size: 64\n",
    "sgd with y_range": "data: {ratings: r.csv}\nmodel: {y_range: [0, 5]}\ntraining: {method: sgd}\n",
    "several at once": "data: {ratings: r.csv, header: no}\nmodel: {embedding_dim: 5e1}\nseed: -1\nsed: 1\n",
    "no ratings": "model: {embedding_dim: 8}\n",
    "too much held out": "data: {ratings: r.csv}\nsplit: {valid_fraction: 0.5, test_fraction: 0.5}\n",
    "patience without valid": "data: {ratings: r.csv}\nsplit: {valid_fraction: 0}\ntraining: {patience: 2}\n",
    "key twice": "data: {ratings: r.csv}\nseed: 1\nseed: 2\n",
    "not yaml": "data: {ratings: r.csv\n",
}
ONE_LINE_EACH = 3  # what and where, expected, hint


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("command", [("train", "--config"), ("config", "validate"), ("config", "show")])
def test_a_config_that_cannot_be_used_is_refused_with_its_line(
    name: str, command: tuple[str, str], here: Path, refused: Refused
) -> None:
    (here / "config.yaml").write_text(CONFIGS[name])
    refused(f"config {name}", 2, *command, "config.yaml")


@pytest.mark.parametrize(
    ("name", "override"),
    [
        ("set without a value", "training.n_epochs"),
        ("set unknown", "training.epochs=3"),
        ("set wrong value", "model.embedding_dim=big"),
        ("set below a value", "seed.x=1"),
    ],
)
def test_an_override_that_cannot_be_used_is_refused(name: str, override: str, data: Path, refused: Refused) -> None:
    refused(name, 2, "train", "--config", "config.yaml", "--set", override)


def test_without_a_config_train_says_how_to_get_one(here: Path, refused: Refused) -> None:
    refused("no config", 2, "train")


def test_a_config_that_is_not_there_is_refused_with_the_nearest_name(data: Path, refused: Refused) -> None:
    refused("config not there", 2, "train", "--config", "confg.yaml")


def test_a_checkpoint_goes_with_resume(data: Path, refused: Refused) -> None:
    refused("checkpoint without resume", 2, "train", "--config", "config.yaml", "--checkpoint", "epoch-0001")


def test_a_config_that_is_there_is_not_overwritten(data: Path, refused: Refused) -> None:
    refused("config exists", 2, "init", "ratings.csv")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("option unknown", ["train", "--confg", "config.yaml"]),
        ("option missing", ["export-factors"]),
        ("option out of range", ["recommend", "1", "-n", "0"]),
        ("option not a number", ["recommend", "1", "-n", "ten"]),
        ("option not a choice", ["predict", "1", "2", "--on-unknown", "median"]),
        ("argument missing", ["init"]),
        ("argument too many", ["predict", "1", "2", "3"]),
        ("title without quotes", ["similar", "star", "wars"]),
        ("predict half a pair", ["predict", "1"]),
        ("predict input without output", ["predict", "--input", "pairs.csv"]),
        ("recommend nobody", ["recommend"]),
        ("recommend all without output", ["recommend", "--all"]),
        ("command unknown", ["trian"]),
        ("option mistyped", ["predict", "1", "2", "--jsn"]),
        ("option mistyped for a list", ["recommend", "1", "--min-rating=3"]),
        ("option for a value", ["init", "ratings.csv", "--no-rating", "--output", "new.yaml"]),
        ("option after dashes", ["predict", "--", "1", "2", "--run"]),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(name: str, arguments: list[str], refused: Refused) -> None:
    refused(f"usage {name}", 2, *arguments)


def test_an_option_without_its_value_is_refused(recsys: Callable[..., Any]) -> None:
    ended = recsys("train", "--json", "--config")
    assert (ended.code, ended.out, ended.error["kind"]) == (2, "", "usage")
    assert (ended.error["what"], ended.error["hint"]) == (
        "Option '--config' requires an argument",
        "see recsys train --help",
    )


@pytest.mark.slow
def test_an_error_in_a_pipe_is_not_wrapped(process: Callable[..., Any], here: Path) -> None:
    name = "a-very-long-name-" * 12
    ended = process("train", "--config", name)
    first, *rest = ended.err.splitlines()
    assert (ended.code, first) == (2, f"error: {name}: there is no such file")
    assert len(rest) < ONE_LINE_EACH
    ended = process("predict", "1", "2", f"--{name}")
    first, *rest = ended.err.splitlines()
    assert (ended.code, first) == (2, f"error: no such option: --{name}")
    assert len(rest) < ONE_LINE_EACH
