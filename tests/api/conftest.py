"""A config that trains in a moment, and runs that go to a folder of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all runs, which does not exist yet."""
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def quick(ratings_csv: Path) -> dict[str, Any]:
    """A config as a mapping."""
    return {
        "data": {"ratings": ratings_csv},
        "model": {"embedding_dim": 2},
        "training": {"method": "adamw", "n_epochs": 1},
    }


@pytest.fixture
def new_users_csv(tmp_path: Path) -> Path:
    """Ratings by two new users of known items, and of a new item by a known user."""
    path = tmp_path / "new.csv"
    path.write_text("userId,movieId,rating\n-99,100,5\n77,100,5\n77,120,1\n3,99,2\n")
    return path
