"""What has to be the same on all ranks of a job."""

from __future__ import annotations

import json
from collections.abc import Mapping

from recsys.core.collectives import text_of_each
from recsys.core.communicator import Communicator
from recsys.core.errors import UsageError

COPY_FILES = "copy the same files to every host, or to a folder that all of them share"


def check_same(facts: Mapping[str, str], communicator: Communicator, hint: str) -> None:
    """Compares what each rank has with what rank 0 has.

    Args:
        facts: on each rank, by a name that people read.
    Raises:
        UsageError: on every rank, where one differs; it names the first rank that does, and both values.
    """
    first, *others = map(json.loads, text_of_each(json.dumps(dict(facts)), communicator))
    for rank, other in enumerate(others, 1):
        for name in first:
            if other.get(name) != first[name]:
                raise UsageError(
                    f"the ranks differ in {name}: {other.get(name)} on rank {rank}, {first[name]} on rank 0",
                    expected="the same on every rank",
                    hint=hint,
                )
