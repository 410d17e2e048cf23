"""How much of the CPU time of `recsys train` evaluations are: whole processes, 20M ratings, dim 16, 10 epochs.

    python benchmarks/evaluation.py                              with every default of validation
    python benchmarks/evaluation.py --set training.evaluate_every=1
    python benchmarks/evaluation.py --before OTHER/src           this version and another one, in turn

A tenth of the training ratings is the validation set; then the test part, a twentieth, and two baselines are evaluated.
An evaluation is: the scorer made of the parameters, predictions, and metrics.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from measure import command_line, interleaved, ratios
from peers import output_of
from synthetic import CACHE, World, text_files
from whole_process import RECSYS_BEST

PROGRAM = """
import json, sys, time
from pathlib import Path
from recsys.config.loading.load import load_config
from recsys.objectives import rating
from recsys.workflows import fit_plan, train

def timed(module, name):
    function = getattr(module, name)
    def call(*arguments):
        start = time.process_time()
        try:
            return function(*arguments)
        finally:
            spent.append(time.process_time() - start)
    setattr(module, name, call)

spent = []
timed(fit_plan, "_scorer_of_rank"), timed(rating, "errors_on_first"), timed(rating, "scores_of")
config, folder, overrides = sys.argv[1:]
metrics = train.train(load_config(Path(config), json.loads(overrides)), Path(folder))
print(json.dumps({"cpu": time.process_time(), "evaluations": sum(spent), "rmse": metrics["test"]["rmse"]}))
"""


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--millions", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path, metavar="SRC", help="the folder of another version's package")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="beside those of this benchmark")
    arguments = parser.parse_args()
    files = text_files(World(int(arguments.millions * 1e6)))
    overrides = [*(f"{key}={value}" for key, value in RECSYS_BEST.items()), *arguments.set]
    versions = {"now": None, **({"before": arguments.before} if arguments.before else {})}
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        config = Path(folder) / "evaluation.yaml"
        config.write_text(f"data: {{train: {files / 'train.csv'}, test: {files / 'test.csv'}}}\nranking: none\n")
        trainings = {name: partial(trained, config, overrides, source) for name, source in versions.items()}
        interleaved(trainings, 1)  # compiles what is not in the cache yet
        results = interleaved(trainings, arguments.rounds)
    print("| | CPU s | of evaluations | share: min | median | max | test rmse |\n|" + " --- |" * 7)
    for name, rounds in results.items():
        cpu, own = ([each[key] for each in rounds] for key in ("cpu", "evaluations"))
        share = ratios(own, cpu)
        seconds = f"{statistics.median(cpu):.1f} | {statistics.median(own):.2f}"
        shares = f"{share.least:.1%} | {share.median:.1%} | {share.most:.1%}"
        print(f"| {name} | {seconds} | {shares} | {rounds[0]['rmse']!r} |")
    if "before" in results:
        shorter = ratios(*([each["evaluations"] for each in results[name]] for name in ("now", "before")))
        print(f"\nCPU time of evaluations, now against before: {shorter}")


def trained(config: Path, overrides: list[str], source: Path | None) -> dict[str, Any]:
    """What a process says of a training."""
    environment = {} if source is None else {"PYTHONPATH": os.fspath(source)}
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        arguments = [config, Path(folder) / "run", json.dumps(overrides)]
        facts: dict[str, Any] = json.loads(output_of([sys.executable, "-c", PROGRAM, *arguments], environment))
    return facts


if __name__ == "__main__":
    main()
