"""Every operation of a command that writes, failed once, or the command killed at it; then the command is repeated."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EIO, ENOSPC
from operator import itemgetter
from pathlib import Path
from typing import Self

from faults.jobs import JOBS, Job
from faults.outcome import Outcome
from faults.world import CRASHES, ENDED, USED, Case, Ended, Reference, World, differences, without_leftovers, world

SHIM = Path(__file__).with_name("shim.c")
STATE = 4096  # bytes that the shim shares, as in shim.c
KILL, FULL = "KILL", "FULL"
HOWS = {"ENOSPC": str(ENOSPC), "EIO": str(EIO), KILL: KILL, FULL: FULL}
AT_ONCE = 4
KILLED = -9
NUMBERS = re.compile(r"[0-9a-f]{8,}|[0-9]+")
ALLOWED = (ENDED, 4)  # 4: an output that cannot be written
GROWING = {"history.jsonl", "last", "study.db", "study.db-journal"}  # which a command writes step by step


class NoCompilerError(Exception):
    """There is no C compiler, so that nothing can be disturbed."""


@dataclass(frozen=True)
class Fault:
    """What happens at one operation of a job: the `at`-th, from 1; 0: nothing, but all are counted."""

    job: Job
    at: int = 0
    how: str = KILL
    operation: str = ""  # what it is and on which path, without the numbers in it


def attack(seed: int, seconds: float, say: Callable[[str], None], jobs: tuple[Job, ...] = JOBS) -> Outcome:
    """Goes through all operations of all jobs in an order of the seed, until the time is over.

    Of operations that are alike in a job, such as the same one of each epoch, the first comes before any second.

    Raises:
        NoCompilerError: there is none.
    """
    outcome = Outcome()
    with world() as place, _zygotes(place, compiled(place.folder)) as zygotes:
        faults = [fault for job in jobs for fault in _faults_of(job, place, zygotes[0], say)]
        until = time.monotonic() + seconds
        faults = in_turns(faults, random.Random(seed))
        say(f"writes: {len({(fault.job.name, fault.how, fault.operation) for fault in faults}):,} kinds of cases")
        left, lock = iter(enumerate(faults)), threading.Lock()

        def work(zygote: Zygote) -> None:
            while time.monotonic() < until:
                with lock:
                    number, fault = next(left, (0, None))
                if fault is None:
                    return
                try:
                    problem = _attacked(place, f"w{number}", fault, zygote)
                except Exception as error:  # what is left cannot be read
                    problem = repr(error)
                outcome.n_cases += 1
                if problem:
                    what = f"case {number}: {fault.job.name}, {fault.how} at operation {fault.at}"
                    outcome.failures.append(f"{what}: {problem}")
                    say(outcome.failures[-1])
                if outcome.n_cases % 100 == 0:
                    say(f"writes: {outcome.n_cases:,} of {len(faults):,} cases, {len(outcome.failures)} failures")

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(work, zygote) for zygote in zygotes]:
                done.result()
    return outcome


def in_turns(faults: list[Fault], order: random.Random) -> list[Fault]:
    """Drawn, but each kind has its first case before any its second; a full disk, ENOSPC once more, comes last."""
    turn: Counter[tuple[str, str, str]] = Counter()
    turns: list[tuple[tuple[int, bool], Fault]] = []
    for fault in order.sample(faults, len(faults)):
        kind = (fault.job.name, fault.how, fault.operation)
        turns.append(((turn[kind], fault.how == FULL), fault))
        turn[kind] += 1
    return [fault for _, fault in sorted(turns, key=itemgetter(0))]


def compiled(folder: Path) -> Path:
    """The shim as a library."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform != "linux":
        raise NoCompilerError("this needs Linux and a C compiler (cc), to compile faults/shim.c")
    library = folder / "shim.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-w", "-o", library, SHIM, "-ldl"], check=True)
    return library


