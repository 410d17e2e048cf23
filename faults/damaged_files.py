"""Every file of a run damaged: bytes flipped, cut, emptied, swapped, or a link, a pipe, a device or a folder instead.

A step gives what it gives undisturbed, or an error that names the run.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from faults.isolated import Ended, run_steps
from faults.outcome import Outcome
from faults.trained import RUNS, copied, folded, in_new_folder, prepare, resume, serve

SECONDS = 60.0  # for a step
ASKED_OF_RUN = "predict", "recommend", "evaluate", "inspect"
AS_CUT_SHORT = "metrics.json gone", "checkpoints/last gone"  # so a kill leaves a run, and so it is shown


def attack_in(folder: Path, seed: int, seconds: float, say: Callable[[str], None], n_cases: int = 10**9) -> Outcome:
    """Cases for as long as there is time, at most so many, on runs in a folder; they are made where there are none."""
    prepare(folder)
    outcome, end = Outcome(), time.monotonic() + seconds
    undisturbed = {name: _asked(copied(folder / name, folder / "attacked")) for name in _names()}
    while time.monotonic() < end and outcome.n_cases < n_cases:
        draw = random.Random(f"{seed} {outcome.n_cases}")
        name = draw.choice(_names())
        run = copied(folder / name, folder / "attacked")
        what = damage(run, draw)
        for step, ended in _asked(run).items():
            why = _wrong(step, ended, undisturbed[name][step], run, what)
            if why is not None:
                outcome.failures.append(f"case {outcome.n_cases}, {name}: {what}, {step}: {why}")
                say(outcome.failures[-1])
        outcome.n_cases += 1
        if outcome.n_cases % 100 == 0:
            say(f"{outcome.n_cases:,} cases, {len(outcome.failures):,} failures")
    return outcome


def damage(run: Path, draw: random.Random) -> str:
    """Damages a file of a run; returns what was done."""
    files = sorted(path for path in run.rglob("*") if path.is_file())
    path, how = draw.choice(files), draw.choice([*["flip"] * 6, *HARMS])
    shown = path.relative_to(run)
    if how == "flip":
        content = bytearray(path.read_bytes())
        at = draw.randrange(max(1, len(content)))
        if content:
            content[at] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        return f"byte {at} of {shown} flipped"
    HARMS[how](path, draw.choice(files))
    return f"{shown} {how}"


def _cut(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _instead(make: Callable[[Path], object]) -> Callable[[Path, Path], None]:
    def replace(path: Path, _: Path) -> None:
        path.unlink()
        make(path)

    return replace


def _swap(path: Path, other: Path) -> None:
    path.rename(path.with_name("aside"))
    if other != path:
        other.rename(path)
        path.with_name("aside").rename(other)
    else:
        path.with_name("aside").rename(path)


def _link(path: Path, _: Path) -> None:
    path.rename(path.with_name("aside"))
    path.symlink_to("aside")


HARMS: Mapping[str, Callable[[Path, Path], object]] = {
    "cut": _cut,
    "emptied": lambda path, _: path.write_bytes(b""),
    "longer": lambda path, _: path.write_bytes(path.read_bytes() + b"\n"),
    "gone": lambda path, _: path.unlink(),
    "swapped with another": _swap,
    "replaced by another": lambda path, other: path == other or shutil.copyfile(other, path),
    "a link to itself elsewhere": _link,
    "a link to nothing": _instead(lambda path: path.symlink_to("nowhere")),
    "a link to itself": _instead(lambda path: path.symlink_to(path.name)),
    "a link to a device": _instead(lambda path: path.symlink_to("/dev/zero")),
    "a pipe": _instead(os.mkfifo),
    "a folder": _instead(os.mkdir),
    "not readable": lambda path, _: path.chmod(0),
}


def _names() -> list[str]:
    return [*RUNS, *folded(), *(f"{name}-cut" for name in RUNS)]


def _asked(run: Path) -> dict[str, Ended]:
    is_finished = (run / "serving").exists()
    steps = {name: ask for name, ask in serve(run).items() if name in ASKED_OF_RUN} if is_finished else resume(run)
    return run_steps({"list": lambda: _listed(run), **steps}, SECONDS)


def _listed(run: Path) -> Any:
    from recsys.artifacts.overview import overview

    status = overview(run)
    return (status["status"], status["epochs"])


def _wrong(step: str, ended: Ended, undisturbed: Ended, run: Path, what: str) -> str | None:
    """Why an end is not allowed; None if it is. A path in a config may be changed, and then names another file."""
    if ended == undisturbed or (ended.how == "error" and (run.name in ended.value or "config.yaml" in what)):
        return None
    if ended.how == "answer" and isinstance(ended.value, tuple) and ended.value[0] in ("unreadable", "damaged"):
        return None
    if ended.how == "answer" and step in ("list", "inspect") and what in AS_CUT_SHORT:
        return None
    return f"{ended.how}: {str(ended.value)[-2000:]}, not {str(undisturbed.value)[:200]}"


attack = in_new_folder(attack_in)
