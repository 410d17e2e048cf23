"""Numbered cases that run in this process: each with random numbers of its own, and a limit of time."""

from __future__ import annotations

import math
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from faults.outcome import Outcome
from recsys.core.errors import RecsysError

LONGEST = 30.0  # seconds of a case: beyond, it hangs
BETWEEN_REPORTS = 60.0  # seconds

Say = Callable[[str], None]


class DisagreementError(Exception):
    """What a case has shown to be wrong."""


class HangError(BaseException):
    """A case has taken too long; no handler of the product catches this."""


def run_cases(
    seed: int, seconds: float, say: Say, case: Callable[[random.Random], object], most: float = math.inf
) -> Outcome:
    """Runs case after case until the time is over. Case k of a seed is always the same.

    Args:
        case: raises DisagreementError, or whatever the product lets through, where something is wrong.
        most: cases.
    """
    outcome = Outcome()
    for number in _numbers(seconds, outcome, say):
        if number >= most:
            break
        try:
            with _limited():
                case(random.Random(f"{seed}.{number}"))
        except (Exception, HangError) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            failure = f"case {number}: {type(error).__name__} at {where.filename}:{where.lineno}: {error}"
            outcome.failures.append(failure)
            say(failure)
        outcome.n_cases += 1
    return outcome


def error_of(work: Callable[[], object], longest: int, kind: type[RecsysError] = RecsysError) -> RecsysError | None:
    """The error of ours that something ends with, None without one; errors of other kinds go through.

    Args:
        longest: signs of its message; a longer one is itself wrong.
    """
    try:
        work()
    except kind as error:
        if len(str(error)) > longest:
            raise DisagreementError(f"a message of {len(str(error)):,} signs: {str(error)[:200]}") from None
        return error
    return None


def _numbers(seconds: float, outcome: Outcome, say: Say) -> Iterator[int]:
    start = reported = time.monotonic()
    number = 0
    while (now := time.monotonic()) - start < seconds:
        if now - reported > BETWEEN_REPORTS:
            reported = now
            say(f"{number:,} cases, {len(outcome.failures):,} failures")
        yield number
        number += 1


@contextmanager
def _limited() -> Iterator[None]:
    def end(*_: object) -> None:
        raise HangError(f"it takes more than {LONGEST:.0f} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
