"""Ranks that torchrun has started, killed at random instants: all of them start again, to the bytes of one process."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from faults.jobs import JOBS, RUN, Job
from faults.outcome import Outcome
from faults.world import CRASHES, ENDED, Case, Ended, World, differences, ended, without_leftovers, world

EPOCHS = {
    "train-sgd": ("training.n_epochs=200", "training.checkpoint_every=1"),
    "train-gibbs": ("training.n_epochs=60",),
    "train-gibbs-drift": ("training.n_epochs=60",),
    "train-ranked": ("training.n_epochs=100", "training.keep=best", "ranking.n_epochs=100"),
    "train-clicks": ("ranking.n_epochs=200",),
    "train-refit": ("training.n_epochs=100", "ranking.n_epochs=100"),
}
"""What makes a job long enough to be killed while it trains, or writes what it has trained, by its name."""
TORCHRUN = ("-m", "torch.distributed.run", "--no-python", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0")
MOST_KILLS = 3
HISTORY = "history.jsonl"


@dataclass(frozen=True)
class Kill:
    """Which rank is killed when.

    Attributes:
        seconds: after its process was started or, where `trains`, after an epoch since the last kill.
    """

    rank: int
    seconds: float
    trains: bool


def attack(seed: int, seconds: float, say: Callable[[str], None]) -> Outcome:
    """Case k of a seed is always of the same job, ranks and kills."""
    outcome, number = Outcome(), 0
    with world() as place:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            job, n_ranks, kills = drawn(seed, number)
            try:
                n_kills, failure = _attacked(place, f"r{number}", job, n_ranks, kills)
            except Exception as error:  # what is left cannot be read
                n_kills, failure = len(kills), repr(error)
            outcome.n_cases += n_kills
            if failure:
                outcome.failures.append(f"case {number}: {job.name}, {n_ranks} ranks, {kills}: {failure}")
            number += 1
            say(f"ranks: {outcome.n_cases:,} kills in {number:,} cases, {len(outcome.failures)} failures")
    return outcome


def drawn(seed: int, case: int) -> tuple[Job, int, list[Kill]]:
    """What a case does."""
    draw = random.Random(f"ranks {seed} {case}")
    job = [job for job in JOBS if job.name in EPOCHS][(case + seed) % len(EPOCHS)]
    longer = [word for setting in EPOCHS[job.name] for word in ("--set", setting)]
    n_ranks = draw.choice((2, 3))
    kills = [
        Kill(rank=draw.randrange(n_ranks), seconds=draw.uniform(0, 2), trains=draw.random() < 0.8)
        for _ in range(draw.randint(1, MOST_KILLS))
    ]
    return replace(job, arguments=(*job.arguments, *longer)), n_ranks, kills


def _attacked(place: World, name: str, job: Job, n_ranks: int, kills: list[Kill]) -> tuple[int, str]:
    """How many kills there were, and what went wrong."""
    reference, n_kills = place.reference(job), 0
    with place.case(name) as case:
        process = _start(case, job, n_ranks)
        killed, n_bytes = set[int](), 0
        for kill in kills:
            rank = _rank(case, process, kill.rank, killed)
            if rank is None:
                break
            while kill.trains and process.poll() is None and _history_bytes(case) <= n_bytes:
                time.sleep(0.01)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(kill.seconds)
            with contextlib.suppress(ProcessLookupError):
                os.kill(rank, signal.SIGKILL)
                n_kills += 1
            killed.add(rank)
            n_bytes = _history_bytes(case)
        return n_kills, _problem(case, ended(process), reference.content)


def _history_bytes(case: Case) -> int:
    """How far the training is."""
    try:
        return (case.work / RUN / HISTORY).stat().st_size
    except FileNotFoundError:
        return 0


def _start(case: Case, job: Job, n_ranks: int) -> subprocess.Popen[str]:
    """The command on so many ranks, which are started again as often as they are killed."""
    launch = [*TORCHRUN, "--nproc-per-node", str(n_ranks), "--max-restarts", str(MOST_KILLS + 1)]
    return case.start_python((*launch, sys.executable, "-m", "recsys", *job.arguments, "--resume"))


def _rank(case: Case, launcher: subprocess.Popen[str], rank: int, killed: set[int]) -> int | None:
    """The process of a rank, once it has been started; None if the command comes to its end before."""
    mark = f"RANK={rank}".encode()
    while launcher.poll() is None:
        for process in case.processes():
            with contextlib.suppress(OSError):
                if process not in killed and mark in Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
                    return process
        time.sleep(0.05)
    return None


def _problem(case: Case, done: Ended, expected: Mapping[str, str]) -> str:
    if done.code != ENDED:
        return f"code {done.code}: {done.err[-1500:]}"
    if crash := CRASHES.search(done.err.replace("W1", "")):
        return f"{crash[0]} on stderr: {done.err[-1500:]}"
    of_work = [
        {key: value for key, value in content.items() if key.startswith("work/")}
        for content in (expected, without_leftovers(case.content()))
    ]
    return differences(*of_work)
