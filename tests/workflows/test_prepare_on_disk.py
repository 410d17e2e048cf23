"""What is read, split and sorted by way of files is what memory gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts import columns
from recsys.config.loading.load import config_from
from recsys.config.schema.config import Config
from recsys.core import kernels
from recsys.core.errors import DataError
from recsys.core.events import Event, Note
from recsys.core.seeding import rng
from recsys.data import chunks, stored_column
from recsys.data.sources import id_column, spilled
from recsys.workflows import prepare_on_disk
from recsys.workflows.prepare import prepare

Content = Callable[[Path], dict[str, Any]]
ENOUGH = 10**9
HEADER = "user,item,rating\n"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of columns, and tables of ids, are as small as the files."""
    for module in (chunks, columns, stored_column):
        monkeypatch.setattr(module, "CHUNK", 37)
    monkeypatch.setattr(spilled, "MOST_WAITING", 10)
    monkeypatch.setattr(id_column, "PENDING", 50)


def lines(users: Sequence[object], items: Sequence[object], n: int, seed: int = 1) -> list[str]:
    draw = rng(seed, "lines")
    pairs = draw.permutation(len(users) * len(items))[:n].tolist()
    return [f"{users[pair // len(items)]},{items[pair % len(items)]},{draw.integers(1, 6)}\n" for pair in pairs]


NUMBERS = lines(range(30), range(7, 40), 400)
FILES: dict[str, dict[str, list[str]]] = {
    "numbers": {"ratings": NUMBERS},
    "sparse numbers": {"ratings": lines([7**k for k in range(11)], [-5, 3 * 10**8, *range(20)], 150)},
    "texts": {"ratings": lines([f"u{k % 13:03}é" for k in range(20)][:13], [f"item {k}" for k in range(30)], 250)},
    "leading zeros": {"ratings": lines([f"0{k}" for k in range(20)], range(20), 250)},
    "parts": {"train": NUMBERS[:300], "valid": NUMBERS[300:350], "test": [*NUMBERS[350:], "99,99,3\n", "1,77,2\n"]},
    "train alone": {"train": NUMBERS},
    "nothing held out": {"ratings": NUMBERS},
    "numbers, then texts": {"train": NUMBERS[:300], "test": lines(["a", "b", 3], ["x", 9], 5)},
    "numbers as floats": {"train": NUMBERS[:300], "test": ["99.0,98.0,3\n", "1.0,77.0,2\n"]},
}


def config_of(files: dict[str, list[str]], folder: Path, **sections: object) -> Config:
    for name, rows in files.items():
        (folder / f"{name}.csv").write_text(HEADER + "".join(rows))
    data = {name: str(folder / f"{name}.csv") for name in files}
    model = {"embedding_dim": 4}
    return config_from({"data": data, "model": model, "ranking": "none", **sections}, folder)


@pytest.mark.parametrize(("widest", "worthwhile"), [(0, 1 << 20), (1 << 24, 1 << 20), (1 << 24, 1)])
@pytest.mark.parametrize("case", FILES)
def test_a_store_has_the_bytes_of_one_that_was_made_in_memory(
    case: str, widest: int, worthwhile: int, content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spilled, "WIDEST_TABLE", widest)
    monkeypatch.setattr(kernels, "WORTHWHILE", worthwhile)
    nothing = {"split": {"valid_fraction": 0, "test_fraction": 0}}
    config = config_of(FILES[case], tmp_path, **(nothing if case == "nothing held out" else {}))
    by_disk: list[object] = []
    write = prepare_on_disk._written
    monkeypatch.setattr(prepare_on_disk, "_written", lambda *given: by_disk.append(write(*given)) or by_disk[-1])
    prepare(config, tmp_path / "disk" / "store", memory=ENOUGH)
    assert by_disk
    monkeypatch.setattr(prepare_on_disk, "why_all_rows", lambda _: "a test")
    monkeypatch.setattr(kernels, "WORTHWHILE", 1 << 20)
    prepare(config, tmp_path / "memory" / "store", memory=ENOUGH)
    assert content(tmp_path / "disk") == content(tmp_path / "memory")


@pytest.mark.parametrize("worthwhile", [1, 1 << 20])
@pytest.mark.parametrize("held_out", [0.1, 0.5, 0.9])
def test_pairs_that_occur_twice_are_refused_wherever_they_are(
    held_out: float, worthwhile: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "WORTHWHILE", worthwhile)
    config = config_of({"ratings": [*NUMBERS, NUMBERS[7]]}, tmp_path, split={"test_fraction": held_out / 2})
    with pytest.raises(DataError, match=r"rated item .* before, in line 9"):
        prepare(config, tmp_path / "store", memory=ENOUGH)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_pair_of_two_parts_is_refused(part: str, tmp_path: Path) -> None:
    files = {"train": NUMBERS[:300], "test": NUMBERS[300:], part: [*NUMBERS[300:], *NUMBERS[299:300]]}
    files["train"] = NUMBERS[:300] if part == "test" else [*NUMBERS[:300], NUMBERS[350]]
    with pytest.raises(DataError, match="before, in"):
        prepare(config_of(files, tmp_path), tmp_path / "store", memory=ENOUGH)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["1,2,3\n", "1,3,4\n"], "all ratings are of a single user"),
        (["1,2,3\n", "2,3,3\n"], "all ratings are equal"),
        (["1.5E+18,2,3\n", "2,3,4\n"], "scientific notation"),
        (["1,2,3\n", "2,3,x\n"], "x"),
    ],
)
def test_what_is_wrong_is_said_as_without_a_store(rows: list[str], said: str, tmp_path: Path) -> None:
    config = config_of({"ratings": rows}, tmp_path, split={"valid_fraction": 0, "test_fraction": 0})
    with pytest.raises(DataError, match=said):
        prepare(config, tmp_path / "store", memory=ENOUGH)


def test_a_large_file_that_is_read_into_memory_is_noted_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare_on_disk, "LARGE", 10)
    notes: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    config = config_of({"ratings": NUMBERS}, tmp_path, split={"method": "user_random"})
    prepare(config, tmp_path / "store", memory=ENOUGH, observe=note)
    assert notes == ["the ratings are read into memory, about 40 bytes each: split.method: user_random"]
