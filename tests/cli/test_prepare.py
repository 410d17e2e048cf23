"""recsys prepare, as people use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Recsys = Callable[..., Any]
SETTINGS = ("--set", "ranking=none", "--set", "training.n_epochs=1", "--set", "model.embedding_dim=4")


@pytest.mark.usefixtures("data")
def test_a_store_is_written_looked_at_and_trained_from(recsys: Recsys) -> None:
    made = recsys("prepare", "ratings.csv", "--output", "store", *SETTINGS)
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines()[1:] == [
        "  720 training rows of 40 users and 50 items, 90 valid, 90 test",
        "  sorted for sgd of dim 4, which reads it block by block",
        "",
        "Next:",
        "  recsys train CONFIG --set data.prepared=store",
    ]
    looked = recsys("inspect", "store", "--verify")
    assert "for sgd of dim 4" in looked.out
    assert "13 files, all as they were written" in looked.out
    Path("own.yaml").write_text("data: {prepared: store}\n")
    trained = recsys("train", "own.yaml", *SETTINGS)
    assert trained.code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--output", "store"), "no ratings are named"),
        (("ratings.csv", "--output", "."), "this folder holds something else than a prepared store"),
        (("ratings.csv", "--output", "store", "--memory", "much"), "memory is 'much'"),
        (("nothing.csv", "--output", "store"), "there is no such file"),
    ],
)
@pytest.mark.usefixtures("data")
def test_what_cannot_be_prepared_is_said(arguments: tuple[str, ...], said: str, recsys: Recsys) -> None:
    ended = recsys("prepare", *arguments)
    assert ended.code in (2, 3, 4)
    assert said in ended.err
    assert not Path("store").exists()
