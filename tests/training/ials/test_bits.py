"""The same bits from a kernel just compiled as from the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import hashlib
import numpy as np
from recsys.data.grouped import GroupedView
from recsys.training.ials.fit import Hyperparameters, ImplicitALS
from recsys.training.ials.kernels import solve_rows_kernel
from recsys.training.ials.systems import Systems

random = np.random.default_rng(1)
user, item = (idx.astype(np.int32) for idx in np.divmod(random.permutation(60 * 40)[:1500], 40))
views = GroupedView.of(user, item, np.bincount(user, minlength=60)), GroupedView.of(item, user, np.bincount(item))
for dim in (3, 16, 33, 128):
    systems = [Systems.of(view, np.ones(1500, np.float32)) for view in views]
    als = ImplicitALS(*systems, Hyperparameters(dim, 3, 0.2, 0.05, 1), 2)
    for number in (1, 2, 3):
        als.epoch(number)
    print(dim, hashlib.sha256(b"".join(als.factors()[role].tobytes() for role in ("user", "item"))).hexdigest())
print(sum(solve_rows_kernel().stats.cache_hits.values()))
"""


def fresh_process(cache: Path) -> list[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_process_that_compiles_and_the_one_that_loads_solve_to_the_same_bits(tmp_path: Path) -> None:
    *compiled, none = fresh_process(tmp_path)
    *loaded, hits = fresh_process(tmp_path)
    assert (none, hits) == ("0", "1")
    assert compiled == loaded
