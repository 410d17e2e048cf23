"""Writes docs/reference from the config schema, the help of every command and the docstrings: `make docs`."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "reference"
CLASSES = (
    "recsys.inference.recommender:Recommender",
    "recsys.inference.prediction:Prediction",
    "recsys.inference.ranked:Recommendation",
    "recsys.inference.similar:Similar",
    "recsys.inference.explain:Explanation",
    "recsys.inference.explain_ranking:RankExplanation",
)
"""What the functions return, beside dicts and the classes that recsys names itself."""
WIDTH = 100
SECTION = re.compile(r"^(?=(?:Args|Attributes|Returns|Raises|Source)\b.*:)", re.MULTILINE)
os.environ.update(COLUMNS="100", TERM="dumb", NO_COLOR="1", TERMINAL_WIDTH="100", _TYPER_FORCE_DISABLE_TERMINAL="1")


def main() -> None:
    """Writes the pages."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "config.md").write_text(config_page(), encoding="utf-8")
    (FOLDER / "commands.md").write_text(commands_page(), encoding="utf-8")
    (FOLDER / "api.md").write_text(api_page(), encoding="utf-8")


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


def api_page() -> str:
    """Signature and docstring of everything that recsys offers."""
    import recsys
    from recsys.core.resolve import resolve

    names = {f"recsys.{name}": getattr(recsys, name) for name in recsys.__all__ if not name.startswith("_")}
    functions = {name: value for name, value in names.items() if not inspect.isclass(value)}
    classes = {name: value for name, value in names.items() if inspect.isclass(value)}
    classes |= {path.split(":")[1]: resolve(path) for path in CLASSES}
    lines = [
        "# Python API",
        "",
        "Written by `make docs` from the docstrings. Errors are subclasses of `recsys.RecsysError`.",
        "",
    ]
    lines += ["| function | |", "| --- | --- |"]
    lines += [f"| [{name}](#{_anchor(name)}) | {_summary(value)} |" for name, value in sorted(functions.items())]
    lines += ["", "| class | |", "| --- | --- |"]
    lines += [f"| [{name}](#{_anchor(name)}) | {_summary(value)} |" for name, value in classes.items()]
    for name, value in [*sorted(functions.items()), *classes.items()]:
        lines += ["", f"## {name}", "", *_entry(name, value)]
    return "\n".join(lines) + "\n"


def _entry(name: str, value: object) -> Iterator[str]:
    """A heading's text; of a class, with its public methods and properties."""
    if not inspect.isclass(value):
        yield from ("```py", _signature(name, value), "```", "", *_doc(value))
        return
    yield from _doc(value)
    for member, attribute in vars(value).items():
        getter = getattr(attribute, "fget", getattr(attribute, "func", None))  # of a property, of a cached one
        function = getter or getattr(value, member)
        if member.startswith("_") or not inspect.isroutine(function) or not inspect.getdoc(function):
            continue
        name_of_member = f"{name}.{member}"
        yield from ("", "```py", name_of_member if getter else _signature(name_of_member, function), "```", "")
        yield from _doc(function)


class _Bare(str):
    """Shown by `inspect` without quotes."""

    __repr__ = str.__str__


def _signature(name: str, function: object) -> str:
    """The call, with a line for each argument where one line is too long; `self` is left out."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    parameters = [_bare(each) for each in signature.parameters.values() if each.name not in ("self", "cls")]
    returned = _Bare(signature.return_annotation)
    line = f"{name}{signature.replace(parameters=parameters, return_annotation=returned)}"
    if len(line) <= WIDTH:
        return line
    arguments = [str(each) for each in parameters]
    named = [each.kind is inspect.Parameter.KEYWORD_ONLY for each in parameters]
    if any(named):
        arguments.insert(named.index(True), "*")
    return "\n".join([f"{name}(", *(f"    {each}," for each in arguments), f") -> {returned}"])


def _bare(parameter: inspect.Parameter) -> inspect.Parameter:
    """Its type without quotes, and a function that is the default by its name."""
    if inspect.isfunction(parameter.default):
        parameter = parameter.replace(default=_Bare(parameter.default.__name__))
    return parameter.replace(annotation=_Bare(parameter.annotation))


def _doc(value: object) -> list[str]:
    """The docstring: paragraphs as they stand, and all from the first section on, such as Args, as a block."""
    text, *sections = SECTION.split(inspect.getdoc(value) or "", maxsplit=1)
    block = ["", "```text", sections[0], "```"] if sections else []
    return [text.rstrip(), *block]


def _summary(value: object) -> str:
    """The first paragraph, as a cell of a table."""
    return (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def _anchor(name: str) -> str:
    return name.lower().replace(".", "")


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
