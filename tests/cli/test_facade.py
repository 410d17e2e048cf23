"""What a command answers in JSON is what the function of the Python API returns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys import api

Recsys = Callable[..., Any]
TIMES = (
    *("fit_seconds", "ratings_per_second", "epoch_seconds"),
    *("read_seconds", "least_seconds", "most_seconds", "cpu_seconds", "peak_bytes"),
)
CASES: dict[str, tuple[tuple[str, ...], Callable[[], object]]] = {
    "evaluate": (
        ("evaluate", "--data", "ratings.csv", "--interval", "0.9", "--by-activity", "--ranking", "--k", "5"),
        lambda: api.evaluate(None, "ratings.csv", by_activity=True, interval=0.9, ranking={"k": 5}),
    ),
    "cross-validate": (
        ("cross-validate", "--config", "config.yaml", "--folds", "2", "--jobs", "1"),
        lambda: api.cross_validate("config.yaml", 2),
    ),
    "compare": (("compare", "runs/first", "runs/first"), lambda: api.compare(["runs/first", "runs/first"])),
    "dry run": (("train", "--config", "config.yaml", "--dry-run"), lambda: api.estimate("config.yaml")),
    "predict": (("predict", "0", "100"), lambda: api.load().predict(0, 100).to_dict()),
    "explain": (("explain", "0", "110"), lambda: api.load().explain(0, 110).to_dict()),
    "items": (
        ("items", "film 11"),
        lambda: {"query": "film 11", "items": [item.to_dict() for item in api.search_items(api.load(), "film 11")]},
    ),
    "sample": (("sample", "one"), lambda: {key: path.replace("two", "one") for key, path in api.sample("two").items()}),
    "prepare": (
        ("prepare", "ratings.csv", "--output", "one", "--set", "model.embedding_dim=4"),
        lambda: {**api.prepare("ratings.csv", "two", overrides=["model.embedding_dim=4"]), "store": "one"},
    ),
    "interpret": (("interpret", "-n", "2"), lambda: api.interpret(None, 2).to_dict()),
    "report": (("report",), lambda: api.report()),
    "runs": (("runs",), api.runs),
    "inspect": (("inspect", "runs/first", "--verify"), lambda: api.inspect("runs/first", verify=True)),
    "lr-find": (
        ("lr-find", "--config", "config.yaml"),
        lambda: {**api.lr_find("config.yaml").to_dict(), "output": None},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_command_answers_as_the_function_does(case: str, run: Path, recsys: Recsys) -> None:
    command, call = CASES[case]
    ended = recsys(*command, "--json")
    assert ended.code == 0
    assert without_times(json.loads(ended.out)) == without_times(json.loads(json.dumps(call())))


@pytest.mark.parametrize(
    ("command", "call"),
    [
        (("train", "--config", "config.yaml"), lambda folder: api.train("config.yaml", folder)),
        (
            ("finetune", "--from", "runs/first", "--config", "config.yaml"),
            lambda folder: api.finetune("runs/first", "config.yaml", folder),
        ),
        (("update", "--ratings", "ratings.csv"), lambda folder: api.update("ratings.csv", "runs/first", folder)),
        (("fold-in", "--ratings", "new.csv"), lambda folder: api.fold_in("new.csv", "runs/first", folder)),
    ],
    ids=["train", "finetune", "update", "fold-in"],
)
def test_the_command_makes_the_run_that_the_function_makes(
    command: tuple[str, ...], call: Callable[[str], dict[str, Any]], run: Path, data: Path, recsys: Recsys
) -> None:
    (data / "new.csv").write_text("userId,movieId,rating\n-99,100,5\n77,100,5\n77,120,1\n3,99,2\n")
    answer = json.loads(recsys(*command, "--run-dir", "other/cli", "--json").out)
    metrics = call("other/api")
    assert (answer.pop("run_dir"), metrics.pop("run_dir")) == ("other/cli", "other/api")
    assert without_times(answer) == without_times(json.loads(json.dumps(metrics)))
    arrays = [Path("other", made, "serving", "scorer.safetensors").read_bytes() for made in ("cli", "api")]
    assert arrays[0] == arrays[1]


def without_times(value: Any) -> Any:
    """A json value without what differs each time."""
    if isinstance(value, dict):
        return {key: without_times(member) for key, member in value.items() if key not in TIMES}
    return [without_times(member) for member in value] if isinstance(value, list) else value
