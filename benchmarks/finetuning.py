"""Fine-tuning against training from scratch, with the curves of both.

python benchmarks/finetuning.py                 movielens-small, with sgd
python benchmarks/finetuning.py --method adamw

A model is trained on one half of the users; of each user of the other half, it gets five ratings to learn from and is
measured on all others. The learning rate is the one that the method has by default for so few ratings.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import recsys
from measure import command_line
from recsys.core.seeding import rng
from recsys.data.interactions import Interactions

DATA = Path(__file__).parent.parent / "data" / "movielens-small" / "ratings.csv"
GIVEN = 5
EPOCHS = 10
RATES = {"sgd": 0.04, "adamw": 0.003}  # what each has by default for so few ratings
FITS: dict[str, dict[str, Any]] = {
    "from scratch": {},
    "fine-tuned, items frozen": {"freeze": ["items"]},
    "fine-tuned, slice(LR): items a third": {"lr_max": "slice({lr})"},
    "fine-tuned, one rate": {"lr_max": "{lr}"},
}


def main() -> None:
    """Prints test rmse by epoch as a markdown table."""
    parser = command_line(__doc__)
    parser.add_argument("--method", default="sgd", choices=["sgd", "adamw"])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--picture", type=Path, help="where to draw the curves, as a PNG")
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    curves = compare(arguments.method, arguments.dim, arguments.lr or RATES[arguments.method], arguments.seed)
    print(f"| epoch | {' | '.join(curves)} |\n| --- |{' --- |' * len(curves)}")
    for epoch in range(EPOCHS):
        print(f"| {epoch + 1} | {' | '.join(f'{curve[epoch]:.4f}' for curve in curves.values())} |")
    if arguments.picture:
        draw(curves, arguments.picture)


def draw(curves: dict[str, list[float]], path: Path) -> None:
    """The curves as a picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained", facecolor="white")
    panel = figure.subplots()
    for (name, curve), style in zip(curves.items(), ("-", "--", "-.", ":"), strict=True):
        panel.plot(range(1, len(curve) + 1), curve, style, label=name, linewidth=2)
    panel.set_xlabel("epoch")
    panel.set_ylabel("rmse on the ratings that were not given (stars)")
    panel.set_title(f"{GIVEN} ratings of each new user, items learned from other users", fontsize=11)
    panel.legend(frameon=False)
    panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


def compare(method: str, dim: int, lr: float, seed: int) -> dict[str, list[float]]:
    """Each way to train → rmse on the ratings that were not given, after each epoch."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files(root, seed)
        model = {"embedding_dim": dim}
        old = {"data": {"ratings": str(root / "old.csv")}, "model": model, "training": {"method": method}}
        recsys.train(old, root / "old")
        curves = {}
        for number, (name, settings) in enumerate(FITS.items()):
            config = {
                "data": {"train": str(root / "given.csv"), "valid": str(root / "asked.csv")},
                "model": model,
                "ranking": "none",
                "training": {"method": method, "n_epochs": EPOCHS, "evaluate_every": 1, **filled(settings, lr)},
                **({"start": {"run": str(root / "old")}} if number else {}),
            }
            run = root / str(number)
            recsys.train(config, run)
            curves[name] = [json.loads(line)["valid"]["rmse"] for line in (run / "history.jsonl").open()]
    return curves


def filled(settings: dict[str, Any], lr: float) -> dict[str, Any]:
    """The settings with the learning rate in place."""
    text = {key: value.format(lr=lr) if isinstance(value, str) else value for key, value in settings.items()}
    return {key: float(value) if value == str(lr) else value for key, value in text.items()}


def files(root: Path, seed: int) -> None:
    """old.csv: one half of the users; given.csv: five ratings of each other one; asked.csv: their other ratings."""
    ratings = recsys.read_ratings(DATA).ratings
    random = rng(seed, "half")
    is_old = random.random(len(ratings.users)) < 0.5
    order = random.permutation(len(ratings))
    order = order[np.argsort(ratings.user_idx[order], kind="stable")]
    rank = np.arange(len(ratings)) - (np.cumsum(ratings.user_counts) - ratings.user_counts)[ratings.user_idx[order]]
    old = is_old[ratings.user_idx[order]]
    for name, rows in (("old", old), ("given", ~old & (rank < GIVEN)), ("asked", ~old & (rank >= GIVEN))):
        write(ratings.take(order[rows]), root / f"{name}.csv")


def write(ratings: Interactions, path: Path) -> None:
    """As a CSV that recsys reads."""
    ratings.to_frame().drop(columns="timestamp").to_csv(path, index=False)


if __name__ == "__main__":
    main()
