from __future__ import annotations

from pathlib import Path

import numba
import pytest
from numba.core import caching

from recsys.training import jit
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


def test_the_log_tells_before_it_compiles_and_not_when_it_loads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    caplog.set_level("INFO", "recsys")
    compiled("float64(float64)", name="double")(double)
    assert caplog.messages == ["compiling for this processor, once"]
    compiled("float64(float64)", name="double")(double)
    assert len(caplog.messages) == 1


def test_a_kernel_is_loaded_until_any_kernels_source_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def hits() -> int:
        kernel = compiled("float64(float64)", name="double")(double)
        assert kernel(4.0) == 8.0
        return sum(kernel.stats.cache_hits.values())  # type: ignore[attr-defined]

    assert [hits(), hits()] == [0, 1]
    monkeypatch.setattr(jit, "_source", lambda: "changed")
    assert [hits(), hits()] == [0, 1]


def test_a_change_in_a_file_that_kernels_call_is_a_change_of_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jit, "__file__", str(tmp_path / "jit.py"))
    found = []
    (tmp_path / "deeper").mkdir()
    for text in ("x = 1", "x = 2", "x = 2"):
        (tmp_path / "deeper" / "lanes.py").write_text(text)
        found.append(jit._source.__wrapped__())
    assert found[0] != found[1] == found[2]