class Zygote:
    """A process that forks one for each command, under the shim."""

    def __init__(self, place: World, library: Path, name: str) -> None:
        self._library, self._state, self._log = library, place.folder / f"state-{name}", place.folder / f"log-{name}"
        environment = {**place.template.environment(), "LD_PRELOAD": str(library)}
        root = Path(__file__).parents[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.zygote"],
            cwd=root,
            env={**environment, "PYTHONPATH": f"{root}:{root / 'src'}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, case: Case, arguments: tuple[str, ...], fault: Fault | None = None) -> Ended:
        """Runs a command, with a fault or without."""
        at, how = ("0", KILL) if fault is None else (str(fault.at), HOWS[fault.how])
        self._state.write_bytes(bytes(STATE))
        shim = {"FAULTS_FOLDER": str(case.folder), "FAULTS_STATE": str(self._state), "FAULTS_AT": at, "FAULTS_HOW": how}
        shim["FAULTS_LOG"] = str(self._log) if fault is None else ""
        out, err = (case.folder.with_suffix(f".{name}") for name in ("out", "err"))
        order = {
            "folder": str(case.work),
            "environment": {**case.environment(), **shim, "LD_PRELOAD": str(self._library)},
            "arguments": arguments,
            "out": str(out),
            "err": str(err),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Ended(code, *(path.read_text(encoding="utf-8", errors="replace") for path in (out, err)))

    def forget(self) -> None:
        """Begins the list of operations anew."""
        self._log.unlink(missing_ok=True)

    def operations(self) -> list[str]:
        """Of all commands without a fault, what they did to which path, without the numbers in it."""
        return [NUMBERS.sub("#", line) for line in self._log.read_text(errors="replace").splitlines()]

    def disturbed(self) -> str:
        """The operation of the last command that was disturbed, and its path."""
        return self._state.read_bytes()[8:].partition(b"\0")[0].decode(errors="replace")


@contextmanager
def _zygotes(place: World, library: Path) -> Iterator[list[Zygote]]:
    zygotes = [Zygote(place, library, str(number)) for number in range(AT_ONCE)]
    try:
        yield zygotes
    finally:
        for zygote in zygotes:
            zygote.__exit__()


def _faults_of(job: Job, place: World, zygote: Zygote, say: Callable[[str], None]) -> list[Fault]:
    """All that can happen to a job."""
    with place.case(f"count-{job.name}") as case:
        zygote.forget()
        done = zygote.run(case, job.arguments)
        assert done.code == ENDED, f"{job.name}: {done.err}"
        place.keep(job, Reference(case.content(), case.printed(done), 0.0))
        operations = zygote.operations()
        say(f"writes: {len(operations):,} operations of {job.name}")
        return [Fault(job, at, how, operation) for at, operation in enumerate(operations, 1) for how in HOWS]


def _attacked(place: World, name: str, fault: Fault, zygote: Zygote) -> str:
    """What went wrong."""
    job, reference = fault.job, place.reference(fault.job)
    with place.case(name) as case:
        done = zygote.run(case, job.arguments, fault)
        at = zygote.disturbed()
        if problem := _wrong_end(done, fault) or _partial(case, reference):
            return f"{at}: {problem}"
        arguments = job.after_a_kill(case.work)
        again = zygote.run(case, arguments)
        if again.code != ENDED and not (job.makes_once and USED.search(again.err)):
            return f"{at}: then recsys {' '.join(arguments)}: code {again.code}: {again.err[-600:]}"
        content = case.content()
        if again.code != ENDED or done.code == ENDED:  # nothing was left to do
            content = without_leftovers(content)
        problem = differences(reference.content, content)
        if not problem and again.code == ENDED and job.tells_all:
            problem = differences(reference.printed, case.printed(again))
        return problem and f"{at}: {problem} ({done.code}: {done.err[-200:]})"


def _wrong_end(done: Ended, fault: Fault) -> str:
    if fault.how == KILL and done.code == KILLED:
        return ""
    crash = CRASHES.search(done.err)
    if crash or done.code not in ALLOWED:
        return f"code {done.code}: {done.err[-600:]}"
    return ""


def _partial(case: Case, reference: Reference) -> str:
    """A file under its final name that is not what it is to be."""
    for path in case.work.rglob("*"):
        if path.is_dir() or path.name in GROWING or any(part.startswith(".") for part in path.parts):
            continue
        try:
            entries = case.entries(path)
        except Exception as error:
            return f"{path.relative_to(case.work)} is not whole: {error!r}"
        wrong = {key for key, value in entries.items() if reference.content.get(key, value) != value}
        if wrong:
            return f"{path.relative_to(case.work)} is not whole: {sorted(wrong)[:3]}"
    return ""
