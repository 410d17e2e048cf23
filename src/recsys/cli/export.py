"""recsys export-factors."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys import api
from recsys.cli.arguments import EscapeOption, JsonOption, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.progress import watching
from recsys.cli.render import echo, paragraph, print_json
from recsys.core.errors import UsageError
from recsys.core.words import counted, joined

if TYPE_CHECKING:
    from recsys.inference.ann_index import Kind


class Format(StrEnum):
    """Formats of an export."""

    CSV = "csv"
    PARQUET = "parquet"
    NPZ = "npz"
    SAFETENSORS = "safetensors"


class Index(StrEnum):
    """Indexes of the items."""

    HNSW = "hnsw"


def export_factors(
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="A new folder.")],
    run: RunOption = None,
    form: Annotated[Format, typer.Option("--format", help="The file format.")] = Format.CSV,
    scorer: Annotated[
        str | None,
        typer.Option("--scorer", help="rating or ranking; left out: rating, or what the run has instead."),
    ] = None,
    index: Annotated[
        Index | None,
        typer.Option("--index", help="Also an approximate index of the items, with its recall; needs the extra `ann`."),
    ] = None,
    escape_formulas: EscapeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys export-factors --output factors --format parquet

    With an index: recsys export-factors --output factors --index hnsw
    """
    if escape_formulas and form is not Format.CSV:
        raise UsageError("--escape-formulas is for a CSV", expected="--format csv", hint="leave it out")
    used = used_run(run)
    kind: Kind | None = "hnsw" if index is Index.HNSW else None
    with watching() as observe:
        files = api.export_factors(
            used, output, form.value, scorer=scorer, index=kind, escape_formulas=escape_formulas, observe=observe
        )
    report = {} if index is None else {"index": json.loads((output / "index.json").read_text(encoding="utf-8"))}
    if as_json:
        print_json({"files": [str(path) for path in files], **report})
        return
    for path in files:
        echo(str(path))
    if index is not None:
        _show_recall(report["index"])
    echo(f"{output / 'README.md'} explains how to use them")


def _show_recall(index: dict[str, Any]) -> None:
    recall = joined((f"recall@{k} {value:.3f}" for k, value in index["recall"].items()), "and")
    items, users = counted(index["n_items"], "item"), counted(index["n_users"], "user")
    text = f"index of {items}: {recall} of exact lists for {users}, with expansion_search {index['expansion_search']}"
    for line in paragraph(text):
        echo(line)
