from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import torch

from recsys.data.prepared import BlockKinds
from recsys.training.sgd.kernel import ITEMS, USERS, BlockRatings, sgd_kernel

DIMS = (1, 2, 3, 7, 15, 16, 17, 31, 50, 64, 100, 129, 512)
# A kernel is compiled for each: dims of 0, 0, 3 and 8 whole vectors of 16, and a rest.
EVERYDAY = ((1, True), (7, True), (50, True), (50, False), (129, True))
RATES = {"user_lr": 0.1, "item_lr": 0.04, "decay": 0.3, "bias_decay": 0.2}


def world(dim: int, n: int = 12) -> list[Any]:
    random = np.random.default_rng(dim)
    shapes = ((5, dim), (4, dim), (5,), (4,))
    parameters = [random.normal(0, 0.5 / dim**0.25, shape).astype(np.float32) for shape in shapes]
    columns = [random.integers(0, 5, n).astype(np.uint32), random.integers(0, 4, n).astype(np.uint32)]
    return [*BlockRatings(*columns, random.normal(size=n).astype(np.float32), 0, n), *parameters]


@pytest.mark.parametrize(
    ("dim", "biases"),
    [
        pytest.param(dim, biases, marks=() if (dim, biases) in EVERYDAY else pytest.mark.slow)
        for dim in DIMS
        for biases in (True, False)
    ],
)
def test_a_step_equals_an_autograd_step_of_the_stated_loss(dim: int, biases: bool) -> None:
    arguments = world(dim)
    user_idx, item_idx, rating, _, n, *_ = arguments
    parameters = arguments[8:]
    tensors = [torch.from_numpy(array.astype(np.float64)).requires_grad_() for array in parameters]
    squares = 0.0
    for t in range(n):
        p, q, b_u, b_i = (tensor[int(row)] for tensor, row in zip(tensors, [user_idx[t], item_idx[t]] * 2, strict=True))
        error = float(rating[t]) - p @ q - (b_u + b_i if biases else 0)
        loss = 0.5 * error**2 + 0.5 * RATES["decay"] * (p @ p + q @ q)
        if biases:
            loss = loss + 0.5 * RATES["bias_decay"] * (b_u**2 + b_i**2)
        for tensor in tensors:
            tensor.grad = None
        loss.backward()
        with torch.no_grad():
            for tensor, side in zip(tensors, ["user", "item"] * 2, strict=True):
                if tensor.grad is not None:
                    tensor -= RATES[f"{side}_lr"] * tensor.grad
        squares += float(error.detach()) ** 2
    got = sgd_kernel(dim, biases)(*arguments, *RATES.values())
    assert got == pytest.approx(squares, rel=1e-5)
    for array, tensor in zip(parameters, tensors, strict=True):
        np.testing.assert_allclose(array, tensor.detach().numpy(), atol=2e-6)


@pytest.mark.parametrize("dim", [50, *(pytest.param(dim, marks=pytest.mark.slow) for dim in (1, 16, 129))])
@pytest.mark.parametrize(("sides", "still"), [(USERS, ITEMS), (ITEMS, USERS)])
def test_a_side_that_does_not_move_keeps_every_bit_while_the_other_steps(dim: int, sides: int, still: int) -> None:
    both, single = world(dim, 1), world(dim, 1)
    before = [array.copy() for array in single[8:]]
    for arguments, moving in ((both, USERS + ITEMS), (single, sides)):
        sgd_kernel(dim, True, moving)(*arguments, *RATES.values())
    for number, (array, old, moved) in enumerate(zip(single[8:], before, both[8:], strict=True)):
        is_still = still == (USERS, ITEMS)[number % 2]
        if is_still:
            np.testing.assert_array_equal(array, old)
        else:
            np.testing.assert_allclose(array, moved, rtol=1e-5)
            assert not np.array_equal(array, old)


@pytest.mark.parametrize("dim", [1, 50, *(pytest.param(dim, marks=pytest.mark.slow) for dim in (16, 300))])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", [2, 8, 9, 10])
def test_a_number_that_is_not_finite_shows_in_the_sum(dim: int, bad: float, place: int) -> None:
    arguments = world(dim)
    row = int(arguments[1][0] if place == 9 else arguments[0][0])
    arguments[place][0 if place == 2 else row] = bad
    assert not np.isfinite(sgd_kernel(dim, True)(*arguments, *RATES.values()))


