"""Small worlds whose answers are known, and runs trained on them in a moment."""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from recsys.core.types import Array

# Before torch is imported, as in cli/app.py: two workers of two threads each would spin on each other's cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from recsys.config.loading.load import config_from
from recsys.config.schema.config import Config
from recsys.core.seeding import rng
from recsys.data.interactions import Dataset, Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.workflows.train import train

# Folders of tests lie in memory where there is room: a small run makes and removes a hundred files.
MEMORY, ROOM = Path("/dev/shm"), 4 << 30
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

gc.set_threshold(100_000, 20, 50)  # nearly all objects come from imports and stay


def pytest_collection_finish() -> None:
    """What has been imported and collected stays to the end, so the garbage collector need not look at it again."""
    gc.freeze()


TIMES = {"seconds", "ratings_per_second", "fit_seconds"}
CHECKSUMS = {"checksum", "files"}  # of what has times in it; the files are compared themselves
SMALL_RANKING = {"embedding_dim": 5, "n_epochs": 8}
NET = {"kind": "embedding_net", "dropout": 0.1, "embedding_dropout": 0.2}
UNTIMED: Any = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
# How many examples a property is tried on: every day, and by `make slow`; none is timed.
settings.register_profile("everyday", max_examples=10, **UNTIMED)
settings.register_profile("thorough", max_examples=150, **UNTIMED)
settings.load_profile("everyday")

AWKWARD_IDS = ["007", "NA", "1e5", "-3", "née", "a, b", 'say "hi"', "None", " x", "Z"]


@dataclass(frozen=True)
class World:
    """Ratings made of known factors. `noise` is the standard deviation of what cannot be learned."""

    dataset: Dataset
    noise: float


@pytest.fixture(scope="session", autouse=True)
def _unflushed() -> Iterator[None]:
    """Nothing waits for the disk: no test outlives a power cut, and a run flushes some 25 times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def planted() -> World:
    """16,000 ratings by 200 users of 150 items: mean 3, biases, three factors, noise 0.2; nothing clipped."""
    draw = rng(7, "planted")
    n_users, n_items, dim, noise = 200, 150, 3, 0.2
    user, item = np.divmod(draw.permutation(n_users * n_items)[:16_000], n_items)
    p, q = draw.normal(0, 0.8, (n_users, dim)), draw.normal(0, 0.8, (n_items, dim))
    b_user, b_item = draw.normal(0, 0.4, n_users), draw.normal(0, 0.4, n_items)
    clean = 3 + b_user[user] + b_item[item] + (p[user] * q[item]).sum(axis=1)
    rating = clean + draw.normal(0, noise, len(user))
    return World(_dataset(user, item, rating, range(n_users), range(n_items)), noise)


@pytest.fixture(scope="session")
def rated() -> Callable[..., Interactions]:
    """rated([(user_id, item_id, rating[, timestamp]), …]) → Ratings whose vocabularies hold every id."""
    return _rated


@pytest.fixture(scope="session")
def partly_rated() -> Splits:
    """30 users of 20 items. In train, users 0, 12 and 29 and items 100 and 119 have no ratings, and some no rows.

    Every fifth other row has no rating either; valid and test have rows of all of them.
    """
    draw = rng(11, "partly rated")
    user, item = np.divmod(draw.permutation(30 * 20)[:400].astype(np.int32), np.int32(20))
    rating = draw.integers(1, 6, 400).astype(np.float32)
    unrated = np.isin(user, (0, 12, 29)) | np.isin(item, (0, 19))
    rating[unrated | (np.arange(400) % 5 == 0)] = np.nan
    times = 1e9 + 3_600.0 * draw.permutation(400)
    ids = np.arange(30), np.arange(100, 120)
    whole = Interactions(user, item, rating, times, *(Vocabulary(array.astype(np.int64)) for array in ids))
    in_train = ~np.isin(user, (0, 29)) & (item != 19) & (np.arange(400) % 4 > 0)
    held_out = whole.take(~in_train)
    held_out = replace(held_out, rating=np.nan_to_num(held_out.rating, nan=3.0))
    return Splits(whole.take(in_train), held_out.take(slice(0, 60)), held_out.take(slice(60, None)))


@pytest.fixture(scope="session")
def ratings_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """900 ratings with times by 40 people, -5 to 34, of 50 items, 100 to 149; half stars from 0.5 to 5."""
    draw = rng(3, "small world")
    user, item = np.divmod(draw.permutation(40 * 50)[:900], 50)
    taste = draw.normal(size=(40, 2)), draw.normal(size=(50, 2))
    liking = (taste[0][user] * taste[1][item]).sum(axis=1) + draw.normal(0, 0.3, 900)
    stars = np.clip(np.round(6 + 2 * liking), 1, 10) / 2
    rows = zip((user - 5).tolist(), (item + 100).tolist(), stars.tolist(), range(900), strict=True)
    path = tmp_path_factory.mktemp("data") / "ratings.csv"
    text = "".join(f"{u},{i},{r},{1_000_000_000 + 60 * t}\n" for u, i, r, t in rows)
    path.write_text("userId,movieId,rating,timestamp\n" + text)
    titles = "".join(f'{i},"Film {i}, the ""best"""\n' for i in range(100, 150) if i != 101)
    path.with_name("movies.csv").write_text("movieId,title\n" + titles)
    return path


