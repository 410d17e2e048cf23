"""A model and a method in one file each: an entry in the tables is all that the rest of the program needs.

The config's schema is built from the tables when it is imported, so each is registered in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REGISTERED = Path(__file__).parent / "registered"
COMMON = """
import json, sys
from pathlib import Path
import recsys
from recsys.core.errors import RecsysError

ratings, out = Path(sys.argv[1]), Path(sys.argv[2])

class Stopped(Exception):
    pass

def stop(event):
    if getattr(event, "number", None) == 2:
        raise Stopped

def config(**sections):
    return {"data": {"ratings": str(ratings)}, "ranking": "none", **sections}

def what(function, *arguments):
    try:
        function(*arguments)
    except RecsysError as error:
        return type(error).__name__, error.what
    return None

def interrupted_and_resumed(given):
    try:
        recsys.train(given, out / "resumed", observe=stop)
    except Stopped:
        pass
    return recsys.train(given, out / "resumed", resume=True)

def scorer_bytes(run):
    return (out / run / "serving" / "scorer.safetensors").read_bytes()
"""
MODEL = """
import item_taste
training = {"n_epochs": 4, "checkpoint_every": 1, "batch_size": 64}
given = config(model={"kind": "item_taste", "dim": 2}, training=training)
whole = recsys.train(given, out / "whole")
resumed = interrupted_and_resumed(given)
recommender = recsys.load(out / "whole")
frozen = config(model={"kind": "item_taste"}, training={"n_epochs": 1, "freeze": ["users"]})
recsys.train(frozen, out / "frozen")
(out / "later.csv").write_text("userId,movieId,rating,timestamp\\n0,100,3,1\\n99,101,4,2\\n")
later = {**given, "data": {"ratings": str(out / "later.csv")}, "split": {"valid_fraction": 0, "test_fraction": 0}}
recsys.train({**later, "start": {"run": str(out / "whole")}}, out / "finetuned")
(out / "new.csv").write_text("userId,movieId,rating,timestamp\\n98,100,3,1\\n")
print(json.dumps({
    "method": whole["method"],
    "test": [whole["test"]["rmse"], resumed["test"]["rmse"]],
    "same": scorer_bytes("whole") == scorer_bytes("resumed"),
    "predicted": recommender.predict(0, 100).rating,
    "recommended": len(recommender.recommend(0, 3)),
    "exported": sorted(path.name for path in recsys.export_factors(out / "whole", out / "export", "npz")),
    "layers": [[layer.name, layer.group, layer.frozen] for layer in recsys.layers(out / "frozen").layers],
    "finetuned": recsys.load(out / "finetuned").predict(99, 101).known_user,
    "fold_in": what(recsys.fold_in, out / "new.csv", out / "whole", out / "folded"),
    "sgd": what(recsys.train, config(model={"kind": "item_taste"}, training={"method": "sgd"}), out / "none"),
    "keys": [entry.key for entry in recsys.config_reference() if entry.owner == "model.kind: item_taste"],
}))
"""
METHOD = """
import damped_means
given = config(model={"embedding_dim": 2}, training={"method": "damped_means", "checkpoint_every": 1})
whole = recsys.train(given, out / "whole")
resumed = interrupted_and_resumed(given)
plans = __import__("recsys.config.plans", fromlist=["plans"]).plans
space = __import__("recsys.config.space", fromlist=["default_space"]).default_space(
    plans(recsys.load_config(out / "whole" / "config.yaml"))[0]
)
print(json.dumps({
    "method": whole["method"],
    "biases": [whole["test"]["rmse"], whole["baselines"]["biases"]["rmse"]],
    "same": scorer_bytes("whole") == scorer_bytes("resumed"),
    "predicted": recsys.load(out / "whole").predict(0, 100).rating,
    "layers": [layer.name for layer in recsys.layers(out / "whole").layers if layer.group],
    "space": list(space),
    "svdpp": what(recsys.train, config(model={"kind": "svdpp"}, training={"method": "damped_means"}), out / "none"),
    "y_range": what(
        recsys.train, config(model={"y_range": [0, 6]}, training={"method": "damped_means"}), out / "none"
    ),
    "start": what(
        recsys.train, {**given, "start": {"run": str(out / "whole")}}, out / "none"
    ),
    "default": recsys.load_config(out / "plain.yaml").training.method,
}))
"""


def answers(program: str, ratings: Path, out: Path) -> dict[str, Any]:
    """What a program prints that starts with a registration."""
    out.mkdir(exist_ok=True)
    (out / "plain.yaml").write_text(f"data: {{ratings: {ratings}}}\n")
    ended = subprocess.run(
        [sys.executable, "-c", COMMON + program, str(ratings), str(out)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REGISTERED), os.environ.get("PYTHONPATH", "")])},
    )
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return answer


@pytest.mark.slow
def test_a_registered_model_is_trained_resumed_served_exported_and_inspected(ratings_csv: Path, tmp_path: Path) -> None:
    answer = answers(MODEL, ratings_csv, tmp_path / "out")
    assert answer["method"] == "adamw"
    assert answer["same"]
    assert answer["test"][0] == answer["test"][1]
    assert 0 < answer["predicted"] < 6
    assert answer["recommended"] == 3
    assert answer["exported"] == ["README.md", "factors.npz", "model.json"]
    assert answer["layers"] == [
        ["item_embedding", "items", False],
        ["item_bias", "items", False],
        ["user_embedding", "users", True],
        ["product", None, None],
        ["sum and bias", None, None],
    ]
    assert answer["finetuned"]
    assert answer["fold_in"] == ["RunError", "new users and items cannot be folded into item_taste"]
    assert answer["sgd"] == ["ConfigError", "sgd cannot fit item_taste: adamw can"]
    assert answer["keys"] == ["model.dim"]


@pytest.mark.slow
def test_a_registered_method_fits_a_model_that_does_not_know_of_it(ratings_csv: Path, tmp_path: Path) -> None:
    answer = answers(METHOD, ratings_csv, tmp_path / "out")
    assert answer["method"] == "damped_means"
    assert answer["same"]
    assert answer["biases"][0] == pytest.approx(answer["biases"][1], rel=0.02)
    assert 0 < answer["predicted"] < 6
    assert answer["layers"] == ["item_embedding", "item_bias", "user_embedding", "user_bias"]
    assert answer["space"] == ["model.embedding_dim"]
    assert answer["svdpp"] == ["ConfigError", "damped_means cannot fit svdpp: sgd and gibbs can"]
    assert answer["y_range"] == ["ConfigError", "damped_means cannot fit dot_product with y_range: adamw can"]
    assert answer["start"][0] == "ConfigError"
    assert "cannot start from a run" in answer["start"][1]
    assert answer["default"] == "sgd"
