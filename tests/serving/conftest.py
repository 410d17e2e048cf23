from __future__ import annotations

from pathlib import Path

import pytest

from recsys.serving.recommender import Recommender


@pytest.fixture(scope="module")
def numbers(finished: Path) -> Recommender:
    return Recommender.open(finished)


@pytest.fixture(scope="module")
def texts(finished_text: Path) -> Recommender:
    return Recommender.open(finished_text)
