"""Files to read, written where a test says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.config.schema.data import Data

Written = Callable[..., Data]
PLAIN = "userId,movieId,rating,timestamp\n7,30,4.5,1000\n2,10,3,1001\n7,10,0.5,1002\n"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """written(text_or_bytes, name="ratings.csv", **options of data) writes the file and gives the config for it."""

    def write(content: str | bytes, name: str = "ratings.csv", **options: Any) -> Data:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(options.get("encoding", "utf-8")))
        return Data.model_validate({"ratings": path, **options})

    return write
