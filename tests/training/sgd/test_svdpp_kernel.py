from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recsys.training.sgd.svdpp_kernel import svdpp_kernel

DIMS = (1, 3, 20, 64)
EVERYDAY = ((3, False), (3, True), (20, True))  # a kernel is compiled for each, in half a second
RATES = {"user_lr": 0.1, "item_lr": 0.04, "decay": 0.3, "bias_decay": 0.2, "implicit_decay": 0.5}
RATED = ([2, 0, 5], [1], [], [4, 3, 2, 0], [5, 1])
NEAR = ([0, 2, 5], [1], [3, 4], [0, 2, 3, 4], [1, 3, 5])  # user 2 rated earlier only, user 4 earlier too
N_ITEMS = 6


def world(dim: int, *, flipped: bool = False, rated: Any = RATED, near: Any = NEAR) -> dict[str, Any]:
    """The kernel's arrays, by name."""
    random = np.random.default_rng(dim)

    def rows(n: int) -> Any:
        return random.normal(0, 0.5 / dim**0.25, (n, dim)).astype(np.float32)

    n, n_ratings = len(rated), sum(map(len, rated))
    return {
        "rows": random.permutation(n).astype(np.uint32),
        "start": np.cumsum([0, *map(len, rated)]).astype(np.int64),
        "idx": np.concatenate(rated).astype(np.uint32),
        "rating": random.normal(size=n_ratings).astype(np.float32),
        "near_start": np.cumsum([0, *map(len, near)]).astype(np.int64),
        "near": np.concatenate(near).astype(np.int64),
        "p": rows(n),
        "b_u": rows(n)[:, 0].copy(),
        "q": rows(N_ITEMS),
        "b_i": rows(N_ITEMS)[:, 0].copy(),
        "y": rows(N_ITEMS),
        "b_y": rows(N_ITEMS)[:, 0].copy(),
        "fixed": rows(N_ITEMS if flipped else 0),
        "b_fixed": rows(N_ITEMS if flipped else 0)[:, 0].copy(),
    }


def run(arrays: dict[str, Any], flipped: bool, **rates: float) -> float:
    return svdpp_kernel(arrays["p"].shape[1], flipped)(*arrays.values(), *(RATES | rates).values())


def single_steps(arrays: dict[str, Any], flipped: bool) -> tuple[dict[str, Any], float]:
    """The parameters after an autograd step of the stated loss for each rating, and the sum of e²."""
    names = ("p", "b_u", "q", "b_i", "y", "b_y")
    tensor = {name: torch.from_numpy(arrays[name].astype(np.float64)).requires_grad_() for name in names}
    squares = 0.0
    for u in arrays["rows"].tolist():
        near = torch.from_numpy(arrays["near"][arrays["near_start"][u] : arrays["near_start"][u + 1]])
        for t in range(arrays["start"][u], arrays["start"][u + 1]):
            i, c = int(arrays["idx"][t]), max(len(near), 1) ** -0.5
            p, b_u = tensor["p"][u], tensor["b_u"][u]
            q, b_i = tensor["q"][i], tensor["b_i"][i]
            y, b_y = tensor["y"][near], tensor["b_y"][near]
            whole_q = q + torch.from_numpy(arrays["fixed"][i]) if flipped else q
            bias = b_u + c * b_y.sum() + b_i + (float(arrays["b_fixed"][i]) if flipped else 0)
            error = float(arrays["rating"][t]) - bias - (p + c * y.sum(dim=0)) @ whole_q
            loss = 0.5 * error**2 + 0.5 * RATES["decay"] * (p @ p + q @ q)
            loss = loss + 0.5 * RATES["bias_decay"] * (b_u**2 + b_i**2)
            loss = loss + 0.5 * RATES["implicit_decay"] * ((y**2).sum() + (b_y**2).sum())
            slopes = torch.autograd.grad(loss, list(tensor.values()))
            with torch.no_grad():
                for name, slope in zip(names, slopes, strict=True):
                    tensor[name] -= RATES["user_lr" if name in ("p", "b_u") else "item_lr"] * slope
            squares += float(error.detach()) ** 2
    return {name: parameter.detach().numpy() for name, parameter in tensor.items()}, squares


@pytest.mark.parametrize(
    ("dim", "flipped"),
    [
        pytest.param(dim, flipped, marks=() if (dim, flipped) in EVERYDAY else pytest.mark.slow)
        for dim in DIMS
        for flipped in (False, True)
    ],
)
def test_the_steps_of_several_users_equal_autograd_steps_of_the_stated_loss(dim: int, flipped: bool) -> None:
    arrays = world(dim, flipped=flipped)
    expected, squares = single_steps(arrays, flipped)
    assert run(arrays, flipped) == pytest.approx(squares, rel=1e-5)
    for name, array in expected.items():
        np.testing.assert_allclose(arrays[name], array, atol=3e-6, err_msg=name)


