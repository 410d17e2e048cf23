"""How much memory there is, by the files of a system, and errors where it does not do."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from recsys.core import memory
from recsys.core.checked import checked
from recsys.core.errors import OutOfMemoryError
from recsys.core.memory import give_back_memory, memory_error, memory_limit, need_memory

MACHINE = "MemTotal:       16000 kB\nMemFree:  9 kB\nSwapTotal:       1000 kB\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a machine with 16 MB and 1 MB of swap, whose process is in a cgroup of either version."""
    (tmp_path / "meminfo").write_text(MACHINE)
    (tmp_path / "own").write_text("4:memory:/jobs/one\n3:cpu:/\n0::/jobs/one\n")
    for name in ("jobs/one", "memory/jobs/one"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(memory, "MEMORY_INFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "OWN_CGROUPS", tmp_path / "own")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "_of_process", lambda: iter(()))
    return tmp_path


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, 17_000 * 1024),
        (
            {"jobs/one/memory.max": "max\n", "memory/jobs/one/memory.limit_in_bytes": "9223372036854771712\n"},
            17_000 * 1024,
        ),
        ({"jobs/one/memory.max": "5000\n", "jobs/one/memory.swap.max": "0\n"}, 5000),
        ({"jobs/memory.max": "4000\n", "jobs/memory.swap.max": "50\n", "jobs/one/memory.max": "max\n"}, 4050),
        ({"memory/jobs/one/memory.limit_in_bytes": "6000\n"}, 6000 + 1000 * 1024),
        ({"memory.max": "3000\n", "memory.swap.max": "max\n"}, 3000 + 1000 * 1024),
    ],
    ids=["machine", "no limits", "version 2", "a group around it", "version 1", "a container"],
)
def test_the_least_limit_counts(system: Path, files: dict[str, str], limit: int) -> None:
    for name, text in files.items():
        (system / name).write_text(text)
    assert memory_limit() == limit


def test_a_limit_of_the_process_counts(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_of_process", lambda: iter((7000,)))
    assert memory_limit() == 7000


def test_only_what_is_more_than_all_memory_is_refused(system: Path) -> None:
    need_memory(17_000 * 1024, "a model", "less")
    with pytest.raises(OutOfMemoryError, match=r"a model would take 5.0 GB or more"):
        need_memory(5 * 10**9, "a model", "less")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        pa.ArrowMemoryError("malloc of size 64 failed"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"),
        RuntimeError("std::bad_alloc"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=["Python", "Arrow", "torch", "C++", "system"],
)
def test_memory_that_runs_out_is_an_error_of_ours(error: Exception) -> None:
    assert isinstance(memory_error(error), OutOfMemoryError)


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), RecursionError(), OSError(errno.ENOSPC, "x"), ValueError()]
)
def test_other_errors_are_none(error: Exception) -> None:
    assert memory_error(error) is None


def test_a_public_function_says_that_memory_ran_out() -> None:
    @checked()
    def fill() -> object:
        return np.empty(10**15)

    with pytest.raises(OutOfMemoryError, match="memory ran out: Unable to allocate") as caught:
        fill()
    assert isinstance(caught.value.__cause__, MemoryError)
    assert "embedding_dim" in str(caught.value.hint)


@pytest.mark.skipif(not memory.PROCESS_STATUS.exists(), reason="the system does not say what a process holds")
def test_memory_of_small_arrays_that_were_freed_is_given_back() -> None:
    arrays = [np.ones(10_000) for _ in range(2_000)]
    last = np.ones(10_000)
    full = memory._facts(memory.PROCESS_STATUS)["VmRSS"]
    del arrays
    give_back_memory()
    assert memory._facts(memory.PROCESS_STATUS)["VmRSS"] < full - 0.8 * 2_000 * last.nbytes
