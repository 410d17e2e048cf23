from __future__ import annotations

from pathlib import Path

import numba
import pytest
from numba.core import caching

from recsys.training.jit import compiled


def double(x: float) -> float:
    return 2 * x


def test_without_any_place_for_a_cache_it_compiles_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "cache")  # below a file: read-only even for root
    monkeypatch.setattr(numba.config, "CACHE_DIR", nowhere)
    for locator in (caching.InTreeCacheLocator, caching.UserWideCacheLocator):
        monkeypatch.setattr(locator, "get_cache_path", lambda _: nowhere)
    assert compiled("float64(float64)", name="double")(double)(4.0) == 8.0


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    assert compiled("float64(float64)", name="double")(double)(4.0) == 8.0
    assert not list(tmp_path.rglob("*.nbi"))
