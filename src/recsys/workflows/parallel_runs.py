"""Several runs side by side: folds, splits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from recsys.artifacts.lock import lock_path, locked
from recsys.artifacts.metrics import RunMetrics
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.errors import StoppedError
from recsys.core.events import Event, Note, Observer, RunsProgress, silent
from recsys.core.temporary import remove_leftover, scratch_folder
from recsys.core.threads import usable_cores
from recsys.core.words import counted
from recsys.data.interactions import Dataset
from recsys.data.sources.several import files_of
from recsys.objectives.specs import find_objective
from recsys.workflows.resumed_runs import finished_runs
from recsys.workflows.run_processes import Tasks, in_processes, train_task

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
        folder: where to keep the runs; None: nowhere. Of the runs that an interrupted call has left there, finished
            ones are read and the others resumed.
        jobs: how many at a time, each in a process of its own; 1: in this process. None: as many as there are cores,
            but 1 where the ratings are so many that each fit uses all cores.
        observe: gets RunsProgress events; what it raises ends all runs.
        data: what all train on; None: what each config names is read.
    Returns:
        name → metrics, in the order of `configs`.
    Raises:
        RecsysError: the first that a run raises; the others are ended.
        RunError: also where the folder holds runs of another config, of other data, or with other names.
    """
    measured_alone = {name: config.model_copy(update={"refit": False}) for name, config in configs.items()}
    with _place(folder) as place:
        results = {} if folder is None else finished_runs(measured_alone, folder, data)
        for name in results:
            remove_leftover(lock_path(place / name))  # of a process that was killed when its run was whole
        tasks = {name: (config, place / name, data) for name, config in measured_alone.items() if name not in results}
        n_finished, n_jobs = len(results), min(len(tasks), jobs or _jobs(next(iter(configs.values())), data))
        if n_finished:
            observe(Note(f"{n_finished} of {counted(len(configs), 'run')} in {folder} were finished before"))

        def report(event: Event) -> None:
            if isinstance(event, RunsProgress):
                event = replace(event, done=n_finished + event.done, total=len(configs))
            observe(event)

        for name, metrics in in_processes(tasks, n_jobs, report) if n_jobs > 1 else _one_by_one(tasks, report):
            results[name] = metrics
            observe(RunsProgress(len(results), len(configs), _line(name, configs[name], metrics)))
    return {name: results[name] for name in configs}


@contextlib.contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    """Where the runs go, which is claimed for them; an error says how to go on."""
    if folder is None:
        with scratch_folder() as scratch:
            yield scratch
        return
    with locked(folder):
        try:
            yield folder
        except StoppedError as stopped:
            stopped.hint = f"the same command resumes the runs in {folder}"
            raise


def _jobs(config: Config, data: Dataset | None) -> int:
    if data is not None:
        size = data.ratings.n_bytes
    else:
        largest = next(iter(config.data.files.values()), ())
        size = sum(file.stat().st_size for file in files_of(largest) if file.is_file())
    return usable_cores() if size < LARGE else 1


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


def _one_by_one(tasks: Tasks, observe: Observer) -> Iterator[tuple[str, RunMetrics]]:
    for n_done, (name, task) in enumerate(tasks.items()):

        def tell(share: float, n_done: int = n_done) -> None:
            observe(RunsProgress(n_done + share, len(tasks)))

        yield name, train_task(*task, tell)
