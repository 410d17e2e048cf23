"""Processes by names that mean the same on every machine, and whether one of them has ended."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

PROC = Path("/proc")


def this_process() -> str:
    """A name of this process that no other one has, on this machine or another: of machine, number and start."""
    return f"{machine()} {os.getpid()} {_started(os.getpid())}"


def has_ended(process: str) -> bool:
    """Whether a process has surely ended: False also where that cannot be known, as on another machine."""
    where, _, rest = process.rpartition(" ")[0].rpartition(" ")
    started = process.rpartition(" ")[2]
    if not where or where != machine() or not rest.isdigit():
        return False
    return _started(int(rest)) != started


@cache
def machine() -> str:
    """The machine since it was started, and which processes of it are seen from here; "" where nothing says so."""
    try:
        booted = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{booted}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(number: int) -> str:
    """When a process started, in ticks since the machine did; "" if there is none, or it is only waited for."""
    try:
        state, *fields = (PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in "ZX" else fields[18]
