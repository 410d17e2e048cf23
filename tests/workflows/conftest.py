"""A run that was cut off, and storages of tuning that open fast."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from recsys.config.schema.config import Config


@pytest.fixture(scope="session", autouse=True)
def _migrations_read_once() -> Iterator[None]:
    """Optuna would read the modules of all its migrations three times for each storage."""
    read = cache(ScriptDirectory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", lambda config: read(config.get_main_option("script_location")))
        yield


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
