"""Which rank takes the sha256 of which file, and what all ranks are told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from recsys.config.schema.data import Data
from recsys.core.communicator import ALONE, Communicator
from recsys.core.events import silent
from recsys.data import fingerprints
from recsys.data.sources.opening import open_source
from recsys.data.sources.origin import Origin
from tests.ranks import on_ranks


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"r{number}.csv" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_text(f"1,2,{number}\n2,3,4\n")
    return paths


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose sha256 was taken."""
    paths, real = list[Path](), fingerprints.fingerprint

    def recorded(path: Path) -> str:
        paths.append(path)
        return real(path)

    monkeypatch.setattr(fingerprints, "fingerprint", recorded)
    return paths


def sums(origins: Sequence[Origin], communicator: Communicator) -> list[str]:
    data = Data.model_validate({"ratings": Path("r.csv"), "header": False})
    sources = [open_source(origin, data, silent) for origin in origins]
    with fingerprints.fingerprints_beside(origins, sources, communicator) as result:
        return result()


def test_ranks_take_the_sha256_of_each_file_once(files: list[Path], taken: list[Path]) -> None:
    origins: list[Origin] = [tuple(files), files[1]]
    expected = sums(origins, ALONE)
    assert expected[1] == hashlib.sha256(files[1].read_bytes()).hexdigest()
    assert sorted(taken) == files
    taken.clear()
    assert on_ranks(2, lambda ranks: sums(origins, ranks)) == [expected] * 2
    assert sorted(taken) == files


def test_each_copy_of_a_file_is_looked_at(files: list[Path], taken: list[Path]) -> None:
    files[1].write_bytes(files[0].read_bytes())
    first, same, other = on_ranks(3, lambda ranks: sums([files[ranks.rank]], ranks))
    assert first == same
    assert first != other
    assert sorted(taken) == files


def test_ranks_that_cannot_say_on_which_machine_they_are_share_nothing(
    files: list[Path], taken: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "machine", str)
    assert on_ranks(2, lambda ranks: sums([files[0]], ranks)) == [sums([files[0]], ALONE)] * 2
    assert len(taken) == 3
