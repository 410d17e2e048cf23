"""Writes docs/reference from the config schema and the help of every command: `make docs`."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

FOLDER = Path(__file__).parent / "reference"
os.environ.update(COLUMNS="100", TERM="dumb", NO_COLOR="1", TERMINAL_WIDTH="100", _TYPER_FORCE_DISABLE_TERMINAL="1")


def main() -> None:
    """Writes both pages."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "config.md").write_text(config_page(), encoding="utf-8")
    (FOLDER / "commands.md").write_text(commands_page(), encoding="utf-8")


def config_page() -> str:
    """Every key, from the schema."""
    from recsys.config.reference import reference

    lines = [
        "# Config reference",
        "",
        "Written by `make docs` from the schema; `recsys config reference` prints the same.",
        "",
    ]
    lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for entry in reference():
        owner = f" Only with {entry.owner}." if entry.owner else ""
        default = "required" if entry.default is None else f"`{entry.default}`" if entry.default else ""
        cells = (f"`{entry.key}`", entry.type, default, entry.doc + owner)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """The help of every command."""
    import typer

    from recsys.cli.app import app

    group = typer.main.get_command(app)
    lines = ["# Command reference", "", "Written by `make docs` from the program's own help.", ""]
    for path in _commands(group):
        lines += [f"## recsys {' '.join(path)}", "", "```text", _help(group, path), "```", ""]
    return "\n".join(lines)


def _commands(group: object) -> list[list[str]]:
    from recsys.cli.lazy import LazyGroup

    found: list[list[str]] = []
    for name, command in getattr(group, "commands", {}).items():
        below = _commands(group.load(name) if isinstance(group, LazyGroup) else command)
        found += [[name, *path] for path in below] or [[name]]
    return found


def _help(group: object, path: list[str]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        group.main([*path, "--help"], prog_name="recsys", standalone_mode=False)  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in printed.getvalue().strip("\n").splitlines())


if __name__ == "__main__":
    main()
