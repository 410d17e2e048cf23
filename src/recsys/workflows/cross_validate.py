"""The same model trained and measured several times: on folds, or under each way to split the ratings."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

from recsys.artifacts.metrics import ScorerMetrics, scorer_metrics
from recsys.config.plans import Plan, plans
from recsys.config.schema.config import Config
from recsys.config.schema.split import Split
from recsys.core.errors import ConfigError, DataError, UsageError
from recsys.core.events import Note, Observer, silent
from recsys.core.types import Json
from recsys.data.interactions import Dataset
from recsys.evaluation.folds import FoldsSummary, summary
from recsys.objectives.measure import NamedScores, best_baseline, present
from recsys.objectives.objective import Objective
from recsys.objectives.specs import find_objective
from recsys.workflows.parallel_runs import train_parallel

N_FOLDS = 5
FOLD = "{fold}"
SPLITS = {
    "random": "How well are missing ratings predicted, given ratings from before and after them?",
    "user_time": "How well are the next ratings of known users predicted, given later ratings of other users?",
    "leave_last": "How well is the single next rating of each known user predicted?",
    "time": "How well are all ratings after a date predicted, including those of new users and items?",
}


@dataclass(frozen=True)
class FoldFiles:
    """Folds that are files already: paths in which {fold} stands for what tells them apart, as in u{fold}.test.csv."""

    train: str
    test: str


@dataclass(frozen=True)
class FoldResult:
    """The scores of a fold beside those of the baselines; run_dir is None where the run was not kept."""

    fold: str
    scores: NamedScores
    baselines: Mapping[str, NamedScores]
    fit_seconds: float
    run_dir: Path | None

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        kept: dict[str, Json] = {} if self.run_dir is None else {"run_dir": str(self.run_dir)}
        return {
            "fold": self.fold,
            **self.scores,
            "baselines": {name: {**scores} for name, scores in self.baselines.items()},
            "fit_seconds": self.fit_seconds,
            **kept,
        }


@dataclass(frozen=True)
class CrossValidation:
    """The folds by one objective, and what they say together.

    Attributes:
        others: the same folds by the objectives of the other scorers, by the name of the scorer.
    """

    objective: Objective
    summary: FoldsSummary
    folds: tuple[FoldResult, ...]
    others: Mapping[str, CrossValidation] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {
            "objective": self.objective.name,
            "n_folds": len(self.folds),
            **self.summary.to_dict(),
            "folds": [fold.to_dict() for fold in self.folds],
            **{name: other.to_dict() for name, other in self.others.items()},
        }


@dataclass(frozen=True)
class SplitResult:
    """The scores under a split.method beside those of the baselines, and what this split asks."""

    method: str
    asks: str
    scores: NamedScores
    baselines: Mapping[str, NamedScores]

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        baselines: dict[str, Json] = {name: {**scores} for name, scores in self.baselines.items()}
        return {"method": self.method, "asks": self.asks, **self.scores, "baselines": baselines}


@dataclass(frozen=True)
class SplitComparison:
    """The same model under each split.method."""

    objective: Objective
    splits: tuple[SplitResult, ...]

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {"objective": self.objective.name, "splits": [split.to_dict() for split in self.splits]}


def cross_validate(
    config: Config,
    folds: int | FoldFiles = N_FOLDS,
    run_dir: Path | None = None,
    *,
    data: Dataset | None = None,
    jobs: int | None = None,
    observe: Observer = silent,
) -> CrossValidation:
    """Trains on all folds but one and measures on that one, for each; every rating is in exactly one test fold.

    Folds are drawn from the rows by the config's seed. What is not test is used as the config says: a valid part is
    cut from it by split.valid_fraction.

    Args:
        folds: how many, at least 2; or files that were cut before.
        run_dir: where to keep the folds' runs, as fold-1, fold-2, …; None: nowhere. An interrupted call is resumed by
            the same one: finished folds are read.
        data: the ratings that are cut; None: what the config names is read.
        jobs: how many at a time, see `train_parallel`; the result does not depend on it.
        observe: gets RunsProgress events; what it raises ends all.
    Raises:
        ConfigError, DataError, RunError, DivergedError
    """
    _refuse_start(config)
    if isinstance(folds, FoldFiles):
        configs, data = _given_folds(config, folds), None
    else:
        _refuse_parts(config, data)
        if (method := config.split.method) not in ("random", "fold"):
            observe(Note(f"folds are drawn from all rows, not by split.method: {method}"))
        configs = _drawn_folds(config, folds)
    runs = train_parallel(configs, run_dir, jobs, observe, data=data)
    first, *others = (
        _validation(plan, {name: list(scorer_metrics(metrics).values())[at] for name, metrics in runs.items()}, run_dir)
        for at, plan in enumerate(plans(config))
    )
    if first is None:
        raise _nothing_measured("a fold", plans(config)[0], "take fewer folds")
    names = (plan.name for plan in plans(config)[1:])
    return replace(first, others={name: other for name, other in zip(names, others, strict=True) if other is not None})


def _validation(plan: Plan, folds: Mapping[str, ScorerMetrics], run_dir: Path | None) -> CrossValidation | None:
    """What the folds say of one scorer; None where it was not measured on all of them."""
    objective = find_objective(plan.objective)
    if any(metrics["test"] is None for metrics in folds.values()):
        return None
    results = tuple(
        FoldResult(
            fold=name.removeprefix("fold-"),
            scores=present(metrics["test"]),
            baselines=_baselines(metrics),
            fit_seconds=metrics["fit_seconds"],
            run_dir=None if run_dir is None else run_dir / name,
        )
        for name, metrics in folds.items()
    )
    optional = [name for name in objective.optional_metrics if all(name in result.scores for result in results)]
    of_baselines = {name: [result.baselines[name] for result in results] for name in results[0].baselines}
    metric = objective.deciding_metric
    means = {name: {metric: fmean(map(objective.value, scores))} for name, scores in of_baselines.items()}
    together = summary(
        [result.scores for result in results],
        of_baselines,
        [*objective.metrics, *optional],
        best_baseline(objective, means) or objective.baseline_to_beat,
    )
    return CrossValidation(objective, together, results)


def compare_splits(
    config: Config,
    run_dir: Path | None = None,
    *,
    data: Dataset | None = None,
    jobs: int | None = None,
    observe: Observer = silent,
) -> SplitComparison:
    """The same model under each split.method, with what each of them asks.

    Args, Raises: as of `cross_validate`. DataError also where the ratings have no times.
    """
    _refuse_start(config)
    _refuse_parts(config, data)
    how = config.split.model_dump(include={"valid_fraction"})
    test = {"test_fraction": config.split.test_fraction or Split().test_fraction}
    configs = {
        method: config.model_copy(update={"split": Split.model_validate({"method": method, **how, **test})})
        for method in SPLITS
    }
    runs = train_parallel(configs, run_dir, jobs, observe, data=data)
    plan = plans(config)[0]
    unmeasured = next((method for method, metrics in runs.items() if metrics["test"] is None), None)
    if unmeasured is not None:
        raise _nothing_measured(f"the split {unmeasured}", plan, "raise split.test_fraction")
    splits = tuple(
        SplitResult(method, SPLITS[method], present(metrics["test"]), _baselines(metrics))
        for method, metrics in runs.items()
    )
    return SplitComparison(find_objective(plan.objective), splits)


def _nothing_measured(what: str, plan: Plan, hint: str) -> DataError:
    metric = find_objective(plan.objective).deciding_metric
    return DataError(
        f"nothing that {what} has held out can be measured by {metric}",
        expected="ratings, or interactions of known users, in each test part",
        hint=hint,
    )


def _baselines(metrics: ScorerMetrics) -> dict[str, NamedScores]:
    return {name: present(scores) for name, scores in metrics["baselines"].items()}


def _drawn_folds(config: Config, n_folds: int) -> dict[str, Config]:
    fractions = {"valid_fraction": config.split.valid_fraction}
    return {
        f"fold-{fold}": config.model_copy(
            update={
                "split": Split.model_validate({"method": "fold", "fold": fold, "n_folds": n_folds, **fractions}),
            }
        )
        for fold in range(1, n_folds + 1)
    }


def _given_folds(config: Config, files: FoldFiles) -> dict[str, Config]:
    tests = _matches(files.test)
    configs = {}
    for fold, train in _matches(files.train).items():
        if fold not in tests:
            raise DataError(
                f"fold {fold} has a train file and no test file",
                where=str(train),
                expected=files.test.replace(FOLD, fold),
                hint="the same {fold} has to be in both",
            )
        no_others = dict.fromkeys(("ratings", "valid", "sha256"))
        parts = {**no_others, "source": "file", "train": train, "test": tests[fold]}
        configs[f"fold-{fold}"] = config.model_copy(update={"data": config.data.model_copy(update=parts)})
    if len(configs) < 2:
        raise DataError(
            f"{len(configs)} files are like this, and folds are at least two",
            where=files.train,
            expected="files that differ in what stands for {fold}, such as u1.train.csv and u2.train.csv",
        )
    return configs


def _matches(pattern: str) -> dict[str, Path]:
    """What stands for {fold} → the file, in the order in which people count."""
    before, marker, after = pattern.partition(FOLD)
    if not marker or FOLD in after:
        raise UsageError(f"{pattern!r} names no folds", expected="a path with {fold} in it once: u{fold}.train.csv")
    ends = len(before), len(after)
    paths = glob.glob(f"{glob.escape(before)}*{glob.escape(after)}")  # noqa: PTH207 -- this one takes any path
    folds = {path[ends[0] : len(path) - ends[1]]: Path(path).absolute() for path in paths}
    return {fold: folds[fold] for fold in sorted(folds, key=_counted)}


def _counted(text: str) -> list[tuple[int, str]]:
    """A key that puts 2 before 10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text)]


def _refuse_start(config: Config) -> None:
    if config.start is not None:
        what, expected = "a run to start from has seen ratings of every fold", "a config that trains from scratch"
        raise ConfigError(what, where="start.run", expected=expected)


def _refuse_parts(config: Config, data: Dataset | None) -> None:
    key = "data.prepared" if config.data.prepared is not None else "data.train"
    if config.data.prepared or config.data.train or (data is not None and data.given is not None):
        raise ConfigError(
            f"the ratings are in parts already, by {key}",
            where=key,
            expected="data.ratings, which is cut here",
            hint="folds that are files: --train-files 'u{fold}.train.csv' --test-files 'u{fold}.test.csv'",
        )
