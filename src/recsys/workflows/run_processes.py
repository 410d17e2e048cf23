"""Runs that are trained in processes of their own, which end with the one that started them, however that ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path
from typing import Any

from recsys.artifacts.directory import CONFIG
from recsys.artifacts.lock import clear
from recsys.artifacts.metrics import RunMetrics
from recsys.config.schema.config import Config
from recsys.core.errors import DivergedError, RecsysError, RunError
from recsys.core.events import Event, FitStart, Observer, RunsProgress, Step
from recsys.core.temporary import scratch_folder
from recsys.data.interactions import Dataset

Tasks = Mapping[str, tuple[Config, Path, Dataset | None]]
"""Name of a run → what it is trained by, where it goes, and what it is trained on (None: what the config names)."""

SECONDS = 0.1  # between two words of a run on how far it is
PRELOADED = ["numba", "torch", "recsys.training.build", "recsys.workflows.train"]  # imported once for all processes
AFTER_SOCKET = -101  # multiprocessing removes the folder of its sockets with -100
LONGEST_PATH = 40  # the fork server has a socket below the temporary folder, and the names of sockets are short


def in_processes(tasks: Tasks, n_jobs: int, observe: Observer) -> Iterator[tuple[str, RunMetrics]]:
    """Trains each run in a process of its own, `n_jobs` at a time; yields name and metrics of each when it is done.

    Raises:
        RecsysError: the first that a run raises; the others are ended, as by whatever `observe` raises.
        RunError: also where a process has ended without a result, as one that was killed.
    """
    context = _context()
    waiting, running, n_done = list(tasks.items()), dict[Any, _Running](), 0
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                name, task = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(*task, theirs), daemon=True)
                _start(process, name, observe)
                theirs.close()
                running[ours] = _Running(name, process)
            for connection in wait(list(running), timeout=SECONDS):
                worker = running[connection]
                answer = _received(connection, worker, observe)
                if isinstance(answer, float):
                    worker.share = answer
                    continue
                worker.process.join()
                del running[connection]
                n_done += 1
                yield worker.name, answer
            observe(RunsProgress(n_done + sum(worker.share for worker in running.values()), len(tasks)))
    finally:
        for worker in running.values():
            worker.process.terminate()
        for worker in running.values():
            worker.process.join()
            clear(tasks[worker.name][1])


def train_task(config: Config, folder: Path, data: Dataset | None, tell: Callable[[float], None]) -> RunMetrics:
    """Trains or resumes a run, and tells now and then which share of it is done."""
    from recsys.workflows.train import train  # and with it torch, which only the processes need that train

    reported_at, share, stage = 0.0, 0.0, FitStart("", 1, 1)

    def observe(event: Event) -> None:
        nonlocal reported_at, share, stage
        if isinstance(event, FitStart):
            stage = event
        if isinstance(event, Step):
            of_fit = ((event.epoch - 1) * event.total + event.done) / (event.n_epochs * event.total)
            share = (stage.position - 1 + of_fit) / stage.n_fits
        if time.monotonic() - reported_at > SECONDS:
            reported_at = time.monotonic()
            tell(share)

    try:
        return train(config, folder, data=data, resume=(folder / CONFIG).exists(), observe=observe)
    except DivergedError as error:
        error.where = folder.name
        raise


@dataclass
class _Running:
    """A process at work."""

    name: str
    process: Any
    share: float = 0.0


def _context() -> SpawnContext | ForkServerContext:
    """A fork server imports once what all runs need; what it forks has no threads yet. Elsewhere each imports anew."""
    if sys.platform != "linux" or len(tempfile.gettempdir()) >= LONGEST_PATH:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    _keep_socket_in_scratch()
    return context


@cache
def _keep_socket_in_scratch() -> None:
    """Has the socket of the fork server lie in a scratch folder, which goes in any case, also after a kill."""
    stack = contextlib.ExitStack()
    multiprocessing.util.Finalize(None, stack.close, exitpriority=AFTER_SOCKET)
    before = tempfile.gettempdir()
    tempfile.tempdir = str(stack.enter_context(scratch_folder()))
    try:
        multiprocessing.util.get_temp_dir()  # it is chosen once
    finally:
        tempfile.tempdir = before


def _start(process: Any, name: str, observe: Observer) -> None:
    """Starts the process of a run."""
    try:
        with _without_interrupts():
            process.start()
    except (EOFError, ConnectionError):  # the fork server has ended
        observe(RunsProgress(0, 1))  # what stops this process ends that too, and is then what is said
        raise RunError(
            f"the process of {name} cannot be started: the server that starts processes ended early",
            expected="a server that runs to the end",
            hint="train one at a time: --jobs 1",
        ) from None


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """What is started within this hears Ctrl-C when it begins its work: amid imports it would print a traceback."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # which would end the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _received(connection: Any, worker: _Running, observe: Observer) -> float | RunMetrics:
    """What a process says next: its share, or its metrics."""
    try:
        message = connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        observe(RunsProgress(0, 1))  # Ctrl-C ends it as well, and that is then what is said
        raise RunError(
            f"the process of {worker.name} ended early, with code {worker.process.exitcode}",
            expected="a process that trains to its end",
            hint="if memory ran out (code -9), train one at a time: --jobs 1; with --run-dir the same command resumes",
        ) from None
    if isinstance(message, RecsysError):
        raise message
    if isinstance(message, str):
        raise RuntimeError(f"in the process of {worker.name}:\n{message}")
    answer: float | RunMetrics = message
    return answer


def _work(config: Config, folder: Path, data: Dataset | None, connection: Connection) -> None:
    """What a process does: it trains, and says how far it is, and at last the metrics or what went wrong."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def send(message: Any) -> None:
        try:
            connection.send(message)
        except OSError:  # nobody listens any more
            os._exit(1)

    try:
        answer: Any = train_task(config, folder, data, send)
    except RecsysError as error:
        answer = error
    except Exception:
        answer = traceback.format_exc()
    send(answer)


def _end_with_parent() -> None:
    """Ends this process when the one that started it ends: it may have been killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
