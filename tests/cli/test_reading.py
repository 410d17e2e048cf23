"""interpret, similar and explain: tables for people, json for programs, and how they refuse."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Recsys = Callable[..., Any]
needs_matplotlib = pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="the extra is not there")


def on_a_terminal(command: list[str]) -> str:
    """What a command prints on a terminal of 80 columns."""
    pty, termios, fcntl = (pytest.importorskip(name) for name in ("pty", "termios", "fcntl"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x18\x00\x50\x00\x00\x00\x00\x00")
    env = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "_TYPER_FORCE_DISABLE_TERMINAL")
    }
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=env) as running:
        os.close(theirs)
        printed = bytearray()
        while True:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:  # Linux says so at the end
                break
            if not part:
                break
            printed += part
        assert running.wait() == 0
    os.close(ours)
    return printed.decode().replace("\r\n", "\n")


def test_interpret_in_a_pipe(run: Path, recsys: Recsys) -> None:
    ended = recsys("interpret", "-n", 2, "--directions", 1)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Listed: items with at least 5 training ratings, of which there are 50.")
    assert ended.out.count("Film ") == 2 * 2 + 2 * 2
    assert "Direction 1: " in ended.out
    assert "Direction 2: " not in ended.out


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [("interpret",), ("similar", "110"), ("explain", "-5", "110"), ("explain", "0", "101", "-n", "3")]
)
def test_tables_fit_a_terminal_of_80_columns(run: Path, script: str, arguments: tuple[str, ...]) -> None:
    printed = on_a_terminal([script, *arguments])
    assert "\x1b" not in printed.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert all(len(line) <= 80 for line in printed.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines())


def test_similar_and_explain_as_they_look(run: Path, recsys: Recsys) -> None:
    shown = recsys("similar", 110, "-n", 3)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines()[0].split() == ["rank", "item", "title", "similarity", "n", "ratings"]
    assert len(shown.out.splitlines()) == 5
    ended = recsys("explain", -5, 110, "-n", 2)
    assert (ended.code, ended.err) == (0, "")
    assert 'user -5, item 110  Film 110, the "best"' in ended.out
    assert "not from ratings" in ended.out
    assert " others " in ended.out


def test_ids_alone_are_shown_where_there_are_no_titles(text_run: Path, recsys: Recsys) -> None:
    assert "title" not in recsys("similar", "-3").out
    assert "title" not in recsys("explain", "007", "-3").out
    assert recsys("interpret").code == 0


def test_json_is_one_object(run: Path, recsys: Recsys) -> None:
    similar = json.loads(recsys("similar", 110, "-n", 2, "--json").out)
    assert similar["item_id"] == 110
    assert list(similar["items"][0]) == ["rank", "item_id", "title", "similarity", "n_ratings", "n_interactions"]
    explain = json.loads(recsys("explain", -5, 110, "--json").out)
    pulls = sum(pull["pull"] for pull in explain["pulls"]) + explain["others"] + explain["remainder"]
    assert pulls == pytest.approx(explain["parts"]["interaction"], abs=1e-6)
    interpret = json.loads(recsys("interpret", "-n", 2, "--json").out)
    assert [len(interpret[key]) for key in ("highest", "lowest", "directions")] == [2, 2, 4]
    assert "figures" not in interpret


@pytest.mark.slow
@needs_matplotlib
def test_figures_are_told_and_a_used_folder_is_refused_before_any_work(run: Path, recsys: Recsys) -> None:
    figures = json.loads(recsys("interpret", "--figures", "pictures", "--json").out)["figures"]
    assert sorted(figures) == sorted(str(path) for path in Path("pictures").iterdir())
    again = recsys("interpret", "--figures", "pictures")
    assert (again.code, again.out) == (4, "")
    assert "in use already" in again.err


def test_figures_without_matplotlib_name_the_extra(
    run: Path, recsys: Recsys, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., None]
) -> None:
    monkeypatch.setattr("recsys.core.errors.find_spec", lambda name: None)
    refused("figures without matplotlib", 2, "interpret", "--figures", "pictures")


@pytest.mark.parametrize(
    ("name", "code", "arguments"),
    [
        ("similar unknown", 5, ("similar", 999)),
        ("explain unknown", 5, ("explain", -99, 110)),
        ("explain mistyped option", 2, ("explain", -5, 110, "--jsn")),
        ("similar nothing", 2, ("similar",)),
        ("interpret too many ratings", 2, ("interpret", "--min-ratings", 1000)),
    ],
)
def test_what_is_refused(name: str, code: int, arguments: Any, run: Path, refused: Callable[..., None]) -> None:
    refused(name, code, *arguments)


def test_nothing_left_is_said(run: Path, recsys: Recsys) -> None:
    ended = recsys("similar", 110, "--min-ratings", 1000)
    assert (ended.code, ended.out) == (
        0,
        "no similar items: no other item has factors and that many training ratings\n",
    )


@pytest.mark.slow
def test_a_long_title_is_cut_and_no_number_beside_it() -> None:
    program = (
        "from recsys.cli.render import print_table\n"
        "print_table(['n', 'title', 'x'], [['1', 'long ' * 40, '+0.12345']], numbers=['n', 'x'], cut='title')"
    )
    lines = on_a_terminal([sys.executable, "-c", program]).splitlines()
    assert len(lines) == 3
    assert lines[-1].rstrip().endswith("…   +0.12345")
