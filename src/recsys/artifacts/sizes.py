"""How many bytes a run takes on disk, before anything of it is written; but for headers, manifests and figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsys.artifacts.checkpoint import MAX_CHECKPOINTS
from recsys.artifacts.features import feature_arrays
from recsys.artifacts.texts import pack_ids, pack_texts
from recsys.core.layout import Layout, Size, StateLayout
from recsys.core.types import Arrays
from recsys.data.catalogue import text_by_index
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation.calibration import n_levels
from recsys.evaluation.even_factors import N_FIFTHS
from recsys.scoring.codec import encode
from recsys.scoring.protocols import TrainedScorer

SEEN_BYTES, HELD_OUT_BYTES = 8, 12  # an interaction: item and rating; user, item and rating
ENTITY_BYTES = 20  # a user or an item: how many ratings, how many interactions, how wide its intervals are
FACTOR_BYTES = 8 * N_FIFTHS  # a level of intervals
CHECKPOINTS_AT_ONCE = MAX_CHECKPOINTS + 1  # the oldest goes when a new one is whole


def state_bytes(layout: StateLayout) -> int:
    """Of the arrays of a state."""
    return _layout_bytes(layout.model, layout.sizes) + _layout_bytes(layout.learner, layout.sizes)


def model_bytes(layout: StateLayout) -> int:
    """Of the parameters in it."""
    return _layout_bytes(layout.model, layout.sizes)


def scorer_bytes(scorer: TrainedScorer) -> int:
    """Of a scorer in the serving folder; after its last sweep, a sampled one has more beside that."""
    return _array_bytes(encode(scorer).arrays)


def shared_bytes(inputs: TrainingInputs) -> int:
    """Of what a serving folder holds beside its scorers: ids, titles, features, what was seen, held out, intervals."""
    seen, catalogue = inputs.seen, inputs.catalogue
    texts = [pack_texts("column", text_by_index(column, seen.items)) for column in catalogue.columns.values()]
    titles = pack_texts("titles", text_by_index(catalogue.titles, seen.items))
    ids = [pack_ids(vocabulary) for vocabulary in (seen.users, seen.items)]
    held_out = {name: len(part) for name, part in inputs.held_out.items() if part is not None}
    numbers = ENTITY_BYTES * (len(seen.users) + len(seen.items)) + SEEN_BYTES * len(seen)
    numbers += HELD_OUT_BYTES * sum(held_out.values()) + FACTOR_BYTES * n_levels(held_out.get("valid", 0))
    features = map(feature_arrays, inputs.features.values())
    return sum(map(_array_bytes, (titles, *texts, *ids, *features))) + numbers


def _array_bytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())


def _layout_bytes(layout: Layout, sizes: Mapping[str, int]) -> int:
    """Of the arrays that are always there."""
    specs = (spec for spec in layout.values() if spec.group is None)
    return sum(
        np.dtype(spec.dtype).itemsize * int(np.prod([_number(size, sizes) for size in spec.shape], dtype=np.int64))
        for spec in specs
    )


def _number(size: Size, sizes: Mapping[str, int]) -> int:
    match size:
        case int():
            return size
        case str():
            return sizes[size]
        case parts:
            return sum(_number(part, sizes) for part in parts)
