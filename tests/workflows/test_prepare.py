"""Training from a prepared store: the bits that it gives without, and what is refused."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts import fit_record
from recsys.artifacts.store import STORE_JSON, Store
from recsys.artifacts.verify import verify_folder
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError, DamagedError, RecsysError, RunError, UsageError
from recsys.core.events import Event, Note
from recsys.core.temporary import TEMPORARY
from recsys.data import prepared as stored_blocks
from recsys.training.sgd import read_ahead
from recsys.training.sgd.read_ahead import ReadAhead
from recsys.workflows import sort_store
from recsys.workflows.cross_validate import cross_validate
from recsys.workflows.estimate import estimate
from recsys.workflows.prepare import prepare
from recsys.workflows.prepared_inputs import as_prepared
from recsys.workflows.train import train
from tests.ranks import on_ranks

Small = Callable[..., Config]
Content = Callable[[Path], dict[str, Any]]
SGD = {"training": {"method": "sgd"}}
ENOUGH = 10**9  # bytes of memory
RANKING = {"embedding_dim": 5, "n_epochs": 2}
CONFIGS: dict[str, dict[str, Any]] = {
    "sgd": SGD,
    "sgd without valid": {**SGD, "split": {"valid_fraction": 0.0}},
    "sgd by user": {**SGD, "split": {"method": "user_random"}},
    "sgd and ranking": {**SGD, "ranking": RANKING},
    "gibbs with times": {
        "model": {"user_drift": True},
        "training": {"method": "gibbs", "n_epochs": 3, "burn_in": 1},
        "split": {"method": "user_time"},
    },
    "clicks": {"data": {"columns": {"rating": False}}, "ranking": RANKING},
}
WITH_TORCH = {"svdpp": {**SGD, "model": {"kind": "svdpp"}}, "adamw": {"training": {"n_epochs": 2}}}


@pytest.fixture(autouse=True)
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow machines write no more checkpoints than fast ones."""
    monkeypatch.setattr(fit_record, "AUTO_SECONDS", math.inf)


