"""Commands that attacks disturb: small trainings by every method, and all that is made from a run."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

USERS, ITEMS, RATINGS_EACH = 60, 80, 24
RUN = "out/run"

DATA = {"data": {"ratings": "ratings.csv", "items": "items.csv"}, "seed": 5}
NO_RANKING = {"ranking": "none"}
DOT_PRODUCT = {"kind": "dot_product", "embedding_dim": 4}
SVDPP = {"kind": "svdpp", "embedding_dim": 4}
NETWORK = {"kind": "embedding_net", "layers": [8, 6], "dropout": 0.1}
EVERY = {"checkpoint_every": 1}  # so that a stop adds no checkpoint
SGD = {"method": "sgd", "n_epochs": 3, **EVERY}
ADAMW = {"method": "adamw", "n_epochs": 3, "batch_size": 128, **EVERY}
GIBBS = {"method": "gibbs", "n_epochs": 5, "burn_in": 2, **EVERY}
IALS = {"embedding_dim": 4, "n_epochs": 3}

TRAININGS: dict[str, Mapping[str, object]] = {
    "sgd": {**NO_RANKING, "model": DOT_PRODUCT, "training": SGD},
    "stored": {
        **NO_RANKING,
        "data": {"prepared": "store", "items": "items.csv"},
        "model": DOT_PRODUCT,
        "training": SGD,
    },
    "svdpp-sgd": {**NO_RANKING, "model": SVDPP, "training": {**SGD, "keep": "best"}},
    "adamw": {**NO_RANKING, "model": {**DOT_PRODUCT, "y_range": [0, 5.5]}, "training": {**ADAMW, "keep": "best"}},
    "net": {**NO_RANKING, "model": NETWORK, "training": ADAMW},
    "gibbs": {**NO_RANKING, "model": DOT_PRODUCT, "training": {**GIBBS, "likelihood": "tobit"}},
    "gibbs-drift": {**NO_RANKING, "model": {**SVDPP, "flipped": True, "user_drift": True}, "training": GIBBS},
    "ranked": {"model": DOT_PRODUCT, "training": SGD, "ranking": IALS},
    "clicks": {"data": {"ratings": "ratings.csv", "columns": {"rating": False}}, "ranking": IALS},
    "refit": {"model": DOT_PRODUCT, "training": SGD, "ranking": IALS, "refit": True},
}
OTHERS: dict[str, Mapping[str, object]] = {
    "folds": {**NO_RANKING, "model": DOT_PRODUCT, "training": {**SGD, "n_epochs": 2}},
    "later": {**NO_RANKING, "data": {"ratings": "later.csv"}, "model": DOT_PRODUCT, "training": {**SGD, "n_epochs": 2}},
}


@dataclass(frozen=True)
class Job:
    """A command that writes below out/.

    Attributes:
        arguments: of `recsys`.
        again: how it is gone on with after a kill, once its run folder has a config; None: by the same command.
        makes_once: whether the same command refuses what it has made already.
        tells_all: whether it prints the same when it is repeated.
    """

    name: str
    arguments: tuple[str, ...]
    again: tuple[str, ...] | None = None
    makes_once: bool = False
    tells_all: bool = True

    def after_a_kill(self, folder: Path) -> tuple[str, ...]:
        """The arguments of the command that goes on."""
        return self.arguments if self.again is None or not (folder / RUN / "config.yaml").exists() else self.again


def _training(name: str) -> Job:
    command = f"train inputs/{name}.yaml --run-dir {RUN} --json"
    return Job(f"train-{name}", tuple(command.split()), tuple(f"{command} --resume".split()))


def _started(name: str, command: str) -> Job:
    """A training that starts from a run."""
    again = f"train --resume --run-dir {RUN} --json"
    return Job(name, tuple(f"{command} --run-dir {RUN} --json".split()), tuple(again.split()))


def _job(name: str, command: str, *, makes_once: bool = False) -> Job:
    return Job(name, tuple(f"{command} --json".split()), makes_once=makes_once)


BASE, OLDER = "base", "older"  # runs that are there
BASE_COMMAND = ("train", "inputs/ranked.yaml", "--run-dir", f"runs/{BASE}")
STORE_COMMAND = ("prepare", "--config", "inputs/sgd.yaml", "--output", "inputs/store")
JOBS = (
    *map(_training, TRAININGS),
    _job("prepare", "prepare --config inputs/sgd.yaml --output out/store"),
    _job("prepare-in-memory", "prepare --config inputs/sgd.yaml --set split.method=user_random --output out/store"),
    _started("update", "update --ratings inputs/later.csv --run base"),
    _started("finetune", "finetune inputs/later.yaml --from base"),
    _job("fold-in", f"fold-in --ratings inputs/new.csv --run base --run-dir {RUN}", makes_once=True),
    _job("tune", "tune inputs/folds.yaml --trials 4 --storage sqlite:///out/study.db --output out/tuned.yaml"),
    _job("cross-validate", "cross-validate inputs/folds.yaml --folds 2 --jobs 2 --run-dir out/folds"),
    _job("cross-validate-aside", "cross-validate inputs/folds.yaml --folds 2 --jobs 2"),
    _job("export-csv", "export-factors --run base --output out/factors", makes_once=True),
    _job("export-parquet", "export-factors --run base --output out/factors --format parquet", makes_once=True),
    _job("export-index", "export-factors --run base --output out/factors --index hnsw", makes_once=True),
    _job("export-npz", "export-factors --run base --output out/factors --format npz", makes_once=True),
    _job("export-safetensors", "export-factors --run base --output out/factors --format safetensors", makes_once=True),
    _job("report", "report --run base --output out/report.html"),
    _job("interpret", "interpret --run base --figures out/figures", makes_once=True),
    _job("recommend-all", "recommend --all --run base --output out/lists.csv"),
    _job("recommend-all-resumed", "recommend --all --shard 1/2 --resume --run base --output out/lists.csv"),
    _job("predict-input", "predict --input inputs/pairs.csv --run base --interval 0.9 --output out/rated.csv"),
    _job("sample", "sample out/sample", makes_once=True),
    _job("init", "init inputs/ratings.csv --output out/config.yaml", makes_once=True),
    _job("lr-find", "lr-find inputs/folds.yaml --output out/lr.png"),
    _job("promote", "promote older"),
    Job("prune", ("runs", "--prune", "1", "--yes", "--json"), tells_all=False),
)


def write_inputs(folder: Path, times: int = 1) -> None:
    """Writes the files that the jobs read; the same bytes each time.

    Args:
        times: as many epochs as a training has otherwise.
    """
    folder.mkdir(parents=True)
    draw = random.Random(11)
    taste = [(draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(USERS + 1)]
    kind = [(draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(ITEMS)]

    def rows(user: int) -> list[str]:
        items = sorted(draw.sample(range(ITEMS), RATINGS_EACH))
        return [f"{user},{item},{_stars(taste[user], kind[item])},{10**9 + user * 100 + item}" for item in items]

    known = [row for user in range(USERS) for row in rows(user)]
    later = [row for user in range(0, USERS, 5) for row in rows(user)]
    files = {
        "ratings.csv": known,
        "later.csv": later,
        "new.csv": rows(USERS),
        "pairs.csv": known[::7],
    }
    for name, content in files.items():
        _write(folder / name, ["user,item,rating,timestamp", *content])
    _write(folder / "items.csv", ["item,title", *(f"{item},Film {item}" for item in range(ITEMS))])
    for name, config in {**TRAININGS, **OTHERS}.items():
        (folder / f"{name}.yaml").write_text(
            json.dumps(_longer({**DATA, **config}, times)), encoding="utf-8"
        )  # JSON is YAML too


def _longer(config: object, times: int) -> object:
    if not isinstance(config, Mapping):
        return config
    return {key: value * times if key == "n_epochs" else _longer(value, times) for key, value in config.items()}


def _stars(taste: tuple[float, float], kind: tuple[float, float]) -> int:
    liking = 3.5 + taste[0] * kind[0] + 0.5 * taste[1] * kind[1]
    return max(1, min(5, round(liking)))


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
