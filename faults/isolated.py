"""Steps in a process of their own, so that a crash, a hang or a leak of one case is seen and harms no other."""

from __future__ import annotations

import os
import pickle
import select
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from faults.outcome import Outcome
from recsys.core.errors import RecsysError


@dataclass(frozen=True)
class Ended:
    """How a step ended.

    Attributes:
        how: "answer", "error" (one of ours), "traceback", "crash" or "hang".
        value: the answer, or the text of the error.
    """

    how: str
    value: Any


def run_steps(steps: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, Ended]:
    """Takes the steps, one after the other, in a forked process; after a crash or a hang, none of the rest.

    The parent must not have started threads.

    Args:
        seconds: for each.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _take(steps, writer)
    os.close(writer)
    ended: dict[str, Ended] = {}
    with os.fdopen(reader, "rb", buffering=0) as stream:
        buffered = b""
        for name in steps:
            deadline = time.monotonic() + seconds
            while (message := _message(buffered)) is None:
                ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
                part = os.read(reader, 1 << 16) if ready else b""
                if not part:
                    break
                buffered += part
            if message is None:
                ended[name] = _stopped(child, hangs=not ready)
                return ended
            buffered, ended[name] = message
    os.waitpid(child, 0)
    return ended


def _take(steps: Mapping[str, Callable[[], Any]], writer: int) -> None:
    """In the child: takes the steps, says how each ended, and goes."""
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    os.setsid()
    for step in steps.values():
        content = pickle.dumps(_ended(step))
        whole = len(content).to_bytes(8, "little") + content
        while whole:
            whole = whole[os.write(writer, whole) :]
    os._exit(0)


def _ended(step: Callable[[], Any]) -> Ended:
    try:
        return Ended("answer", step())
    except RecsysError as error:
        return Ended("error", f"{type(error).__name__}: {error}")
    except BaseException:
        return Ended("traceback", traceback.format_exc())


def _message(buffered: bytes) -> tuple[bytes, Ended] | None:
    """What follows the first whole message, and that one."""
    length = int.from_bytes(buffered[:8], "little")
    if len(buffered) < 8 or len(buffered) < 8 + length:
        return None
    return buffered[8 + length :], pickle.loads(buffered[8 : 8 + length])


def _stopped(child: int, *, hangs: bool) -> Ended:
    if hangs:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return Ended("hang", "no end") if hangs else Ended("crash", f"ended with {os.waitstatus_to_exitcode(status)}")


def attacked(
    case: Callable[[int], tuple[str, Mapping[str, Ended]]], seconds: float, say: Callable[[str], None], n_cases: int
) -> Outcome:
    """Cases for as long as there is time, at most so many: each step of them has to end with an answer or an error.

    Args:
        case: of a number: what is changed, and how each step ended.
    """
    outcome, end = Outcome(), time.monotonic() + seconds
    while time.monotonic() < end and outcome.n_cases < n_cases:
        what, ended = case(outcome.n_cases)
        bad = {step: end_of for step, end_of in ended.items() if end_of.how not in ("answer", "error")}
        outcome.failures += [
            f"case {outcome.n_cases}, {what}, {step}: {end_of.how}: {end_of.value}" for step, end_of in bad.items()
        ]
        outcome.n_cases += 1
        if bad or outcome.n_cases % 100 == 0:
            say(
                f"{outcome.n_cases:,} cases, {len(outcome.failures):,} failures"
                + "".join(f"\n{what}: {step}" for step in bad)
            )
    return outcome
