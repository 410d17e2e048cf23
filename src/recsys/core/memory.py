"""How much memory this process may have, what cannot fit into it, and errors of memory that ran out."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from recsys.core.errors import OutOfMemoryError
from recsys.core.words import shortened

GB = 1e9
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
MEMORY_INFO = Path("/proc/meminfo")
PROCESS_STATUS = Path("/proc/self/status")
LONGEST_SHOWN = 200  # signs of what a library says
UNLIMITED = 1 << 60  # bytes, from which on a limit of a cgroup is none
SIGNS = ("can't allocate memory", "bad_alloc", "not enough memory", "out of memory", "cannot allocate memory")
HINT = "a smaller embedding_dim or batch_size, or fewer ratings; train --dry-run estimates what a run takes"


def memory_limit() -> int | None:
    """Bytes that this process may have at most, swap included: of the machine, its cgroups and its own limit.

    None where that cannot be found out.
    """
    machine = _of_machine()
    if machine is None:
        return None
    return min([machine, *_of_cgroups(), *_of_process()])


def peak_memory() -> int:
    """Bytes of memory that this process has held at most so far; 0 where that cannot be found out."""
    return _facts(PROCESS_STATUS).get("VmHWM", 0)


def need_memory(n_bytes: int, what: str, hint: str) -> None:
    """Refuses work for which this machine has too little memory.

    Args:
        n_bytes: that it needs at the very least.
        what: needs them, for the message.
    Raises:
        OutOfMemoryError: they are more than there can be.
    """
    limit = memory_limit()
    if limit is not None and n_bytes > limit:
        expected = f"what fits into the {limit / GB:,.1f} GB that this process can have"
        raise OutOfMemoryError(f"{what} would take {n_bytes / GB:,.1f} GB or more", expected=expected, hint=hint)


def give_back_memory() -> None:
    """Gives memory that was freed back to the system, where it is kept for what may come: of Arrow and of glibc."""
    if (arrow := sys.modules.get("pyarrow")) is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # another libc
            ctypes.CDLL(None).malloc_trim(0)


def memory_error(error: Exception) -> OutOfMemoryError | None:
    """What NumPy, Arrow, torch, Python or the system raised where memory ran out, as an error of ours; else None."""
    if not _is_of_memory(error):
        return None
    limit = memory_limit()
    room = "" if limit is None else f"; this process can have {limit / GB:,.1f} GB"
    what = shortened(str(error).partition("\n")[0], LONGEST_SHOWN)
    return OutOfMemoryError(
        f"memory ran out{f': {what}' if what else ''}", expected=f"room for the data and the model{room}", hint=HINT
    )


def _is_of_memory(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    text = str(error).lower()
    is_of_library = isinstance(error, RuntimeError) and any(sign in text for sign in SIGNS)
    return isinstance(error, MemoryError) or is_of_library


def _of_machine() -> int | None:
    facts = _facts(MEMORY_INFO)
    if memory := facts.get("MemTotal", 0):
        return memory + facts.get("SwapTotal", 0)
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _facts(file: Path) -> dict[str, int]:
    """What the system says of its memory, or of that of a process, by name in bytes; nothing where it does not."""
    facts = {}
    with contextlib.suppress(OSError), file.open() as lines:
        for words in map(str.split, lines):
            if words[2:] == ["kB"]:
                facts[words[0].rstrip(":")] = 1024 * int(words[1])
    return facts


def _of_cgroups() -> Iterator[int]:
    """The limits of the groups that this process is in, and of those around them."""
    try:
        groups = [line.split(":", 2) for line in OWN_CGROUPS.read_text().splitlines()]
    except OSError:
        return
    for _, controllers, path in (group for group in groups if len(group) == 3):
        if not controllers:  # version 2
            yield from _limits(CGROUPS, path, "memory.max", "memory.swap.max")
        elif "memory" in controllers.split(","):
            yield from _limits(CGROUPS / "memory", path, "memory.limit_in_bytes", None)


def _limits(root: Path, path: str, name: str, swap: str | None) -> Iterator[int]:
    """The limits of a group and of those around it, each with its swap; a container's root is its own."""
    group = root / path.strip("/")
    for folder in (group, *group.parents):
        limit = _number(folder / name)
        if limit is not None and limit < UNLIMITED:
            own_swap = _number(folder / swap) if swap else None
            yield limit + (_facts(MEMORY_INFO).get("SwapTotal", 0) if own_swap is None else own_swap)
        if folder == root:
            return


def _number(path: Path) -> int | None:
    """What stands in a file of a cgroup; None for "max", and where there is no such file."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _of_process() -> Iterator[int]:
    """`ulimit -v`, where there is such a thing."""
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield soft
