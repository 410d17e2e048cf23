from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest
from numba.core import caching
from numba.core.base import BaseContext

from recsys.core import jit
from recsys.core.jit import compiled

ADVICE = 'the cache no longer works with this numba: follow docs/kernels.md, "After a numba upgrade"'


def double(x: float) -> float:
    return 2 * x


def cache_hits() -> int:
    """0 where the kernel is compiled, 1 where it is loaded; either way it works."""
    kernel = compiled("float64(float64)", name="double")(double)
    assert kernel(4.0) == 8.0
    return sum(kernel.stats.cache_hits.values())  # type: ignore[attr-defined]


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
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    messages: list[str] = []
    monkeypatch.setattr(jit.log, "info", messages.append)
    compiled("float64(float64)", name="double")(double)
    assert messages == ["compiling for this processor, once"]
    compiled("float64(float64)", name="double")(double)
    assert len(messages) == 1


def test_a_kernel_is_loaded_until_any_kernels_source_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert [cache_hits(), cache_hits()] == [0, 1]
    monkeypatch.setattr(jit, "_source", lambda _: "changed")
    assert [cache_hits(), cache_hits()] == [0, 1]


def test_a_kernel_of_another_numba_is_compiled_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(numba, "__version__", "0.0.1")
    assert [cache_hits(), cache_hits()] == [0, 1], ADVICE
    monkeypatch.setattr(numba, "__version__", "0.0.2")
    assert [cache_hits(), cache_hits()] == [0, 1], ADVICE


def test_a_kernel_is_loaded_without_setting_up_the_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    refresh, refreshed = BaseContext.refresh, []

    def record(context: Any) -> None:
        refreshed.append(context)
        refresh(context)

    monkeypatch.setattr(BaseContext, "refresh", record)
    assert cache_hits() == 0
    assert refreshed, ADVICE
    refreshed.clear()
    assert cache_hits() == 1
    assert not refreshed, ADVICE


def test_a_change_in_a_file_that_kernels_call_is_a_change_of_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jit, "ROOT", tmp_path.parent)
    digests = []
    (tmp_path / "deeper").mkdir()
    for text in ("x = 1", "x = 2", "x = 2"):
        (tmp_path / "deeper" / "lanes.py").write_text(text)
        digests.append(jit._source.__wrapped__(jit._folder_of(tmp_path / "deeper" / "kernel.py")))
    assert digests[0] != digests[1] == digests[2]


SCRIPT = """
import numpy as np
from numba.core.base import BaseContext
from recsys.core.jit import compiled

refresh, refreshed = BaseContext.refresh, []
BaseContext.refresh = lambda context: refreshed.append(context) or refresh(context)

@compiled("float64[::1](int64)", name="halves")
def halves(n):
    return np.full(n, 0.5)  # an array: loaded code needs numba's runtime

print(sum(halves.stats.cache_hits.values()), len(refreshed) > 0, halves(2).tolist())
"""


@pytest.mark.slow
def test_another_process_loads_the_kernel_without_setting_up_the_compiler(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    printed = []
    for _ in range(2):
        command = [sys.executable, str(script)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        printed.append(done.stdout.strip())
    assert printed == ["0 True [0.5, 0.5]", "1 False [0.5, 0.5]"], ADVICE