@pytest.fixture(scope="session")
def small(ratings_csv: Path) -> Callable[..., Config]:
    """small(model={…}, training={…}, …) → a Config on `ratings_csv`: adamw, dim 4, 4 epochs, a checkpoint each.

    It trains no scorer for recommendations, unless it is given a section `ranking`.
    """

    def build(**sections: Any) -> Config:
        method, kind = sections.get("training", {}).get("method"), sections.get("model", {}).get("kind")
        is_sgd, is_net = method in ("sgd", "gibbs"), kind == "embedding_net"
        training = {"n_epochs": 4, "checkpoint_every": 1} | ({} if method == "gibbs" else {"lr_max": 0.05})
        base: dict[str, Any] = {
            "data": {"ratings": str(ratings_csv)},
            "model": {"user_dim": 5, "item_dim": 4, "layers": [8, 6]} if is_net else {"embedding_dim": 4},
            "training": training | ({} if is_sgd else {"method": "adamw", "batch_size": 64}),
        }
        merged = {
            name: base.get(name, {}) | sections.get(name, {}) for name in (*base, "split") if name in {*base, *sections}
        }
        rest = {name: value for name, value in sections.items() if name not in merged}
        return config_from({"ranking": "none", **merged, **rest}, Path.cwd())

    return build


@pytest.fixture(scope="session")
def wild(small: Callable[..., Config]) -> Callable[..., Config]:
    """wild(key=…, …) → a Config of adamw that overfits: valid rmse is lowest after epoch 2."""

    def build(**training: Any) -> Config:
        return small(
            model={"embedding_dim": 16},
            training={"schedule": "constant", "weight_decay": 0.0, "batch_size": 32, **training},
        )

    return build


