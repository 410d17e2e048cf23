"""Factors and biases for other programs, with raw ids and a README that says how to use them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from recsys.data.vocabulary import Vocabulary
from recsys.errors import RunError
from recsys.runs.sealed import TEMPORARY, writing
from recsys.serving.arrow import csv_file, table
from recsys.serving.store import Store
from recsys.serving.text import pack_ids
from recsys.version import __version__

Format = Literal["csv", "parquet", "npz", "safetensors"]


def export_factors(store: Store, folder: Path, form: Format = "csv") -> list[Path]:
    """Writes the model into a new or empty folder; returns the files, README.md among them.

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
    writers: dict[Format, Callable[[Store, Path], str]] = {
        "csv": _csv,
        "parquet": _parquet,
        "npz": _npz,
        "safetensors": _safetensors,
    }
    with writing(folder):
        aside = folder.absolute().with_name(TEMPORARY + folder.name)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        how_to_load = writers[form](store, aside)
        (aside / "model.json").write_text(json.dumps(_model(store), indent=2) + "\n", encoding="utf-8")
        (aside / "README.md").write_text(_readme(store, how_to_load), encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    return sorted(folder.iterdir())


def _model(store: Store) -> dict[str, Any]:
    """What is not a row of a user or an item."""
    factors = store.factors
    return {
        "global_mean": factors.global_mean,
        "link": {"kind": factors.link.kind, "low": factors.link.low, "high": factors.link.high},
        "unknown_user": {"bias": float(factors.user_bias[-1]), "factors": factors.user_factors[-1].tolist()},
        "unknown_item": {"bias": float(factors.item_bias[-1]), "factors": factors.item_factors[-1].tolist()},
        "recsys_version": __version__,
    }


def _table(ids: Vocabulary, role: str, bias: np.ndarray[Any, Any], factors: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The columns of users or items: id, bias, factor_0, factor_1, …"""
    columns = {f"{role}_id": ids.ids, "bias": bias[:-1]}
    return columns | {f"factor_{n}": factors[:-1, n] for n in range(factors.shape[1])}


def _tables(store: Store) -> tuple[dict[str, Any], dict[str, Any]]:
    factors = store.factors
    items = _table(store.items, "item", factors.item_bias, factors.item_factors)
    with_title = {"item_id": items["item_id"], "title": store.titles} | items
    return _table(store.users, "user", factors.user_bias, factors.user_factors), with_title


def _csv(store: Store, folder: Path) -> str:
    for name, columns in zip(("users", "items"), _tables(store), strict=True):
        with csv_file(folder / f"{name}.csv") as write:
            write(columns)
    read = 'pd.read_csv("{0}.csv", dtype={{"{1}_id": {2}, "title": str}}, keep_default_na=False)'
    return _pandas(store, read)


def _parquet(store: Store, folder: Path) -> str:
    from pyarrow import parquet

    for name, columns in zip(("users", "items"), _tables(store), strict=True):
        parquet.write_table(table(columns), folder / f"{name}.parquet")
    return _pandas(store, 'pd.read_parquet("{0}.parquet")')


def _npz(store: Store, folder: Path) -> str:
    arrays = _arrays(store)
    for role, vocabulary in (("user", store.users), ("item", store.items)):
        ids = vocabulary.ids
        arrays[f"{role}_ids"] = ids.astype(np.str_) if vocabulary.id_type is str else ids
    np.savez(folder / "factors.npz", allow_pickle=False, **arrays)
    return """import json
import numpy as np

arrays = np.load("factors.npz")
user_ids, item_ids = arrays["user_ids"].tolist(), arrays["item_ids"].tolist()
user_bias, user_factors = arrays["user_bias"], arrays["user_factors"]
item_bias, item_factors = arrays["item_bias"], arrays["item_factors"]
"""


def _safetensors(store: Store, folder: Path) -> str:
    from safetensors.numpy import save_file

    arrays = _arrays(store)
    for role, vocabulary in (("user", store.users), ("item", store.items)):
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
user_bias, user_factors = arrays["user_bias"], arrays["user_factors"]
item_bias, item_factors = arrays["item_bias"], arrays["item_factors"]
"""


def _arrays(store: Store) -> dict[str, Any]:
    factors = store.factors
    return {
        "user_bias": factors.user_bias[:-1],
        "item_bias": factors.item_bias[:-1],
        "user_factors": factors.user_factors[:-1],
        "item_factors": factors.item_factors[:-1],
    }


def _pandas(store: Store, read: str) -> str:
    users, items = (
        read.format(f"{role}s", role, '"int64"' if vocabulary.id_type is int else "str")
        for role, vocabulary in (("user", store.users), ("item", store.items))
    )
    return f"""import json
import numpy as np
import pandas as pd

users = {users}
items = {items}
user_ids, item_ids = users["user_id"].tolist(), items["item_id"].tolist()
user_bias, user_factors = users["bias"].to_numpy(), users.filter(like="factor_").to_numpy()
item_bias, item_factors = items["bias"].to_numpy(), items.filter(like="factor_").to_numpy()
"""


LINKS = {
    "identity": "score",
    "clip": 'np.clip(score, model["link"]["low"], model["link"]["high"])',
    "sigmoid": 'model["link"]["low"] + (model["link"]["high"] - model["link"]["low"]) / (1 + np.exp(-score))',
}


def _readme(store: Store, how_to_load: str) -> str:
    factors = store.factors
    user, item = store.users.ids[:1].tolist()[0], store.items.ids[:1].tolist()[0]
    return f"""# Exported factors

{len(store.users):,} users and {len(store.items):,} items with {factors.user_factors.shape[1]} factors each, from the
recsys run `{store.sealed.facts["run"]}`. Ids are those of the ratings file. `model.json` holds what is not a row of a
user or an item: the global mean, the link, and the bias and factors that stand for an unknown user or item.

    score  = global_mean + user_bias + item_bias + user_factors · item_factors
    rating = link(score), and the link here is `{factors.link.kind}`

Rank by score, show the rating. The Python below runs in this folder.

## Load

```python
{how_to_load}
with open("model.json", encoding="utf-8") as file:
    model = json.load(file)
```

## One rating

```python
u, i = user_ids.index({user!r}), item_ids.index({item!r})
score = model["global_mean"] + user_bias[u] + item_bias[i] + user_factors[u] @ item_factors[i]
rating = {LINKS[factors.link.kind]}
print(rating)
```

## The ten best items for a user

Leave out the items that the user has rated: they are in your own ratings file.

```python
scores = model["global_mean"] + user_bias[u] + item_bias + item_factors @ user_factors[u]
top = [item_ids[n] for n in np.argsort(-scores)[:10]]
print(top)
```
"""
