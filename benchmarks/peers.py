"""Other people's trainers, each in a virtual environment of its own under benchmarks/.cache/."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from synthetic import CACHE

VERSIONS = {"scikit-surprise": "1.1.5", "cornac": "3.0.1", "implicit": "0.7.3"}


def peer_python(package: str) -> Path:
    """The Python of an environment that has `package`; it is made the first time."""
    folder = CACHE / f"peer-{package}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pinned = f"{package}=={VERSIONS[package]}"
        subprocess.run([python, "-m", "pip", "install", "--quiet", pinned], check=True)
        (folder / "ready").touch()
    return python


def answer_of(package: str, program: str, *arguments: object) -> dict[str, Any]:
    """The JSON that a program prints last, run with the peer's Python."""
    command = [str(peer_python(package)), "-c", program, *map(str, arguments)]
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=quiet).stdout
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answer


def interleaved(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each measure gives in each round; a round runs them one after the other."""
    results: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            results[name].append(measure())
    return results


def ratio(above: Sequence[float], below: Sequence[float]) -> str:
    """above / below, round by round: min, median, max."""
    each = [a / b for a, b in zip(above, below, strict=True)]
    return f"ratio min {min(each):.2f}, median {statistics.median(each):.2f}, max {max(each):.2f}"
