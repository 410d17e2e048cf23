"""Several runs side by side, each in a process of its own: folds, splits."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path
from typing import Any

from recsys.artifacts.metrics import RunMetrics
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.errors import DivergedError, RecsysError, RunError
from recsys.core.events import Event, FitStart, Observer, RunsProgress, Step, silent
from recsys.core.threads import usable_cores
from recsys.data.interactions import Dataset
from recsys.data.sources.several import files_of
from recsys.objectives.specs import find_objective

SECONDS = 0.1  # between two words of a run on how far it is
PRELOADED = ["numba", "torch", "recsys.training.build", "recsys.workflows.train"]  # imported once for all processes
LONGEST_PATH = 64  # the fork server has a socket below the temporary folder, and the names of sockets are short
LARGE = 100_000_000  # bytes of ratings from which on a single fit has work for all cores


def train_parallel(
    configs: Mapping[str, Config],
    folder: Path | None,
    jobs: int | None,
    observe: Observer = silent,
    *,
    data: Dataset | None = None,
) -> dict[str, RunMetrics]:
    """Trains a run for each config, without a refit; the results don't depend on how many at a time.

    Args:
        configs: name → what to do; the names are those of the folders.
        folder: where to keep the runs; None: nowhere.
        jobs: how many at a time, each in a process of its own; 1: in this process. None: as many as there are cores,
            but 1 where the ratings are so many that each fit uses all cores.
        observe: gets RunsProgress events; what it raises ends all runs.
        data: what all train on; None: what each config names is read.
    Returns:
        name → metrics, in the order of `configs`.
    Raises:
        RecsysError: the first that a run raises; the others are ended.
    """
    n_jobs = min(len(configs), jobs or _jobs(next(iter(configs.values())), data))
    results: dict[str, RunMetrics] = {}
    with _place(folder) as place:
        measured_alone = {name: config.model_copy(update={"refit": False}) for name, config in configs.items()}
        tasks = {name: (config, place / name, data) for name, config in measured_alone.items()}
        for name, metrics in (_one_by_one if n_jobs == 1 else _in_processes)(tasks, n_jobs, observe):
            results[name] = metrics
            observe(RunsProgress(len(results), len(tasks), _line(name, configs[name], metrics)))
    return {name: results[name] for name in configs}


def _jobs(config: Config, data: Dataset | None) -> int:
    if data is not None:
        size = data.ratings.n_bytes
    else:
        largest = next(iter(config.data.files.values()), ())
        size = sum(file.stat().st_size for file in files_of(largest) if file.is_file())
    return usable_cores() if size < LARGE else 1


@contextlib.contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="recsys-", ignore_cleanup_errors=True) as aside:
        yield Path(aside)


def _line(name: str, config: Config, metrics: RunMetrics) -> str:
    plan = plans(config)[0]
    test, objective = metrics["test"], find_objective(plan.objective)
    baseline = metrics["baselines"][objective.baseline_to_beat]
    if not test or not baseline:
        return f"{name}: no test"
    return (
        f"{name}: test {objective.deciding_metric} {objective.value(test):.4f},"
        f" {objective.baseline_to_beat} {objective.value(baseline):.4f}"
    )


Tasks = Mapping[str, tuple[Config, Path, Dataset | None]]


def _one_by_one(tasks: Tasks, _: int, observe: Observer) -> Iterator[tuple[str, RunMetrics]]:
    for n_done, (name, task) in enumerate(tasks.items()):

        def tell(share: float, n_done: int = n_done) -> None:
            observe(RunsProgress(n_done + share, len(tasks)))

        yield name, _train(*task, tell)


def _train(config: Config, folder: Path, data: Dataset | None, tell: Callable[[float], None]) -> RunMetrics:
    """Trains a run, and tells now and then which share of it is done."""
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
        return train(config, folder, data=data, observe=observe)
    except DivergedError as error:
        error.where = folder.name
        raise


@dataclass
class _Running:
    """A process at work."""

    name: str
    process: Any
    share: float = 0.0


def _in_processes(tasks: Tasks, n_jobs: int, observe: Observer) -> Iterator[tuple[str, RunMetrics]]:
    # A fork server imports once what all runs need; what it forks has no threads yet. Elsewhere each imports anew.
    context: SpawnContext | ForkServerContext = multiprocessing.get_context("spawn")
    if sys.platform == "linux" and len(tempfile.gettempdir()) < LONGEST_PATH:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
    waiting, running, n_done = list(tasks.items()), dict[Any, _Running](), 0
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                name, task = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(*task, theirs), daemon=True)
                process.start()
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


def _received(connection: Any, worker: _Running, observe: Observer) -> float | RunMetrics:
    """What a process says next: its share, or its metrics."""
    try:
        message = connection.recv()
    except EOFError:
        worker.process.join()
        observe(RunsProgress(0, 1))  # Ctrl-C ends it as well, and that is then what is said
        raise RunError(
            f"the process of {worker.name} ended early, with code {worker.process.exitcode}",
            expected="a process that trains to its end",
            hint="if memory ran out (code -9), train one at a time: --jobs 1",
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
    try:
        answer: Any = _train(config, folder, data, connection.send)
    except RecsysError as error:
        answer = error
    except Exception:
        answer = traceback.format_exc()
    connection.send(answer)
