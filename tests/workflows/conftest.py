"""A run that was cut off."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from recsys.config.schema.config import Config


@pytest.fixture(scope="session")
def template(
    small: Callable[..., Config], interrupted: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("begun") / "run"
    interrupted(small(), folder, after=3)
    return folder


@pytest.fixture
def begun(template: Path, tmp_path: Path) -> Path:
    """A run with checkpoints after epochs 2 and 3 of 4."""
    return shutil.copytree(template, tmp_path / "run")
