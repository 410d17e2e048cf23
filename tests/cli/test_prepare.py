"""recsys prepare, as people use it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from recsys import api
from recsys.cli import render
from recsys.cli.table import table_lines
from recsys.workflows import prepare, prepare_on_disk

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


@pytest.mark.usefixtures("data")
def test_a_terminal_shows_a_sha256_in_one_line_to_be_copied(recsys: Recsys, monkeypatch: pytest.MonkeyPatch) -> None:
    store = api.prepare("ratings.csv", "store")["store"]
    sha256 = json.loads(recsys("inspect", store, "--json").out)["sources"]["ratings"]["sha256"]
    monkeypatch.setattr(render, "table_lines", lambda *cells, **how: table_lines(*cells, **{**how, "width": 80}))
    assert f"sha256 ratings  {sha256}" in recsys("inspect", store).out.splitlines()


@pytest.mark.usefixtures("data")
def test_the_config_that_init_writes_trains_from_a_store_that_was_made_without_it(recsys: Recsys) -> None:
    recsys("init", "ratings.csv", "--output", "own.yaml")
    recsys("prepare", "ratings.csv", "--output", "store", *SETTINGS)
    assert recsys("train", "own.yaml", "--set", "data.prepared=store", *SETTINGS).code == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders")
def test_a_pipe_is_prepared_by_way_of_files(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_on_disk, "why_all_rows", lambda _: None)
    monkeypatch.setattr(prepare, "read_ratings", None)  # which reads into memory
    text = (data / "ratings.csv").read_text()
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(Path("pipe").write_text, text)
        piped = api.prepare("pipe", "piped")
    assert {**piped, "store": "own"} == api.prepare("ratings.csv", "own")
    columns = [Path(store, "block_ratings.safetensors").read_bytes() for store in ("piped", "own")]
    assert columns[0] == columns[1]


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
