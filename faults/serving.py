"""A recommender that 16 threads share, and each of its methods called a hundred thousand times."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from faults.jobs import BASE
from faults.outcome import Outcome
from faults.serving_calls import CALLS
from faults.world import Case, World, world
from golden.trees import ROOT

N_CALLS = 100_000
THREAD_SECONDS = 60.0
BLAS = ("", "1", "2", "4")  # OPENBLAS_NUM_THREADS: as it comes, and others
ROUNDS = 3  # of all settings, since other work on the machine comes and goes
AT_ONCE = 6  # methods
LEAST = 0.8  # of the calls with the best setting
MOST_GROWN = 2_000_000  # bytes, in three fifths of the calls
LARGE = {"users": 3_000, "items": 6_000, "ratings": 120_000}
LARGE_CONFIG = {
    "data": {"ratings": "large.csv", "items": "inputs/items.csv"},
    "model": {"embedding_dim": 64},
    "training": {"method": "sgd", "n_epochs": 1},
    "ranking": {"embedding_dim": 128, "n_epochs": 1},
}


def attack(seed: int, seconds: float, say: Callable[[str], None]) -> Outcome:
    """60 s of threads and 100,000 calls of each method, less of both where there are fewer than 600 seconds."""
    outcome, share = Outcome(), min(1.0, seconds / 600)
    with world() as place:
        _train_large(place.template)
        _share(place, outcome, seed, share * THREAD_SECONDS, say)
        _repeat(place, outcome, seed, int(share * N_CALLS), say)
    return outcome


def _share(place: World, outcome: Outcome, seed: int, seconds: float, say: Callable[[str], None]) -> None:
    """Compares calls a second of CPU time, which other work on the machine does not change."""
    calls, cpu = dict.fromkeys(BLAS, 0), dict.fromkeys(BLAS, 0.0)
    for turn in range(ROUNDS):
        for blas in BLAS:
            done = _called(place, "threads", "large", seconds / ROUNDS, seed + turn, blas=blas)
            calls[blas] += done["calls"]
            cpu[blas] += done["cpu_seconds"]
            if done["different"]:
                outcome.failures.append(
                    f"threads {turn}, OPENBLAS_NUM_THREADS={blas}: other answers: {done['different']}"
                )
    outcome.n_cases += sum(calls.values())
    rates = {blas or "as it comes": calls[blas] / cpu[blas] for blas in BLAS}
    shown = ", ".join(f"{blas}: {rate:,.0f}" for blas, rate in rates.items())
    say(f"serving: {sum(calls.values()):,} calls by 16 threads; a second of CPU, by OPENBLAS_NUM_THREADS {shown}")
    if rates["as it comes"] < LEAST * max(rates.values()):
        outcome.failures.append(f"threads: as it comes, fewer calls than {LEAST} of the best: {shown}")


def _repeat(place: World, outcome: Outcome, seed: int, n_calls: int, say: Callable[[str], None]) -> None:
    def work(method: str) -> int:
        grown: int = _called(place, "memory", BASE, n_calls, seed, method)["grown"]
        say(f"serving: {n_calls:,} calls of {method}: {grown / 1e3:+,.0f} kB")
        return grown

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for method, grown in zip(CALLS, pool.map(work, CALLS), strict=True):
            outcome.n_cases += n_calls
            if grown > MOST_GROWN:
                outcome.failures.append(f"memory: {grown:,} bytes more after {n_calls:,} calls of {method}")


def _called(
    place: World, what: str, run: str, amount: float, seed: int, *method: str, blas: str = ""
) -> Mapping[str, Any]:
    environment = {**place.template.environment(), "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    command = [sys.executable, "-m", "faults.serving_calls", what, f"runs/{run}", str(amount), str(seed), *method]
    done = subprocess.run(
        command,
        cwd=place.template.work,
        env=environment | ({"OPENBLAS_NUM_THREADS": blas} if blas else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _train_large(case: Case) -> None:
    """A run whose matrix products are large enough for several threads."""
    draw = random.Random(7)
    pairs = {(draw.randrange(LARGE["users"]), draw.randrange(LARGE["items"])) for _ in range(LARGE["ratings"])}
    rows = (f"{user},{item},{draw.randint(1, 5)}" for user, item in sorted(pairs))
    _write(case.work / "large.csv", "user,item,rating\n" + "\n".join(rows) + "\n")
    _write(case.work / "large.yaml", json.dumps(LARGE_CONFIG))
    trained = case.run(("train", "large.yaml", "--run-dir", "runs/large"))
    assert trained.code == 0, trained.err


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