@pytest.mark.parametrize(
    ("dim", "biases", "kinds"),
    [
        (7, True, ("uint16", "uint16", "uint8")),
        (50, False, ("uint32", "uint16", "uint8")),
        *(
            pytest.param(dim, biases, kinds, marks=pytest.mark.slow)
            for dim in DIMS
            for biases in (True, False)
            for kinds in (("uint16", "uint16", "uint8"), ("uint16", "uint32", "float32"))
        ),
    ],
)
def test_ratings_in_fewer_bytes_give_the_same_bits(dim: int, biases: bool, kinds: BlockKinds) -> None:
    wide = world(dim, 60)
    user_idx, item_idx, levels = np.maximum(wide[0], 2), np.maximum(wide[1], 1), wide[2][:9].copy()
    codes = np.arange(60) % 9
    wide[:3] = user_idx, item_idx, levels[codes]
    parameters = [array.copy() for array in wide[8:]]
    columns = (user_idx - 2, item_idx - 1, codes if kinds[2] == "uint8" else levels[codes])
    narrow = [column.astype(kind) for column, kind in zip(columns, kinds, strict=True)]
    block = BlockRatings(*narrow, 0, 60, user_first=2, item_first=1, levels=levels)
    squares = sgd_kernel(dim, biases, kinds=kinds)(*block, *parameters, *RATES.values())
    assert squares == sgd_kernel(dim, biases)(*wide, *RATES.values())
    for array, expected in zip(parameters, wide[8:], strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("dim", [1, 50, pytest.param(64, marks=pytest.mark.slow)])
def test_only_the_given_ratings_and_their_rows_are_touched(dim: int) -> None:
    arguments = world(dim)
    before = [array.copy() for array in arguments[8:]]
    arguments[0][:6], arguments[1][:6] = 2, 3
    assert sgd_kernel(dim, True)(*arguments[:3], 1, 5, *arguments[5:], *RATES.values()) > 0
    for array, old, row in zip(arguments[8:], before, [2, 3, 2, 3], strict=True):
        changed = np.flatnonzero((array != old).reshape(len(array), -1).any(axis=1))
        assert changed.tolist() == [row]


def test_the_kernel_neither_runs_in_object_mode_nor_allocates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))  # code from a cache cannot be looked at
    kernel: Any = sgd_kernel.__wrapped__(64, True)
    (overload,) = kernel.overloads.values()
    assert not overload.objectmode
    code = kernel.inspect_llvm(kernel.signatures[0])
    body = code[code.index("define") : code.index("define", code.index("define") + 1)]  # without the Python wrapper
    assert "NRT_" not in body
    assert "Py" not in body.replace("PyExc", "")
    assert "fadd" in body
    assert "<16 x float>" in body


SCRIPT = """
import sys, numpy as np
sys.path.insert(0, {folder!r})
from test_kernel import RATES, sgd_kernel, world
for dim in (16, 50, 64, 100):
    arguments = world(dim, 200)
    squares = sgd_kernel(dim, True)(*arguments, *RATES.values())
    print(dim, squares.hex(), *(hash(array.tobytes()) for array in arguments[8:]))
print(sum(sum(sgd_kernel(dim, True).stats.cache_hits.values()) for dim in (16, 50, 64, 100)))
"""


def fresh_process(cache: Path) -> list[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONHASHSEED": "0"}
    script = SCRIPT.format(folder=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_process_that_compiles_and_the_one_that_loads_agree_on_every_bit(tmp_path: Path) -> None:
    *compiled, none = fresh_process(tmp_path)
    *loaded, hits = fresh_process(tmp_path)
    assert (none, hits) == ("0", "4")
    assert compiled == loaded


@pytest.mark.slow
def test_a_damaged_cache_is_compiled_over(tmp_path: Path) -> None:
    *compiled, _ = fresh_process(tmp_path)
    for index in tmp_path.rglob("sgd_*.nb?"):
        index.write_bytes(index.read_bytes()[:30])
    assert fresh_process(tmp_path)[:-1] == compiled