@pytest.fixture(scope="session")
def finished(small: Callable[..., Config], ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with integer ids, titles and a clipped linear output. Read only: copy it to change it."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    train(small(data={"items": str(ratings_csv.with_name("movies.csv"))}), folder)
    return folder


@pytest.fixture(scope="session")
def finished_ranked(small: Callable[..., Config], ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run like `finished`, with a ranking scorer beside the rating scorer."""
    folder = tmp_path_factory.mktemp("ranked") / "finished"
    train(small(data={"items": str(ratings_csv.with_name("movies.csv"))}, ranking=SMALL_RANKING), folder)
    return folder


@pytest.fixture(scope="session")
def finished_clicks(small: Callable[..., Config], ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of clicks: the pairs of `ratings_csv` without ratings and times, and a ranking scorer alone."""
    folder = tmp_path_factory.mktemp("clicks")
    pairs = [line.split(",")[:2] for line in ratings_csv.read_text().splitlines()]
    (folder / "clicks.csv").write_text("".join(f"{user},{item}\n" for user, item in pairs))
    data = {"ratings": str(folder / "clicks.csv"), "columns": {"rating": False}}
    train(small(data=data, ranking=SMALL_RANKING), folder / "run")
    return folder / "run"


@pytest.fixture(scope="session")
def finished_text(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose ids are texts that other programs like to misread, with a sigmoid output."""
    root = tmp_path_factory.mktemp("text")
    draw = rng(5, "text ids")
    quoted = ['"' + raw_id.replace('"', '""') + '"' for raw_id in AWKWARD_IDS]
    pairs = [(u, i) for u in quoted for i in [*quoted, *(f"item{n}" for n in range(20))] if draw.random() < 0.7]
    rows = "".join(f"{u},{i},{draw.integers(1, 6)}\n" for u, i in pairs)
    (root / "books.csv").write_text("reader,isbn,stars\n" + rows, encoding="utf-8")
    columns = {"user": "reader", "item": "isbn", "rating": "stars"}
    model = {"embedding_dim": 3, "y_range": [0, 5.5]}
    train(small(data={"ratings": str(root / "books.csv"), "columns": columns}, model=model), root / "run")
    return root / "run"


@pytest.fixture(scope="session")
def finished_net(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of an embedding net with dropout of both sorts."""
    folder = tmp_path_factory.mktemp("net") / "finished_net"
    train(small(model=NET), folder)
    return folder


@pytest.fixture(scope="session")
def content() -> Callable[[Path], dict[str, Any]]:
    """content(folder) → what every file in it says, times left out: bytes, and parsed rows of what holds times."""
    return _content


@pytest.fixture(scope="session")
def interrupted() -> Callable[..., None]:
    """interrupted(config, folder, after=n) trains and is cut off when epoch n has been recorded."""

    def run(config: Config, folder: Path, after: int) -> None:
        def stop(event: Any) -> None:
            if getattr(event, "number", 0) == after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(config, folder, observe=stop)

    return run


@pytest.fixture(scope="session")
def ml100k() -> Path:
    """The folder of MovieLens 100K with its five folds."""
    folder = os.environ.get("RECSYS_ML100K")
    if not folder or not (Path(folder) / "u1.train.csv").exists():
        pytest.skip("the environment variable RECSYS_ML100K names no folder with MovieLens 100K")
    return Path(folder)


@pytest.fixture(scope="session")
def inputs_of() -> Callable[..., TrainingInputs]:
    """inputs_of(train, valid=None, test=None) → TrainingInputs."""

    def build(
        train_part: Interactions, valid: Interactions | None = None, test: Interactions | None = None
    ) -> TrainingInputs:
        return TrainingInputs(Splits(train_part, valid, test))

    return build


def _rated(rows: list[tuple[Any, ...]]) -> Interactions:
    users, items = (sorted({row[column] for row in rows}) for column in (0, 1))
    times = np.array([row[3] for row in rows], dtype=np.float64) if rows and len(rows[0]) > 3 else None
    user_idx, item_idx = ([ids.index(row[column]) for row in rows] for column, ids in ((0, users), (1, items)))
    return _dataset(user_idx, item_idx, [row[2] for row in rows], users, items, times).ratings


def _dataset(user: Any, item: Any, rating: Any, users: Any, items: Any, times: Any = None) -> Dataset:
    vocabularies = [Vocabulary(_ids(list(ids))) for ids in (users, items)]
    columns = np.asarray(user, np.int32), np.asarray(item, np.int32), np.asarray(rating, np.float32)
    return Dataset(Interactions(*columns, times, *vocabularies), None)


def _ids(ids: list[Any]) -> Array:
    return np.array(ids, dtype=object if isinstance(ids[0], str) else np.int64)


def _content(folder: Path) -> dict[str, Any]:
    def timeless(text: str) -> dict[str, Any]:
        left_out = TIMES | CHECKSUMS
        return json.loads(text, object_hook=lambda entries: {k: v for k, v in entries.items() if k not in left_out})

    contents: dict[str, Any] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.name in ("metrics.json", "history.jsonl"):
            text = path.read_text()
            contents[name] = [timeless(line) for line in (text.splitlines() if name.endswith("l") else [text])]
        else:
            contents[name] = path.read_bytes()
    return contents
