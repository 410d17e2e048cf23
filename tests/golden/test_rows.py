"""The rows of the golden table, their inputs and their cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden.cache import read_cache, write_cache
from golden.errors import GoldenError
from golden.inputs import CONFIGS, write_inputs
from golden.rows import ROWS, select
from golden.snapshot import Snapshot
from golden.trees import ROOT


def test_a_row_is_selected_with_those_that_it_needs() -> None:
    assert [row.name for row in select(["finetune"])] == ["sgd", "finetune"]
    assert select([]) == ROWS
    with pytest.raises(GoldenError, match="no row is called sgdd"):
        select(["sgdd"])


def test_a_row_stands_after_those_that_it_needs() -> None:
    before: set[str] = set()
    for row in ROWS:
        assert before.issuperset(row.needs), row.name
        before.add(row.name)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden") / "inputs"
    write_inputs(folder, ROOT / "data" / "movielens-small", {})
    return folder


@pytest.mark.slow
def test_inputs_are_the_same_bytes_each_time(inputs: Path, tmp_path: Path) -> None:
    write_inputs(tmp_path / "second", ROOT / "data" / "movielens-small", {})
    files = {path.name: path.read_bytes() for path in inputs.iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "second").iterdir()}
    assert {f"{name}.yaml" for name in CONFIGS} < set(files)


@pytest.mark.slow
def test_more_than_half_of_the_reviews_give_the_highest_rating(inputs: Path) -> None:
    _, *reviews = (inputs / "reviews.csv").read_text(encoding="utf-8").splitlines()
    assert sum(review.endswith(";5") for review in reviews) > 0.5 * len(reviews)


def test_the_cache_keeps_what_did_not_fail(tmp_path: Path) -> None:
    kept = Snapshot({"a": "1"}, {"b": "2"})
    write_cache(tmp_path / "cache" / "base.json", {"sgd": kept, "tune": Snapshot({}, {}, "exit code 1")})
    assert read_cache(tmp_path / "cache" / "base.json") == {"sgd": kept}
    assert read_cache(tmp_path / "none.json") == {}
