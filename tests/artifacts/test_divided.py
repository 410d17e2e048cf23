"""Files that several ranks write together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts import divided, shared_folder
from recsys.artifacts.divided import write_divided
from recsys.artifacts.shared_folder import check_shared
from recsys.artifacts.verified import open_verified, write_verified
from recsys.core.communicator import Communicator
from recsys.core.errors import RunError, UsageError
from tests.artifacts.test_verified import FACTS, Facts
from tests.ranks import on_ranks

NAME = "one.safetensors"
N = 13


def arrays() -> dict[str, Any]:
    random = np.random.default_rng(1)
    return {
        "rows": random.normal(size=(N, 3)).astype(np.float32),
        "bias": random.normal(size=N).astype(np.float32),
        "nothing": np.empty((0, 2), np.float32),
        "number": np.array([7]),
    }


def written(communicator: Communicator, folder: Path) -> None:
    """Each rank writes every so many rows, and has nothing of use in the others."""
    own, here = arrays(), [slice(row, row + 1) for row in range(communicator.rank, N, communicator.size)]
    others = np.setdiff1d(np.arange(N), np.arange(communicator.rank, N, communicator.size))
    for name in ("rows", "bias"):
        own[name][others] = np.nan
    rows = {"rows": here, "bias": here, "nothing": [slice(0, 0)]}
    with communicator.shared_errors():
        write_divided(folder, "facts.json", FACTS, {NAME: own}, {NAME: rows}, communicator)
        communicator.barrier()


@pytest.mark.parametrize("size", [2, 3])
def test_the_bytes_are_those_of_one_process(tmp_path: Path, size: int) -> None:
    write_verified(tmp_path / "alone", "facts.json", FACTS, {NAME: arrays()})
    assert on_ranks(size, lambda ranks: written(ranks, tmp_path / "ranks")) == [None] * size
    for name in ("facts.json", NAME):
        assert (tmp_path / "ranks" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "ranks"]
    open_verified(tmp_path / "ranks", "facts.json", Facts).check(NAME)


def test_what_is_not_there_as_it_was_written_is_not_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divided, "_write_all", lambda *_: None)
    for error in on_ranks(2, lambda ranks: written(ranks, tmp_path / "ranks")):
        assert isinstance(error, RunError)
        assert error.what.startswith("what rank 0 has written is not what rank 0 reads")
    assert not list(tmp_path.iterdir())


def test_a_rank_that_cannot_write_ends_all(tmp_path: Path) -> None:
    def work(communicator: Communicator) -> None:
        folder = tmp_path if communicator.rank == 0 else tmp_path / "elsewhere"
        written(communicator, folder / "ranks")

    for error in on_ranks(2, work):
        assert isinstance(error, RunError)
        assert error.what.startswith("cannot write")
    assert not list(tmp_path.iterdir())


def test_ranks_that_see_another_folder_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_folder, "PATIENCE", 0.0)
    for rank in range(3):
        (tmp_path / str(rank)).mkdir()

    def work(communicator: Communicator) -> None:
        check_shared(tmp_path / str(communicator.rank // 2), communicator)

    for error in on_ranks(3, work):
        assert isinstance(error, UsageError)
        assert error.what == "rank 2 of 3 cannot see the run's folder that rank 0 has made"
    assert not list((tmp_path / "0").iterdir())
