"""Factors and biases for other programs, with raw ids and a README that says how to use them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from recsys.artifacts.arrays import write_arrays
from recsys.artifacts.bundle import Bundle
from recsys.artifacts.texts import pack_ids
from recsys.core.arguments import choice
from recsys.core.errors import RunError
from recsys.core.events import Exporting, Observer, silent
from recsys.core.files import new_folder
from recsys.core.types import Arrays
from recsys.inference.ann_index import Kind, need_ann, write_index
from recsys.inference.arrow import FORMULA, Columns, csv_file, table
from recsys.inference.export_readme import readme
from recsys.inference.exported_scorer import ExportedScorer
from recsys.scoring.export import Export, Rows

Format = Literal["csv", "parquet", "npz", "safetensors"]
FORMAT = choice(*get_args(Format))
NUMBERS = 1 << 22  # of a block of rows: 16 MB, and some 50 MB as text
Done = Callable[[int], None]


def export_factors(
    bundle: Bundle,
    folder: Path,
    form: Format = "csv",
    scorer: str | None = None,
    index: Kind | None = None,
    observe: Observer = silent,
    *,
    escape_formulas: bool = False,
) -> list[Path]:
    """Writes a scorer into a new or empty folder; returns the files, README.md among them.

    Of an embedding net, the factors are the embeddings, and model.json holds the layers.

    Args:
        scorer: its name, such as "ranking"; None: the run's first, which predicts ratings where there are any.
        index: of the items, to be written too.
        observe: gets Exporting events.
        escape_formulas: of csv, as of `csv_rows`.
    Raises:
        MissingExtraError: the index needs a library that is not installed.
        RunError: the run has no such scorer, or it can have no index; the folder holds something, or cannot be written.
    """
    name = next(iter(bundle.scorers)) if scorer is None else scorer
    exported = ExportedScorer.of(bundle, name)
    if index is not None:
        need_ann(bundle, exported.export)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(
            "the output folder is in use already",
            where=str(folder),
            expected="a folder that is new or empty",
            hint="choose another --output",
        )
    writers: dict[Format, Callable[[Bundle, Export, Path, Done], str]] = {
        "csv": partial(_csv, escape_formulas=escape_formulas),
        "parquet": _parquet,
        "npz": _npz,
        "safetensors": _safetensors,
    }
    n_rows = len(bundle.users) + len(bundle.items)
    done = _counting(observe, n_rows + (0 if index is None else int(np.count_nonzero(bundle.counts[name].items))))
    with new_folder(folder) as temporary:
        how_to_load = writers[form](bundle, exported.export, temporary, done)
        model = json.dumps(exported.to_model(), indent=2)
        (temporary / "model.json").write_text(model + "\n", encoding="utf-8")
        report = None if index is None else write_index(bundle, name, exported.export, temporary, done)
        (temporary / "README.md").write_text(readme(bundle, exported, how_to_load, report), encoding="utf-8")
    return sorted(folder.iterdir())


def _counting(observe: Observer, total: int) -> Done:
    """What adds up rows as they are done."""
    n_done = 0

    def done(n_more: int) -> None:
        nonlocal n_done
        n_done += n_more
        observe(Exporting(n_done, total))

    return done


def _tables(bundle: Bundle, export: Export) -> tuple[Columns, Columns]:
    """The columns of users and items: id, title of an item, bias and std where there are, factor_0, factor_1, …"""

    def numbers(role: str) -> Arrays:
        columns: Arrays = {}
        for rows in export.rows:
            if rows.role == role and rows.array.ndim == 1:
                columns[rows.part] = rows.array
            elif rows.role == role:
                columns |= {f"{rows.column}_{n}": rows.array[:, n] for n in range(rows.array.shape[1])}
        return columns

    users = {"user_id": bundle.users.ids, **numbers("user")}
    return users, {"item_id": bundle.items.ids, "title": bundle.titles, **numbers("item")}


def _blocks(columns: Columns) -> Iterator[Columns]:
    """The rows of a table in blocks of about NUMBERS numbers; one without rows where there are none."""
    n_rows, size = len(next(iter(columns.values()))), max(1, NUMBERS // len(columns))
    for start in range(0, max(n_rows, 1), size):
        yield {name: values[start : start + size] for name, values in columns.items()}


def _csv(bundle: Bundle, export: Export, folder: Path, done: Done, *, escape_formulas: bool) -> str:
    for name, columns in zip(("users", "items"), _tables(bundle, export), strict=True):
        with csv_file(folder / f"{name}.csv", escape_formulas=escape_formulas) as write:
            for block in _blocks(columns):
                write(block)
                done(len(block[f"{name[:-1]}_id"]))
    read = 'pd.read_csv("{0}.csv", dtype={{"{1}_id": {2}, "title": str}}, keep_default_na=False)'
    if escape_formulas:
        read += f'.replace(regex=r"{FORMULA}", value=r"\\1")'
    return _pandas(bundle, export, read)


def _parquet(bundle: Bundle, export: Export, folder: Path, done: Done) -> str:
    """A row group for each block."""
    from pyarrow import parquet

    for name, columns in zip(("users", "items"), _tables(bundle, export), strict=True):
        with contextlib.ExitStack() as stack:
            writer: Any = None
            for block in _blocks(columns):
                rows = table(block)
                if writer is None:
                    writer = stack.enter_context(parquet.ParquetWriter(folder / f"{name}.parquet", rows.schema))
                writer.write_table(rows, row_group_size=max(1, rows.num_rows))
                done(rows.num_rows)
    return _pandas(bundle, export, 'pd.read_parquet("{0}.parquet")')


def _npz(bundle: Bundle, export: Export, folder: Path, done: Done) -> str:
    arrays = {rows.name: rows.array for rows in export.rows}
    for role, vocabulary in (("user", bundle.users), ("item", bundle.items)):
        ids = vocabulary.ids
        arrays[f"{role}_ids"] = ids.astype(np.str_) if vocabulary.id_type is str else ids
    np.savez(folder / "factors.npz", allow_pickle=False, **arrays)
    done(len(bundle.users) + len(bundle.items))
    return """import json
