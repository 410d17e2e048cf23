"""What the ranks of a dot product send, counted before there are any."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from recsys.core.communicator import Traffic
from recsys.core.types import Array
from recsys.models.dot_product.arrays import DotProductArrays
from recsys.training.sgd.ring import owners, sent_bytes

BIAS_BYTES = 4  # of a user; it goes to the first rank
SUM_BYTES = 8  # of a number in the sum of all users' rows


def traffic(
    model: DotProductArrays, user_first: Array, item_first: Array, strata: Sequence[Array], n_ranks: int
) -> Traffic:
    """What so many ranks send.

    Args:
        user_first, item_first: where each range of users and of items begins, and the end.
        strata: of each of some epochs in a row, as of `tree_strata`; their mean counts.
    """
    n_side, others = len(user_first) - 1, n_ranks - 1
    rows = {role: _row_bytes(model, role) for role in ("user", "item")}
    travelling = sent_bytes(np.concatenate(strata), rows["item"] * np.diff(item_first), n_ranks)
    items, users = rows["item"] * int(item_first[-1]), rows["user"] * int(user_first[-1])
    beyond_first = int(user_first[np.searchsorted(owners(n_side, n_ranks), 1)])
    biases = BIAS_BYTES * int(np.count_nonzero(model.counted.users[beyond_first:]))
    sums = SUM_BYTES * model.settings.embedding_dim
    return Traffic(
        epoch=travelling // len(strata),
        evaluation=others * (items + sums) + biases,
        end=others * (items + users),
    )


def _row_bytes(model: DotProductArrays, role: str) -> int:
    """Of what is learned of one user, or item."""
    arrays = [array for name, array in model.arrays.items() if name.startswith(role)]
    return sum(array.itemsize * math.prod(array.shape[1:]) for array in arrays)
