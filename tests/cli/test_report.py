"""recsys report: what it prints and writes, and where it cannot write."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Recsys = Callable[..., Any]
Refused = Callable[..., None]


def test_a_page_is_written_and_named(run: Path, recsys: Recsys) -> None:
    ended = recsys("report")
    size = Path("report.html").stat().st_size
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"Wrote report.html ({size / 1000:.0f} kB); open it in a browser\n"
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_json_names_the_file_and_what_is_missing(run: Path, recsys: Recsys) -> None:
    shutil.copytree(run / "serving", "copy")
    ended = recsys("report", "--run", "copy", "--output", "page.html", "--json")
    answer = json.loads(ended.out)
    assert (ended.code, ended.err, [*answer["missing"]]) == (0, "", ["history"])
    assert (answer["output"], answer["run"]) == ("page.html", "finished")
    assert answer["bytes"] == Path("page.html").stat().st_size


def test_people_are_told_what_is_missing(run: Path, recsys: Recsys) -> None:
    shutil.copytree(run / "serving", "copy")
    ended = recsys("report", "--run", "copy")
    assert (ended.code, ended.err) == (0, "note: No history of the training lies beside this model.\n")


def test_an_older_page_is_replaced_and_nothing_else_is_left(run: Path, recsys: Recsys) -> None:
    Path("report.html").write_text("old")
    before = sorted(Path().iterdir())
    assert recsys("report").code == 0
    assert sorted(Path().iterdir()) == before
    assert "old" not in Path("report.html").read_text(encoding="utf-8")[:100]


def test_a_place_where_no_file_can_be_is_refused(run: Path, refused: Refused) -> None:
    refused("report to a folder", 4, "report", "--output", "runs")
    refused("report below a file", 4, "report", "--output", "ratings.csv/report.html")
    refused("report without folder", 4, "report", "--output", "nowhere/report.html")


def test_without_a_run_nothing_is_written(here: Path, refused: Refused) -> None:
    refused("report without a run", 4, "report", "--run", "runs/gone")