import numpy as np

arrays = dict(np.load("factors.npz"))
user_ids, item_ids = arrays["user_ids"].tolist(), arrays["item_ids"].tolist()
""" + _load_arrays(export)


def _safetensors(bundle: Bundle, export: Export, folder: Path, done: Done) -> str:
    arrays = {rows.name: rows.array for rows in export.rows}
    for role, vocabulary in (("user", bundle.users), ("item", bundle.items)):
        arrays |= {f"{role}_{name}": array for name, array in pack_ids(vocabulary).items()}
    write_arrays(folder / "factors.safetensors", arrays)  # not by the library, whose errors are no OSError
    done(len(bundle.users) + len(bundle.items))
    return """import json
import numpy as np
from safetensors.numpy import load_file

arrays = load_file("factors.safetensors")


def ids(role):
    if f"{role}_ids" in arrays:
        return arrays[f"{role}_ids"].tolist()
    text, offsets = arrays[f"{role}_ids.utf8"].tobytes(), arrays[f"{role}_ids.offsets"].tolist()
    return [text[start:end].decode() for start, end in zip(offsets, offsets[1:])]


user_ids, item_ids = ids("user"), ids("item")
""" + _load_arrays(export)


def _load_arrays(export: Export) -> str:
    return "".join(f'{rows.name} = arrays["{rows.name}"]\n' for rows in export.rows)


def _pandas(bundle: Bundle, export: Export, read: str) -> str:
    users, items = (
        read.format(f"{role}s", role, '"int64"' if vocabulary.id_type is int else "str")
        for role, vocabulary in (("user", bundle.users), ("item", bundle.items))
    )
    return f"""import json
import numpy as np
import pandas as pd

users = {users}
items = {items}
user_ids, item_ids = users["user_id"].tolist(), items["item_id"].tolist()
{"".join(map(_load_columns, export.rows))}"""


def _load_columns(rows: Rows) -> str:
    columns = f'["{rows.part}"]' if rows.array.ndim == 1 else f'.filter(like="{rows.column}_")'
    return f"{rows.name} = {rows.role}s{columns}.to_numpy()\n"
