"""The further columns of the items file in a serving folder."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

import numpy as np

from recsys.artifacts.manifest import BundleManifest
from recsys.artifacts.texts import texts_layout, unpack_texts
from recsys.artifacts.verified import VerifiedFolder, check_layout, consistent
from recsys.core.types import Texts

ITEM_COLUMNS = "item_columns.safetensors"


def read_item_columns(folder: VerifiedFolder[BundleManifest], behind: Mapping[str, Texts]) -> dict[str, Texts]:
    """Name → the text of each item, object (str), "" where there is none.

    Args:
        behind: by the number of the column, the texts of items that come after those of the folder.
    Raises:
        RunError: the file is damaged.
    """
    names = folder.manifest.item_columns
    if not names:
        return {}
    arrays, texts = folder.arrays(ITEM_COLUMNS), (texts_layout(str(n), "n_items") for n in range(len(names)))
    layout = dict(chain(*(each.items() for each in texts)))
    check_layout(folder.path / ITEM_COLUMNS, arrays, layout, n_items=folder.manifest.n_items)
    with consistent(folder.path / ITEM_COLUMNS):
        columns = {name: unpack_texts(str(number), arrays) for number, name in enumerate(names)}
    if not behind:
        return columns
    return {name: np.concatenate([columns[name], behind[str(number)]]) for number, name in enumerate(names)}
