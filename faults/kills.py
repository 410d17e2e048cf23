"""Real processes stopped and killed at random instants; each command is repeated until it comes to its end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faults.jobs import JOBS, Job
from faults.outcome import Outcome
from faults.world import CRASHES, ENDED, USED, Case, Ended, World, differences, ended, without_leftovers, world

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 129}
AT_ONCE = 4  # cases
MOST_KILLS = 4  # of one command
LONGER = 20  # so that a training takes as long as its imports
STARTUP = 0.4  # seconds, in which a part of the kills falls
GRACE = 15.0  # seconds for processes of a killed command to end


@dataclass(frozen=True)
class Kill:
    """When a command is sent which signal.

    Attributes:
        share: of the time that it takes undisturbed; None: `startup` decides.
        is_group: whether all its processes get it, as from a terminal.
    """

    number: signal.Signals
    share: float | None
    startup: float
    is_group: bool

    def __str__(self) -> str:
        when = f"{self.startup:.3f} s" if self.share is None else f"{self.share:.0%}"
        return f"{self.number.name}{' to the group' * self.is_group} after {when}"


def attack(seed: int, seconds: float, say: Callable[[str], None], jobs: tuple[Job, ...] = JOBS) -> Outcome:
    """Case k of a seed is always of the same job, with the same signals after the same shares of its time."""
    outcome, number = Outcome(), 0
    with world(LONGER) as place, ThreadPoolExecutor(AT_ONCE) as pool:
        until = time.monotonic() + seconds

        def work(case: int) -> None:
            if time.monotonic() < until:
                job, kills = drawn(seed, case, jobs)
                try:
                    n_kills, failure = _attacked(place, f"k{case}", job, kills)
                except Exception as error:  # what is left cannot be read
                    n_kills, failure = len(kills), repr(error)
                outcome.n_cases += n_kills
                if failure:
                    how = ", ".join(map(str, kills))
                    outcome.failures.append(f"case {case}: {job.name}, {how}: {failure}")
                    say(outcome.failures[-1])

        while time.monotonic() < until:
            for done in [pool.submit(work, number + place_in_round) for place_in_round in range(4 * AT_ONCE)]:
                done.result()
            number += 4 * AT_ONCE
            say(f"kills: {outcome.n_cases:,} in {number:,} cases, {len(outcome.failures)} failures")
    return outcome


def drawn(seed: int, case: int, jobs: tuple[Job, ...]) -> tuple[Job, list[Kill]]:
    """What a case does."""
    draw = random.Random(f"{seed} {case}")
    kills = [
        Kill(
            number=draw.choice(SIGNALS),
            share=None if draw.random() < 0.2 else draw.uniform(0.05, 1.05),
            startup=draw.uniform(0, STARTUP),
            is_group=draw.random() < 0.3,
        )
        for _ in range(draw.randint(1, MOST_KILLS))
    ]
    return jobs[(case + seed) % len(jobs)], kills


def _attacked(place: World, name: str, job: Job, kills: list[Kill]) -> tuple[int, str]:
    """How many kills there were, and what went wrong."""
    reference = place.reference(job)
    n_kills = 0
    with place.case(name) as case:
        done = None
        for kill in kills:
            done, was_caught = _killed(case, job, kill, reference.seconds)
            n_kills += 1
            if job.makes_once and USED.search(done.err):  # it was done before the kill before this one
                break
            if problem := _wrong_end(done, kill, was_caught) or _strays(case):
                return n_kills, problem
            if done.code == ENDED:
                break
        if done is None or done.code != ENDED:
            arguments = job.after_a_kill(case.work)
            done = case.run(arguments)
            if done.code != ENDED and not (job.makes_once and USED.search(done.err)):
                return n_kills, f"recsys {' '.join(arguments)}: code {done.code}: {done.err[-1500:]}"
            if crash := CRASHES.search(done.err):
                return n_kills, f"{crash[0]} on stderr: {done.err[-1500:]}"
        content = case.content() if done.code == ENDED else without_leftovers(case.content())
        problem = differences(reference.content, content)
        if not problem and done.code == ENDED and job.tells_all:
            problem = differences(reference.printed, case.printed(done))
        return n_kills, problem or _strays(case)


def _killed(case: Case, job: Job, kill: Kill, seconds: float) -> tuple[Ended, bool]:
    """How a command ended that was sent a signal, and whether its handlers stood by then."""
    process = case.start(job.after_a_kill(case.work))
    wait = kill.startup if kill.share is None else kill.share * seconds
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(wait)
    was_caught = _is_caught(process.pid)
    with contextlib.suppress(ProcessLookupError):
        if process.returncode is None:
            (os.killpg if kill.is_group else os.kill)(process.pid, kill.number)
    return ended(process), was_caught


def _is_caught(process: int) -> bool:
    """Whether a process has taken SIGTERM into its own hands."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), "0")
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def _wrong_end(done: Ended, kill: Kill, was_caught: bool) -> str:
    """What is wrong about how a command ended that was sent a signal."""
    if done.code == ENDED or (done.code == -kill.number and (kill.number == signal.SIGKILL or not was_caught)):
        return ""
    if not was_caught and done.code in (1, CODES.get(kill.number)):  # Python itself was starting
        return ""
    if done.code != CODES.get(kill.number):
        return f"code {done.code}: {done.err[-1500:]}"
    crash = CRASHES.search(done.err)
    return f"{crash[0]} on stderr: {done.err[-1500:]}" if crash else ""


def _strays(case: Case) -> str:
    """Processes that a command has left."""
    until = time.monotonic() + GRACE
    while alive := case.processes():
        if time.monotonic() > until:
            return f"processes are left: {alive}"
        time.sleep(0.05)
    return ""
