"""The ranks of a job find each other."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import torch.distributed

from recsys.core.communicator import Communicator
from recsys.core.errors import LostRankError, UsageError
from recsys.core.launch import Launch
from recsys.core.same import check_same
from recsys.training.ranks.errors_on_store import from_text
from recsys.training.ranks.gloo import FINAL, Gloo
from recsys.training.ranks.platform import platform_facts

c10d: Any = torch.distributed  # its stores are not in its stubs
SECONDS = 600.0  # that one rank waits for another at most: one may write a model while the others wait
POLL_SECONDS = 0.02


@contextmanager
def joined(started: Launch, on_error: Callable[[], object]) -> Iterator[Communicator]:
    """The communicator of the ranks that were started together, whose errors are shared while it lasts.

    Args:
        started: how this rank was.
        on_error: called on every rank that a shared error ends, before any of them may leave.

    Raises:
        UsageError: the ranks have not the same code, libraries and kind of CPU.
        RecsysError: the last attempt of the ranks has failed by an error that is there again.
    """
    communicator, lasting = meet(started, on_error)
    with communicator.shared_errors():
        if lasting.check([FINAL]):  # of an attempt before this one
            raise from_text(lasting.get(FINAL).decode())
        communicator.connect()
        check_same(
            platform_facts(),
            communicator,
            hint="results depend on them to the last bit; NUMBA_CPU_NAME and NUMBA_CPU_FEATURES set a common CPU",
        )
        yield communicator
        communicator.barrier()  # whoever leaves first would look like a rank that is lost


def meet(started: Launch, on_error: Callable[[], object]) -> tuple[Gloo, Any]:
    """All ranks of this attempt, not yet connected, and the store that the attempts have in common."""
    seconds = _seconds()
    try:
        server = c10d.TCPStore(
            started.host,
            started.port,
            is_master=started.rank == 0 and not started.has_store,
            timeout=timedelta(seconds=seconds),
            wait_for_workers=False,
            multi_tenant=True,
        )
    except RuntimeError as error:
        raise LostRankError(
            f"rank {started.rank} cannot reach the place where the ranks meet: {error}",
            where=f"{started.host}:{started.port}",
            expected="rank 0 there, or torchrun's rendezvous",
        ) from error
    lasting = c10d.PrefixStore("recsys", server)
    attempt = agree_on_attempt(lasting, started.rank, started.size, seconds)
    store = c10d.PrefixStore(attempt, lasting)
    return Gloo(store, lasting, started.rank, started.size, seconds, on_error), lasting


def agree_on_attempt(store: Any, rank: int, size: int, seconds: float) -> str:
    """A name that the ranks of this attempt have in common, and no earlier attempt whose keys are still in the store.

    Every rank writes a name of its own. Rank 0 puts down all names that it reads as one attempt, and does so anew until
    each rank has confirmed that its own name is among them.
    """
    own, deadline = uuid4().hex, time.monotonic() + seconds
    store.set(f"name {rank}", own)
    attempt = ""
    while time.monotonic() < deadline:
        if rank == 0 and all(store.check([f"name {other}"]) for other in range(size)):
            names = [store.get(f"name {other}").decode() for other in range(size)]
            if (proposed := " ".join(names)) != attempt:
                attempt = proposed
                store.set("attempt", attempt)
            if all(store.check([f"{names[0]} has {name}"]) for name in names[1:]):
                store.set(f"{attempt} begins", "")
                return str(names[0])
        elif rank and store.check(["attempt"]):
            names = store.get("attempt").decode().split(" ")
            if rank < len(names) and names[rank] == own:
                store.set(f"{names[0]} has {own}", "")
                if store.check([f"{' '.join(names)} begins"]):
                    return str(names[0])
        time.sleep(POLL_SECONDS)
    raise LostRankError(
        f"rank {rank} of {size} waited {seconds:.0f} s for the others to start",
        expected=f"{size} ranks that run the same command",
    )


def _seconds() -> float:
    text = os.environ.get("RECSYS_RANK_TIMEOUT", str(SECONDS))
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"the environment variable RECSYS_RANK_TIMEOUT is {text!r}", expected="seconds, such as 600"
        ) from None
