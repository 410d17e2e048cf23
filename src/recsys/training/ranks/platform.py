"""What the bits of a result depend on beside config and data."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm
import numba

from recsys.version import __version__


def platform_facts() -> dict[str, str]:
    """Versions, code and CPU, by names that people read."""
    features = numba.config.CPU_FEATURES
    if features is None:
        features = llvm.get_host_cpu_features().flatten()
    libraries = ("numpy", "numba", "llvmlite", "torch")
    return {
        "the version of recsys": __version__,
        "the version of python": platform.python_version(),
        **{f"the version of {name}": version(name) for name in libraries},
        "the kind of CPU": numba.config.CPU_NAME or llvm.get_host_cpu_name(),
        "the instructions of the CPU": hashlib.sha256(features.encode()).hexdigest()[:12],
        "the code of recsys": _code(),
    }


def _code() -> str:
    """The sha256 of all source files."""
    root = Path(__file__).parents[2]
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    digest = hashlib.sha256()
    for name in files:
        digest.update(f"{name}\n".encode())
        digest.update((root / name).read_bytes())
    return digest.hexdigest()[:12]
