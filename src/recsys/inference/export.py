"""Factors and biases for other programs, with raw ids and a README that says how to use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.texts import pack_ids
from recsys.core.errors import RunError
from recsys.core.files import new_folder
from recsys.core.types import Arrays, Json
from recsys.inference.arrow import Columns, csv_file, table
from recsys.inference.export_readme import readme
from recsys.scoring.factors import Factors
from recsys.scoring.network import Network
from recsys.version import __version__

Format = Literal["csv", "parquet", "npz", "safetensors"]


def export_factors(bundle: Bundle, folder: Path, form: Format = "csv") -> list[Path]:
    """Writes the model into a new or empty folder; returns the files, README.md among them.

    Of an embedding net, the factors are the embeddings, and model.json holds the layers.

    Raises:
        RunError: the folder holds something, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(
            "the output folder is in use already",
            where=str(folder),
            expected="a folder that is new or empty",
            hint="choose another --output",
        )
    writers: dict[Format, Callable[[Bundle, Path], str]] = {
        "csv": _csv,
        "parquet": _parquet,
        "npz": _npz,
        "safetensors": _safetensors,
    }
    with new_folder(folder) as temporary:
        how_to_load = writers[form](bundle, temporary)
        (temporary / "model.json").write_text(json.dumps(_model(bundle), indent=2) + "\n", encoding="utf-8")
        (temporary / "README.md").write_text(readme(bundle, how_to_load), encoding="utf-8")
    return sorted(folder.iterdir())


def _model(bundle: Bundle) -> dict[str, Json]:
    """What is not a row of a user or an item."""
    scorer = bundle.scorer("rating")
    own: dict[str, Json]
    if isinstance(scorer, Factors):
        own = {
            "global_mean": scorer.global_mean,
            "unknown_user": {"bias": float(scorer.user_bias[-1]), "factors": scorer.user_factors[-1].tolist()},
            "unknown_item": {"bias": float(scorer.item_bias[-1]), "factors": scorer.item_factors[-1].tolist()},
        }
    else:
        own = {
            "layers": [{"weight": one.weight.tolist(), "bias": one.bias.tolist()} for one in scorer.layers],
            "unknown_user": {"factors": scorer.user_embedding[-1].tolist()},
            "unknown_item": {"factors": scorer.item_embedding[-1].tolist()},
        }
    kind = bundle.manifest.scorers["rating"].model
    return {"kind": kind, **own, "link": scorer.link.to_dict(), "recsys_version": __version__}


def _arrays(bundle: Bundle) -> Arrays:
    """Rows of users and items, without those of the unknown."""
    scorer = bundle.scorer("rating")
    if isinstance(scorer, Network):
        return {"user_factors": scorer.user_embedding[:-1], "item_factors": scorer.item_embedding[:-1]}
    return {
        "user_bias": scorer.user_bias[:-1],
        "item_bias": scorer.item_bias[:-1],
        **({} if scorer.user_std is None else {"user_std": scorer.user_std[:-1]}),
        "user_factors": scorer.user_factors[:-1],
        "item_factors": scorer.item_factors[:-1],
    }


def _tables(bundle: Bundle) -> tuple[Columns, Columns]:
    """The columns of users and items: id, title of an item, bias and std where there are, factor_0, factor_1, …"""
    arrays = _arrays(bundle)

    def numbers(role: str) -> Arrays:
        factors = arrays[f"{role}_factors"]
        one_each = {part: arrays[f"{role}_{part}"] for part in ("bias", "std") if f"{role}_{part}" in arrays}
        return one_each | {f"factor_{n}": factors[:, n] for n in range(factors.shape[1])}

    users = {"user_id": bundle.users.ids, **numbers("user")}
    return users, {"item_id": bundle.items.ids, "title": bundle.titles, **numbers("item")}


def _csv(bundle: Bundle, folder: Path) -> str:
    for name, columns in zip(("users", "items"), _tables(bundle), strict=True):
        with csv_file(folder / f"{name}.csv") as write:
            write(columns)
    read = 'pd.read_csv("{0}.csv", dtype={{"{1}_id": {2}, "title": str}}, keep_default_na=False)'
    return _pandas(bundle, read)


def _parquet(bundle: Bundle, folder: Path) -> str:
    from pyarrow import parquet

    for name, columns in zip(("users", "items"), _tables(bundle), strict=True):
        parquet.write_table(table(columns), folder / f"{name}.parquet")
    return _pandas(bundle, 'pd.read_parquet("{0}.parquet")')


def _npz(bundle: Bundle, folder: Path) -> str:
    arrays = _arrays(bundle)
    for role, vocabulary in (("user", bundle.users), ("item", bundle.items)):
        ids = vocabulary.ids
        arrays[f"{role}_ids"] = ids.astype(np.str_) if vocabulary.id_type is str else ids
    np.savez(folder / "factors.npz", allow_pickle=False, **arrays)
    return """import json
import numpy as np

arrays = dict(np.load("factors.npz"))
user_ids, item_ids = arrays["user_ids"].tolist(), arrays["item_ids"].tolist()
""" + _load_arrays(bundle)


def _safetensors(bundle: Bundle, folder: Path) -> str:
    from safetensors.numpy import save_file

    arrays = _arrays(bundle)
    for role, vocabulary in (("user", bundle.users), ("item", bundle.items)):
        arrays |= {f"{role}_{name}": array for name, array in pack_ids(vocabulary).items()}
    save_file(arrays, folder / "factors.safetensors")
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
""" + _load_arrays(bundle)


def _load_arrays(bundle: Bundle) -> str:
    return "".join(f'{name} = arrays["{name}"]\n' for name in _arrays(bundle))


def _pandas(bundle: Bundle, read: str) -> str:
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
{"".join(_load_column(name) for name in _arrays(bundle))}"""


def _load_column(name: str) -> str:
    role, part = name.split("_")
    columns = '.filter(like="factor_")' if part == "factors" else f'["{part}"]'
    return f"{name} = {role}s{columns}.to_numpy()\n"