@pytest.mark.parametrize("dim", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_one_users_pass_equals_the_stated_update_in_numpy(dim: int) -> None:
    arrays = world(dim, rated=([3, 1, 4],), near=([1, 3, 4],))
    p, q, y = (arrays[name].astype(np.float64) for name in ("p", "q", "y"))
    biases = [arrays[name].astype(np.float64) for name in ("b_u", "b_i", "b_y")]
    p, q, y = np.c_[p, biases[0], np.ones(1)], np.c_[q, np.ones(6), biases[1]], np.c_[y, biases[2], np.zeros(6)]
    keep_p = 1 - 0.1 * np.array([0.3] * dim + [0.2, 0])
    keep_q = 1 - 0.04 * np.array([0.3] * dim + [0, 0.2])
    moves_p, moves_q = np.array([1] * (dim + 1) + [0]), np.array([1] * dim + [0, 1])  # the ones stay ones
    c, kappa, near = 3**-0.5, 1 - 0.04 * 0.5, [1, 3, 4]
    first = c * y[near].sum(axis=0)
    s = first.copy()
    for i, rating in zip([3, 1, 4], arrays["rating"], strict=True):
        error = rating - (p[0] + s) @ q[i]
        before = p[0] + s, q[i].copy()
        p[0] = keep_p * p[0] + 0.1 * error * before[1] * moves_p
        s = kappa * s + 0.04 * error * before[1] * moves_p
        q[i] = keep_q * q[i] + 0.04 * error * before[0] * moves_q
    y[near] = kappa**3 * y[near] + c * (s - kappa**3 * first)
    run(arrays, False)
    np.testing.assert_allclose(arrays["p"], p[:, :dim], atol=2e-6)
    np.testing.assert_allclose(arrays["b_u"], p[:, dim], atol=2e-6)
    np.testing.assert_allclose(arrays["q"], q[:, :dim], atol=2e-6)
    np.testing.assert_allclose(arrays["b_i"], q[:, dim + 1], atol=2e-6)
    np.testing.assert_allclose(arrays["y"], y[:, :dim], atol=2e-6)
    np.testing.assert_allclose(arrays["b_y"], y[:, dim], atol=2e-6)


@pytest.mark.parametrize("frozen", ["user_lr", "item_lr"])
def test_a_side_with_learning_rate_0_keeps_every_bit(frozen: str) -> None:
    arrays, before = world(20, flipped=True), world(20, flipped=True)
    run(arrays, True, **{frozen: 0.0})
    still = ("p", "b_u") if frozen == "user_lr" else ("q", "b_i", "y", "b_y")
    for name in ("p", "b_u", "q", "b_i", "y", "b_y"):
        assert (arrays[name].tobytes() == before[name].tobytes()) == (name in still), name


@pytest.mark.parametrize("dim", [3, *(pytest.param(dim, marks=pytest.mark.slow) for dim in (1, 20))])
def test_only_the_rows_of_the_given_users_are_touched(dim: int) -> None:
    arrays, before = world(dim), world(dim)
    arrays["rows"] = np.array([3], np.uint32)
    run(arrays, False)
    rows = {"p": [3], "b_u": [3], "q": [0, 2, 3, 4], "b_i": [0, 2, 3, 4], "y": [0, 2, 3, 4], "b_y": [0, 2, 3, 4]}
    for name, expected in rows.items():
        changed = (arrays[name] != before[name]).reshape(len(arrays[name]), -1).any(axis=1)
        assert np.flatnonzero(changed).tolist() == expected, name


@pytest.mark.parametrize("dim", [3, 20, *(pytest.param(dim, marks=pytest.mark.slow) for dim in (1, 50))])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["rating", "p", "q", "y", "b_y", "fixed", "b_fixed"])
def test_a_number_that_is_not_finite_shows_in_the_sum(dim: int, bad: float, name: str) -> None:
    arrays = world(dim, flipped=True)
    arrays[name][0] = bad
    assert not np.isfinite(run(arrays, True))


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
from test_svdpp_kernel import run, world, svdpp_kernel
for dim, flipped in ((20, True), (64, False)):
    arrays = world(dim, flipped=flipped)
    print(dim, run(arrays, flipped).hex(), *(hash(array.tobytes()) for array in arrays.values()))
    print(sum(svdpp_kernel(dim, flipped).stats.cache_hits.values()))
"""


def fresh_process(cache: Path) -> list[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONHASHSEED": "0"}
    script = SCRIPT.format(folder=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_process_that_compiles_and_the_one_that_loads_agree_on_every_bit(tmp_path: Path) -> None:
    compiled, loaded = fresh_process(tmp_path), fresh_process(tmp_path)
    assert compiled[1::2] == ["0", "0"]
    assert loaded[1::2] == ["1", "1"]
    assert compiled[::2] == loaded[::2]
