"""What --help says, at 80 columns."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recsys
from recsys.cli import commands

SOURCE = Path(recsys.__file__).parent

COMMANDS = [
    "init",
    "sample",
    "prepare",
    "train",
    "predict",
    "recommend",
    "items",
    "similar",
    "explain",
    "interpret",
    "evaluate",
    "cross-validate",
    "compare",
    "tune",
    "lr-find",
    "export-factors",
    "report",
    "inspect",
    "runs",
    "finetune",
    "update",
    "fold-in",
    "promote",
    "config",
    "config validate",
    "config show",
    "config reference",
]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_is_as_it_was_and_fits_80_columns(
    command: str, recsys: Callable[..., Any], snapshot: Callable[[str, str], None]
) -> None:
    ended = recsys(*command.split(), "--help")
    assert (ended.code, ended.err) == (0, "")
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    assert command in ("", "config") or "xample" in ended.out
    snapshot(f"help {command}".strip().replace(" ", "-"), ended.out)


@pytest.mark.parametrize("command", ["", "config"])
def test_without_a_command_the_help_is_shown_and_nothing_else(command: str, recsys: Callable[..., Any]) -> None:
    ended = recsys(*command.split())
    assert ended.code == 2
    assert "Usage: recsys" in ended.out + ended.err
    assert "error" not in ended.out + ended.err


def test_the_version_is_told(recsys: Callable[..., Any]) -> None:
    from recsys import __version__

    assert recsys("--version").out.strip() == __version__


@pytest.mark.slow
def test_completion_can_be_shown(process: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # or it depends on who runs the tests
    ended = process("--show-completion", "bash")
    assert ended.code == 0
    assert "_RECSYS_COMPLETE=complete_bash" in ended.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("rec", ["recommend"]),
        ("config s", ["show"]),
        ("train --con", ["--config"]),
        ("predict --on", ["--on-unknown"]),
    ],
)
def test_completion_knows_commands_and_options(
    words: str, completed: list[str], process: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_RECSYS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"recsys {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    assert process().out.split() == completed


def test_the_help_of_every_command_is_compared() -> None:
    assert {command.name for command in commands.COMMANDS} == {name for name in COMMANDS if " " not in name}


def test_no_text_for_users_names_a_file_of_the_repository() -> None:
    files = re.compile(r"\b(docs|configs|benchmarks|golden|tests)/|data/movielens|constraints\.txt")
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not files.search(text):
            continue
        tree = ast.parse(text)
        notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
                assert not files.search(node.value), f"{path}:{node.lineno}: {node.value}"
    assert not any(files.search(entry.doc) for entry in recsys.config_reference())