@pytest.fixture(scope="module")
def store(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared for `small(**SGD)`. Read only: copy it to change it."""
    folder = tmp_path_factory.mktemp("stores") / "store"
    prepare(small(**SGD), folder, memory=ENOUGH)
    return folder


def with_store(config: Config, store: Path) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update={"prepared": store})})


def without_config(content: dict[str, Any]) -> dict[str, Any]:
    return {name: what for name, what in content.items() if not name.endswith("config.yaml")}


@pytest.mark.parametrize("case", [*CONFIGS, *(pytest.param(case, marks=pytest.mark.slow) for case in WITH_TORCH)])
def test_a_run_from_a_store_has_the_bytes_of_one_from_the_ratings(
    case: str, small: Small, content: Content, tmp_path: Path
) -> None:
    config = small(**{**CONFIGS, **WITH_TORCH}[case])
    prepare(config, tmp_path / "store", memory=ENOUGH)
    train(config, tmp_path / "from_ratings" / "run")
    train(with_store(config, tmp_path / "store"), tmp_path / "from_store" / "run")
    runs = [without_config(content(tmp_path / name)) for name in ("from_ratings", "from_store")]
    assert runs[0] == runs[1]
    assert not [*tmp_path.glob(f"{TEMPORARY}*")]


@pytest.mark.parametrize(("n_values", "most"), [(4, 1 << 16), (256, 0), (300, 1 << 16)])
def test_bits_do_not_depend_on_how_many_bytes_a_rating_takes(
    n_values: int, most: int, small: Small, content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_blocks, "MOST_OFFSETS", most)
    ratings = tmp_path / "ratings.csv"
    lines = [f"{n % 31},{n // 31},{1 + n % n_values / 97}\n" for n in range(900)]
    ratings.write_text("userId,movieId,rating\n" + "".join(lines))
    config = small(**SGD, data={"ratings": str(ratings)})
    prepare(config, tmp_path / "store", memory=ENOUGH)
    train(config, tmp_path / "from_ratings" / "run")
    train(with_store(config, tmp_path / "store"), tmp_path / "from_store" / "run")
    runs = [without_config(content(tmp_path / name)) for name in ("from_ratings", "from_store")]
    assert runs[0] == runs[1]
    blocks = Store.open(tmp_path / "store").prepared(with_blocks=True).blocks
    assert blocks is not None
    idx = "uint32" if most == 0 else "uint16"
    assert [column.dtype.name for column in blocks.columns] == [idx, idx, "float32" if n_values == 300 else "uint8"]


def test_titles_come_from_the_items_file_of_the_config(
    small: Small, store: Path, ratings_csv: Path, content: Content, tmp_path: Path
) -> None:
    config = small(**SGD, data={"items": str(ratings_csv.with_name("movies.csv"))})
    train(config, tmp_path / "from_ratings" / "run")
    train(with_store(config, store), tmp_path / "from_store" / "run")
    runs = [without_config(content(tmp_path / name)) for name in ("from_ratings", "from_store")]
    assert runs[0] == runs[1]


@pytest.mark.parametrize(("limit", "n_ahead"), [(1, 4), (1, 0), (10**12, 0), (None, 1)])
def test_bits_depend_neither_on_how_blocks_are_read_nor_on_how_many_ahead(
    limit: int | None,
    n_ahead: int,
    small: Small,
    store: Path,
    content: Content,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read_ahead, "memory_limit", lambda: limit)
    monkeypatch.setattr(read_ahead, "AHEAD", n_ahead)
    config = small(training={"method": "sgd", "n_threads": 2})
    train(config, tmp_path / "from_ratings" / "run")
    train(with_store(config, store), tmp_path / "from_store" / "run")
    runs = [without_config(content(tmp_path / name)) for name in ("from_ratings", "from_store")]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("size", [2, 3])
def test_ranks_train_to_the_same_bytes_and_each_reads_the_blocks_of_its_own_users(
    size: int, small: Small, store: Path, content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks_read: dict[int, set[int]] = {}
    read = ReadAhead.read

    def noted(self: ReadAhead, block: int, *others: Any) -> Any:
        blocks_read.setdefault(id(self), set()).add(block)
        return read(self, block, *others)

    monkeypatch.setattr(ReadAhead, "read", noted)
    config = with_store(small(**SGD), store)
    train(config, tmp_path / "alone" / "run")
    (whole,) = blocks_read.values()
    blocks_read.clear()
    on_ranks(size, lambda ranks: train(config, tmp_path / "ranks" / "run", communicator=ranks))
    assert without_config(content(tmp_path / "ranks")) == without_config(content(tmp_path / "alone"))
    shares = [*blocks_read.values()]
    assert len(shares) == size
    assert sorted(block for share in shares for block in share) == sorted(whole)


def test_training_rows_of_sgd_stay_on_disk_and_others_are_read_with_a_note(
    small: Small, store: Path, tmp_path: Path
) -> None:
    notes: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    needs = estimate(with_store(small(**SGD), store), note)
    assert notes == []
    ranked = estimate(with_store(small(**SGD, ranking=RANKING), store), note)
    assert needs["data_bytes"] < ranked["data_bytes"]
    assert notes == ["the store is read into memory, 0.0 MB of ratings: ials needs all of them at once"]


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"seed": 7}, "seed: 42 in the store, 7 in the config"),
        ({"split": {"valid_fraction": 0.2}}, "split.valid_fraction: 0.1 in the store, 0.2 in the config"),
        ({"split": {"method": "user_random"}}, "split.method: 'random' in the store, 'user_random' in the config"),
        ({"data": {"columns": {"user": "who"}}}, "data.columns.user: 'userId' in the store, 'who' in the config"),
        ({"data": {"duplicates": "last"}}, "data.duplicates: 'error' in the store, 'last' in the config"),
        ({"data": {"delimiter": ";"}}, "data.delimiter: ',' in the store, ';' in the config"),
        ({"model": {"embedding_dim": 1024}}, "model.embedding_dim: sorted for dim 4 .*and the config needs dim 1024"),
        (
            {"training": {"method": "gibbs"}, "model": {"user_drift": True}},
            "it has no times, and this config uses them",
        ),
    ],
)
def test_a_config_that_differs_is_refused_with_both_values(
    sections: dict[str, Any], said: str, small: Small, store: Path, tmp_path: Path
) -> None:
    config = with_store(small(**{**SGD, **sections}), store)
    with pytest.raises(ConfigError, match=said) as caught:
        train(config, tmp_path / "run")
    assert caught.value.where == str(store / STORE_JSON)
    hint = caught.value.hint or ""
    assert "prepare another store" in hint
    assert ("leave the key out" in hint) == (" in the store, " in said)
    assert ("--set model.embedding_dim=4 fits" in hint) == ("dim 1024" in said)


def test_ratings_that_have_changed_are_refused(small: Small, store: Path, ratings_csv: Path, tmp_path: Path) -> None:
    grown = tmp_path / "grown.csv"
    grown.write_text(ratings_csv.read_text() + "-5,149,3,1000000000\n")
    config = with_store(small(**SGD, data={"ratings": str(grown)}), store)
    with pytest.raises(ConfigError, match=r"data\.ratings: [\d,]+ bytes in the store, [\d,]+ now"):
        train(config, tmp_path / "run")


def test_what_a_config_leaves_out_is_as_in_the_store(small: Small, tmp_path: Path) -> None:
    made_of = small(**SGD, seed=5, split={"valid_fraction": 0.0}, data={"columns": {"user": "userId"}})
    prepare(made_of, tmp_path / "store", memory=ENOUGH)
    config = Config.model_validate({"data": {"prepared": tmp_path / "store"}})
    filled = as_prepared(config)
    assert (filled.seed, filled.split, filled.data.columns) == (5, made_of.split, made_of.data.columns)


@pytest.mark.parametrize("in_store", [False, True])
def test_what_a_config_says_agrees_with_what_the_files_say(small: Small, tmp_path: Path, *, in_store: bool) -> None:
    columns = {"user": "userId", "item": "movieId", "rating": "rating", "timestamp": "timestamp"}
    said = small(**SGD, data={"columns": columns, "delimiter": ",", "header": True, "duplicates": "error"})
    left_open = small(**SGD, data={"columns": {"user": "userId"}})
    prepare(said if in_store else left_open, tmp_path / "store", memory=ENOUGH)
    config = with_store(left_open if in_store else said, tmp_path / "store")
    assert estimate(config)["n_ratings"] == Store.open(tmp_path / "store").manifest.n_ratings


@pytest.mark.parametrize("section", ["refit", "start"])
def test_what_needs_the_ratings_themselves_is_refused(section: str, small: Small) -> None:
    value = True if section == "refit" else {"run": "run"}
    with pytest.raises(ConfigError, match="needs the ratings themselves"):
        small(**SGD, data={"prepared": "store"}, **{section: value})


def test_folds_are_cut_from_ratings_and_not_from_a_store(small: Small, store: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"in parts already, by data\.prepared"):
        cross_validate(with_store(small(**SGD), store), 2)


def test_a_store_that_is_not_there_is_refused(small: Small, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(RunError, match=r"prepared store|no such folder|no folder"):
            train(with_store(small(**SGD), folder), tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        *((name, "flipped") for name in ("users", "held_out", "index", "row_ratings", "seen_items", "block_ratings")),
        *(("block_users", harm) for harm in ("flipped", "cut", "gone", "a link")),
    ],
)
def test_a_damaged_file_is_refused_by_its_name(name: str, harm: str, small: Small, store: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(store, tmp_path / "store")
    path = copy / f"{name}.safetensors"
    content = bytearray(path.read_bytes())
    if harm in ("gone", "a link"):
        path.unlink()
    if harm == "a link":
        path.with_suffix(".other").write_bytes(content)
        path.symlink_to(path.with_suffix(".other"))
    if harm == "flipped":
        content[-5] ^= 1
    if harm in ("flipped", "cut"):
        path.write_bytes(content[: -8 if harm == "cut" else None])
    with pytest.raises(DamagedError, match=path.name) as caught:
        train(with_store(small(**SGD), copy), tmp_path / "run")
    assert caught.value.where == str(path)
    with pytest.raises(RecsysError):
        verify_folder(Store.open(copy).folder)


def test_numbers_that_no_index_can_be_are_refused_before_a_kernel_sees_them(
    small: Small, store: Path, tmp_path: Path
) -> None:
    stored = Store.open(store)
    blocks = stored.prepared(with_blocks=True).blocks
    assert blocks is not None
    n_side = len(blocks.user_first) - 1
    sizes = np.diff(blocks.user_first)[[0, -1]], np.diff(blocks.item_first)[[0, -1]], [len(blocks.levels)] * 2
    for column, (first, last) in zip(blocks.columns, sizes, strict=True):
        resealed = replace(column, checksums=None)
        for block, size in ((0, int(first)), (n_side**2 - 1, int(last))):
            with pytest.raises(DamagedError, match="checksum"):
                column.check(block, np.array([size], dtype=column.dtype))
            with pytest.raises(DamagedError, match="not between 0 and"):
                resealed.check(block, np.array([0, size], dtype=column.dtype))
            resealed.check(block, np.array([0, size - 1], dtype=column.dtype))


def test_a_store_replaces_a_store_and_nothing_else(small: Small, store: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(store, tmp_path / "store")
    prepare(small(**SGD, seed=9), copy, memory=ENOUGH)
    assert Store.open(copy).manifest.seed == 9
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("dear to me")
    for place in (tmp_path / "other", tmp_path / "other" / "thesis.txt"):
        with pytest.raises(RunError, match=r"something else|a file"):
            prepare(small(**SGD), place, memory=ENOUGH)
    assert (tmp_path / "other" / "thesis.txt").read_text() == "dear to me"


def test_sorting_that_takes_more_memory_is_refused_with_what_it_takes(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sort_store, "SORTING_BYTES", 10**9)
    with pytest.raises(UsageError, match="ranges of users takes") as caught:
        prepare(small(**SGD), tmp_path / "store", memory=1000)
    assert "--memory" in (caught.value.hint or "")
    assert [*tmp_path.iterdir()] == []
