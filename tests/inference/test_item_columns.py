"""The other columns of the items file, kept with the run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.item_columns import ITEM_COLUMNS
from recsys.core.errors import RunError
from recsys.inference.recommender import Recommender
from recsys.workflows.train import train


@pytest.fixture(scope="module")
def described(small: Any, ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose items file has genres and a column without a name."""
    folder = tmp_path_factory.mktemp("described")
    rows = "".join(
        f"{number},Film {number},{'Née|War' if number % 2 else ''},{number / 2}\n" for number in range(100, 160)
    )
    (folder / "items.csv").write_text("movieId,title,genres,\n" + rows, encoding="utf-8")
    train(small(data={"items": str(folder / "items.csv")}, training={"n_epochs": 1}), folder / "run")
    return folder / "run"


def test_columns_stand_beside_their_items_by_name_or_position(described: Path) -> None:
    bundle = open_bundle(described)
    assert list(bundle.item_columns) == ["genres", "4"]
    ids = bundle.items.ids.tolist()
    assert bundle.item_columns["genres"].tolist() == ["Née|War" if number % 2 else "" for number in ids]
    assert bundle.item_columns["4"].tolist() == [str(number / 2) for number in ids]


def test_a_run_without_such_columns_has_none_and_no_file(finished: Path) -> None:
    assert open_bundle(finished).item_columns == {}
    assert not (finished / "serving" / ITEM_COLUMNS).exists()


def test_only_who_asks_for_the_columns_reads_them(described: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(described / "serving", tmp_path / "copy")
    damaged = bytearray((copy / ITEM_COLUMNS).read_bytes())
    damaged[-1] ^= 4
    (copy / ITEM_COLUMNS).write_bytes(damaged)
    recommender = Recommender.open(copy)
    recommender.predict(0, 100)
    recommender.explain(0, 100)
    with pytest.raises(RunError, match=f"{ITEM_COLUMNS} is damaged"):
        _ = recommender.bundle.item_columns
