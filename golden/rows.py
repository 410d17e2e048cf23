"""The rows of the table and their commands. A row writes into the folder of its name, all of which is compared."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from golden.errors import GoldenError

# Python, not the command line: a run that is stopped after an epoch, the same one each time.
STOP = """
import json, pathlib, sys, recsys

config, run, last = sys.argv[1], sys.argv[2], int(sys.argv[3])

class Stopped(Exception): pass

def observe(event):
    if getattr(event, "number", None) == last:
        raise Stopped

try:
    recsys.train(config, run, observe=observe)
except Stopped:
    if pathlib.Path(run, "metrics.json").exists():
        sys.exit("the run finished before it was stopped")
    print(json.dumps({"checkpoints": sorted(path.name for path in pathlib.Path(run, "checkpoints").glob("epoch-*"))}))
else:
    sys.exit(f"the run was not stopped: no event with number == {last}")
"""

Command = tuple[str, ...]  # arguments of python


@dataclass(frozen=True)
class Row:
    """Commands that run one after the other, once the rows that they need have run."""

    name: str
    commands: tuple[Command, ...]
    needs: tuple[str, ...] = ()


def recsys(command: str) -> Command:
    """`recsys COMMAND --json`, whose output is compared."""
    return ("-m", "recsys", *command.split(), "--json")


def trained(name: str) -> Row:
    """Trains with the config of this name."""
    return Row(name, (recsys(f"train --config inputs/{name}.yaml --run-dir {name}/run"),))


def resumed(of: str, last: int) -> Row:
    """Trains with a config, stopped after an epoch, and resumed."""
    name = f"resume-{of}"
    stop = ("-c", STOP, f"inputs/{of}.yaml", f"{name}/run", str(last))
    return Row(name, (stop, recsys(f"train --config inputs/{of}.yaml --run-dir {name}/run --resume")))


def of_runs(name: str, command: str, *runs: str) -> Row:
    """A command of each of some runs; in the command, {run} is its name."""
    return Row(name, tuple(recsys(f"{command.format(run=run)} --run {run}/run") for run in runs), runs)


SERVED = ("sgd", "embedding-net", "svdpp-sgd", "gibbs-drift", "gibbs-tobit")
LINEAR = ("sgd", "svdpp-sgd", "gibbs-drift", "gibbs-tobit")
MANY = "predict --input inputs/pairs.csv --on-unknown mean"

ROWS = (
    *(trained(name) for name in ("sgd", "adamw", "embedding-net", "svdpp-sgd")),
    *(trained(name) for name in ("gibbs-dot", "gibbs-svdpp", "gibbs-drift", "gibbs-tobit")),
    Row(
        "finetune",
        (recsys("finetune --from sgd/run --config inputs/finetune.yaml --run-dir finetune/run"),),
        ("sgd",),
    ),
    Row(
        "finetune-svdpp",
        (recsys("finetune --from svdpp-sgd/run --config inputs/finetune-svdpp.yaml --run-dir finetune-svdpp/run"),),
        ("svdpp-sgd",),
    ),
    of_runs("update", "update --ratings inputs/later.csv --set start.replay=0.5 --run-dir update/{run}", "sgd"),
    of_runs("update-net", "update --ratings inputs/later.csv --run-dir update-net/{run}", "embedding-net"),
    of_runs("fold-in", "fold-in --ratings inputs/new_users.csv --run-dir fold-in/{run}", "sgd", "gibbs-drift"),
    resumed("sgd", last=3),
    resumed("adamw", last=3),
    resumed("svdpp-sgd", last=3),
    resumed("gibbs-drift", last=9),
    Row(
        "cross-validate",
        (recsys("cross-validate --config inputs/sgd.yaml --folds 2 --jobs 2 --run-dir cross-validate/runs"),),
    ),
    Row(
        "tune",
        (
            recsys(
                "tune --config inputs/sgd.yaml --trials 6 --storage sqlite:///tune/study.db --output tune/tuned.yaml"
            ),
        ),
    ),
    Row("lr-find", (recsys("lr-find --config inputs/sgd.yaml"),)),
    of_runs("export-factors", "export-factors --format npz --output export-factors/{run}", *LINEAR),
    of_runs("export-csv", "export-factors --output export-csv/{run}", "sgd"),
    Row(
        "predict",
        (
            recsys(f"{MANY} --run sgd/run --interval 0.9 --output predict/sgd.csv"),
            recsys(f"{MANY} --run embedding-net/run --output predict/embedding-net.csv"),
            recsys(f"{MANY} --run gibbs-drift/run --interval 0.9 --output predict/gibbs-drift.csv"),
            recsys(
                "predict --input inputs/review_pairs.csv --run gibbs-tobit/run --interval 0.5 --output predict/t.csv"
            ),
            recsys("predict 1 31 --run gibbs-drift/run --interval 0.9 --at 1260759144"),
        ),
        ("sgd", "embedding-net", "gibbs-drift", "gibbs-tobit"),
    ),
    of_runs("recommend", "recommend --all -n 5 --output recommend/{run}.csv", *SERVED),
    of_runs(
        "visitor", "recommend --ratings inputs/visitor.csv --candidates inputs/candidates.csv", "sgd", "gibbs-drift"
    ),
    of_runs("evaluate", "evaluate --by-activity --interval 0.9 --ranking", *SERVED),
    of_runs("similar", "similar 1 --min-ratings 5", "sgd", "gibbs-svdpp"),
    of_runs("explain", "explain 1 31", "sgd", "gibbs-drift"),
    of_runs("interpret", "interpret", "gibbs-drift"),
    Row("compare", (recsys("compare sgd/run gibbs-svdpp/run gibbs-drift/run"),), ("sgd", "gibbs-svdpp", "gibbs-drift")),
    Row("inspect", tuple(recsys(f"inspect {run}/run --layers") for run in SERVED), SERVED),
)


def select(names: Collection[str]) -> tuple[Row, ...]:
    """The rows of these names and those that they need, in order; all of them if no name is given.

    Raises:
        GoldenError: there is no such row.
    """
    by_name = {row.name: row for row in ROWS}
    if unknown := sorted(set(names) - set(by_name)):
        raise GoldenError(f"no row is called {', '.join(unknown)}; there are: {', '.join(by_name)}")
    wanted = set(names or by_name)
    for row in reversed(ROWS):  # what a row needs stands before it
        wanted.update(row.needs if row.name in wanted else ())
    return tuple(row for row in ROWS if row.name in wanted)
