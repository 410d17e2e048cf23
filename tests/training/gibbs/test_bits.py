"""The same bits whatever the number of threads, and from a kernel just compiled as from the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recsys.core.events import silent
from recsys.training.gibbs import state as side

from ..sgd.worlds import planted
from .test_learner import KINDS, bits, learner_of


@pytest.mark.parametrize("kind", KINDS)
def test_many_chunks_on_one_two_and_four_threads_give_the_same_bits(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side, "CHUNK_RATINGS", 300)  # as it is, this world would be one chunk
    states = []
    for n_threads in (1, 2, 4):
        learner = learner_of(planted(), kind, dim=20, n_threads=n_threads, burn_in=1)
        assert len(learner._rated["user"].chunks) > 10
        for number in (1, 2, 3):
            learner.epoch(number, silent)
        states.append(bits(learner))
    assert states[0] == states[1] == states[2]


SCRIPT = """
import hashlib
import numpy as np
from recsys.models.svdpp.settings import SvdPP
from recsys.training.gibbs.settings import Gibbs
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.core.events import silent
from recsys.training.gibbs import kernels
from recsys.training.gibbs.learner import GibbsLearner
from recsys.training.gibbs.models import svdpp
from recsys.training.gibbs.tobit_kernel import draw_beyond_kernel

random = np.random.default_rng(1)
user, item = np.divmod(random.permutation(60 * 40)[:1500], 40)
rating = random.normal(3, 1, 1500).astype(np.float32)
names = Vocabulary(np.arange(60)), Vocabulary(np.arange(40))
train = Interactions(user.astype(np.int32), item.astype(np.int32), rating, None, *names)
for dim, likelihood in ((3, "normal"), (16, "normal"), (20, "normal"), (33, "normal"), (5, "tobit")):
    form = svdpp(SvdPP(embedding_dim=dim, flipped=True))
    learner = GibbsLearner(form, train.scale, train, Gibbs(n_epochs=4, n_threads=1, likelihood=likelihood), 1)
    for number in (1, 2, 3):
        learner.epoch(number, silent)
    arrays = learner.state(3).learner
    print(dim, hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest())
made = kernels.draw_rows_kernel(), kernels.draw_implicit_kernel(), draw_beyond_kernel()
print(sum(sum(kernel.stats.cache_hits.values()) for kernel in made))
"""


def fresh_process(cache: Path) -> list[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_process_that_compiles_and_the_one_that_loads_draw_the_same_bits(tmp_path: Path) -> None:
    *compiled, none = fresh_process(tmp_path)
    *loaded, hits = fresh_process(tmp_path)
    assert (none, hits) == ("0", "3")
    assert compiled == loaded
