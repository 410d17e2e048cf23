"""The private parts of numba that core/jit.py relies on, checked by name for the day of an upgrade."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numba
import pytest

ADVICE = (
    f"numba {numba.__version__} has changed {{name}}, which core/jit.py relies on: follow docs/kernels.md, "
    '"After a numba upgrade"'
)
PARAMETERS = {
    "numba.core.caching:FunctionCache": ["py_func"],
    "numba.core.caching:FunctionCache.load_overload": ["self", "sig", "target_context"],
    "numba.core.caching:FunctionCache._load_overload": ["self", "sig", "target_context"],
    "numba.core.caching:FunctionCache.save_overload": ["self", "sig", "data"],
    "numba.core.caching:FunctionCache._guard_against_spurious_io_errors": ["self"],
    "numba.core.caching:IndexDataCacheFile": ["cache_path", "filename_base", "source_stamp"],
    "numba.core.runtime:rtsys.initialize": ["ctx"],
    "numba.core.dispatcher:Dispatcher.disable_compile": ["self", "val"],
    "numba.core.base:BaseContext.refresh": ["self"],
}
ATTRIBUTES = ["_impl.filename_base", "_impl.locator.get_source_stamp", "_cache_path", "_cache_file"]


def double(x: float) -> float:
    return 2 * x


def attribute_of(owner: Any, path: str, name: str) -> Any:
    """owner.a.b for the path "a.b"; where it is missing, the test fails with what to do."""
    for part in path.split("."):
        if not hasattr(owner, part):
            pytest.fail(ADVICE.format(name=name))
        owner = getattr(owner, part)
    return owner


@pytest.mark.parametrize("name", PARAMETERS)
def test_numba_has_the_function_and_its_parameters(name: str) -> None:
    module, _, path = name.partition(":")
    try:
        owner = importlib.import_module(module)
    except ImportError:
        pytest.fail(ADVICE.format(name=name))
    function = attribute_of(owner, path, name)
    assert list(inspect.signature(function).parameters) == PARAMETERS[name], ADVICE.format(name=name)


@pytest.mark.parametrize("path", ATTRIBUTES)
def test_a_function_cache_has_the_attribute(path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    cache_class = attribute_of(importlib.import_module("numba.core.caching"), "FunctionCache", "FunctionCache")
    attribute_of(cache_class(double), path, f"FunctionCache.{path}")


def test_a_kernel_loads_from_and_saves_to_the_cache_that_is_assigned_to_it() -> None:
    calls = []

    class Recorder:
        def load_overload(self, signature: Any, target_context: Any) -> None:
            calls.append("load")

        def save_overload(self, signature: Any, data: Any) -> None:
            calls.append("save")

    kernel = numba.njit(double)
    attribute_of(kernel, "_cache", "kernel._cache")
    kernel._cache = Recorder()
    kernel.compile("float64(float64)")
    assert calls == ["load", "save"], ADVICE.format(name="kernel._cache")


def test_a_kernel_refuses_other_types_once_compiling_is_disabled() -> None:
    kernel = numba.njit(double)
    kernel.compile("float64(float64)")
    kernel.disable_compile()
    try:
        kernel("text")
    except TypeError:
        return
    pytest.fail(ADVICE.format(name="Dispatcher.disable_compile"))
