from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.inference.recommender import Recommender


@pytest.fixture(scope="module")
def numbers(finished: Path) -> Recommender:
    return Recommender.open(finished)


@pytest.fixture(scope="module")
def texts(finished_text: Path) -> Recommender:
    return Recommender.open(finished_text)


@pytest.fixture(scope="session")
def run_readme() -> Callable[[Path], tuple[dict[str, Any], list[str]]]:
    """run_readme(folder) runs the Python of an export's README in the current folder → its names, what it printed."""

    def run(folder: Path) -> tuple[dict[str, Any], list[str]]:
        blocks = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
        assert len(blocks) == 3 + (folder / "index.json").exists()
        names: dict[str, Any] = {}
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            for block in blocks:
                exec(compile(block, "README.md", "exec"), names)
        return names, printed.getvalue().splitlines()

    return run
