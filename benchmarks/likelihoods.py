"""Ratings that pile up at an end of the scale: `python benchmarks/likelihoods.py`.

Test rmse of flipped SVD++ by gibbs with either likelihood, and of biases alone, on the data sets of `worlds.py` where
`likelihood: auto` means tobit, and with --share on those with a smaller pile too; means over the seeds. The environment
variable RECSYS_ML100K adds MovieLens 100K.
"""

from __future__ import annotations

import statistics

from measure import command_line
from recsys.data.interactions import Interactions
from recsys.data.scale import Censoring
from recsys.data.split import Splits
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from synthetic_datasets import fitted, synthetic_datasets

LIKELIHOODS = ("normal", "tobit")


def main() -> None:
    """Prints a table as markdown."""
    parser = command_line(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102])
    parser.add_argument("--sweeps", type=int, default=512, help="fewer to look around")
    parser.add_argument("--share", type=float, default=0.5, help="of the ratings that are at that end, at least")
    parser.add_argument("--only", nargs="+", default=[""], help="data sets whose name has one of these in it")
    given = parser.parse_args()
    print("| data | at the end | biases | normal | tobit | tobit / normal |\n| --- | --- | --- | --- | --- | --- |")
    for name, data in synthetic_datasets().items():
        if not any(part in name for part in given.only):
            continue
        made = {seed: data.make(seed) for seed in given.seeds}
        share = statistics.mean(Censoring.of(splits.train.rating).share for splits in made.values())
        if share < given.share:
            continue
        biases = statistics.mean(
            evaluate(baselines.biases(splits.train), _test(splits)).metrics["rmse"] for splits in made.values()
        )
        normal, tobit = (
            statistics.mean(_rmse(splits, kind, given.sweeps, seed) for seed, splits in made.items())
            for kind in LIKELIHOODS
        )
        print(
            f"| {name} | {share:.0%} | {biases:.4f} | {normal:.4f} | {tobit:.4f} | {tobit / normal:.4f} |", flush=True
        )


def _rmse(splits: Splits, likelihood: str, sweeps: int, seed: int) -> float:
    training = {"method": "gibbs", "n_epochs": sweeps, "likelihood": likelihood}
    return fitted(splits, _test(splits), {"kind": "svdpp"}, training, seed)


def _test(splits: Splits) -> Interactions:
    assert splits.test is not None
    return splits.test


if __name__ == "__main__":
    main()
