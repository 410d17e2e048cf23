"""The figures of docs/lesson.md: `python benchmarks/lesson.py`, and its picture with `--pictures docs/lesson`.

An embedding as a lookup against the product with a one-hot matrix; models with biases and without; the one-cycle
schedule against others. All on movielens-small; about a minute and a half on two cores.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import recsys
from measure import command_line, interleaved, ratios
from recsys.config.model import DotProduct as Settings
from recsys.models.dot_product import DotProduct
from recsys.seeding import rng
from recsys.training.schedule import one_cycle

ROOT = Path(__file__).parent.parent
DATA = {"ratings": str(ROOT / "data" / "movielens-small" / "ratings.csv")}
CONFIGS = ROOT / "configs"
BATCH, DIM, ROUNDS = 512, 64, 20
SEEDS = (1, 2, 3, 4, 5)
Sections = dict[str, dict[str, Any]]
FORMS: dict[str, tuple[Sections, tuple[int, ...]]] = {
    "sgd, 128 factors": ({"model": {"embedding_dim": 128}, "training": {"method": "sgd"}}, SEEDS),
    "adamw, 64 factors": ({"model": {"embedding_dim": 64}, "training": {"method": "adamw"}}, SEEDS[:3]),
    "the lesson's (y_range, adamw), 50 factors": (
        {
            "model": {"embedding_dim": 50, "y_range": [0, 5.5]},
            "training": {
                "method": "adamw",
                "n_epochs": 5,
                "lr_max": 5e-3,
                "weight_decay": 0.1,
                "bias_weight_decay": 0.1,
                "batch_size": 64,
            },
        },
        SEEDS[:3],
    ),
}
SCHEDULES = {"one_cycle": (0.02, 0.04, 0.08), "flat_cosine": (0.01, 0.02, 0.04), "constant": (0.005, 0.01, 0.02)}


def main() -> None:
    """Prints the tables as markdown."""
    parser = command_line(__doc__)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw one-cycle.png into it, and nothing else")
    asked = parser.parse_args()
    if asked.pictures:
        draw_one_cycle(asked.pictures / "one-cycle.png")
        return
    print_lookups()
    print_biases()
    print_schedules()


def print_lookups() -> None:
    """Time and memory of one training step's forward and backward pass, by lookup and by one-hot product."""
    ratings = recsys.read_ratings(DATA["ratings"]).ratings
    sizes = len(ratings.users), len(ratings.items)
    model = DotProduct(*sizes, Settings(embedding_dim=DIM), ratings.scale, seed=1)
    rows = torch.from_numpy(rng(1, "batch").integers(0, len(ratings), BATCH))
    pairs = [torch.from_numpy(column)[rows].long() for column in (ratings.user_idx, ratings.item_idx)]
    ways = {"lookup": model.forward, "one-hot product": partial(one_hot_forward, model)}
    steps = {name: partial(step, model, way, *pairs) for name, way in ways.items()}
    torch.set_num_threads(1)
    interleaved(steps, 3)  # what runs first pays for the start
    seconds = interleaved({name: partial(timed, one) for name, one in steps.items()}, ROUNDS)
    memory = {"lookup": 2 * pairs[0].nbytes, "one-hot product": BATCH * sum(sizes) * 4}
    print(f"{sizes[0]} users, {sizes[1]:,} items, {DIM} factors, batches of {BATCH}, one thread\n")
    print("| | ms a step | kB of inputs |\n| --- | --- | --- |")
    for name, each in seconds.items():
        print(f"| {name} | {1e3 * statistics.median(each):.2f} | {memory[name] / 1e3:,.0f} |")
    less = memory["one-hot product"] / memory["lookup"]
    print(f"\nThe lookup is so many times as fast: {ratios(seconds['one-hot product'], seconds['lookup'])}.")
    print(f"Its inputs are {less:,.0f} times as small.\n", flush=True)


def one_hot_forward(model: DotProduct, user_idx: Tensor, item_idx: Tensor) -> Tensor:
    """What DotProduct.forward computes (linear, with biases), by products with one-hot matrices."""
    assert model.user_bias is not None
    assert model.item_bias is not None
    users = torch.nn.functional.one_hot(user_idx, len(model.user_bias)).float()
    items = torch.nn.functional.one_hot(item_idx, len(model.item_bias)).float()
    total = ((users @ model.user_embedding) * (items @ model.item_embedding)).sum(dim=1) + model.global_mean
    return model.scale.mean + model.scale.std * (total + users @ model.user_bias + items @ model.item_bias)


def step(model: DotProduct, way: Callable[[Tensor, Tensor], Tensor], user_idx: Tensor, item_idx: Tensor) -> None:
    """Forward and backward, without moving the parameters."""
    model.zero_grad()
    way(user_idx, item_idx).square().mean().backward()


def timed(run: Callable[[], None]) -> float:
    """Seconds."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def print_biases() -> None:
    """Test rmse with biases and without, and on which ratings they differ."""
    print("| model | seeds | with biases | without | without / with, by seed | biases alone |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (sections, seeds) in FORMS.items():
        without = {**sections, "model": {**sections["model"], "biases": False}}
        pairs = [(fit(sections, seed), fit(without, seed)) for seed in seeds]
        with_rmse, without_rmse = ([one[at]["test"]["rmse"] for one in pairs] for at in (0, 1))
        alone = statistics.mean(one["baselines"]["biases"]["rmse"] for one, _ in pairs)
        each = " ".join(f"{b / a:.3f}" for a, b in zip(with_rmse, without_rmse, strict=True))
        means = f"{statistics.mean(with_rmse):.4f} | {statistics.mean(without_rmse):.4f}"
        print(f"| {name} | {len(seeds)} | {means} | {each} | {alone:.4f} |", flush=True)
    print()


def print_schedules() -> None:
    """Valid rmse of sgd with each schedule, at several highest learning rates."""
    print(f"| schedule | valid rmse at lr_max, mean of {len(SEEDS)} seeds |\n| --- | --- |")
    for schedule, rates in SCHEDULES.items():
        found = [
            statistics.mean(
                fit({"model": {"embedding_dim": 128}, "training": training}, seed)["valid"]["rmse"] for seed in SEEDS
            )
            for training in ({"method": "sgd", "schedule": schedule, "lr_max": rate} for rate in rates)
        ]
        cells = ", ".join(f"{rate:g}: {rmse:.4f}" for rate, rmse in zip(rates, found, strict=True))
        print(f"| {schedule} | {cells} |", flush=True)


def fit(sections: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The metrics of a run that is thrown away; the seed draws the split too."""
    config = {"data": DATA, "split": {"valid_fraction": 0.1, "test_fraction": 0.1}, "seed": seed, **sections}
    with tempfile.TemporaryDirectory() as aside:
        return recsys.train(config, Path(aside) / "run")


def draw_one_cycle(path: Path) -> None:
    """Learning rate and momentum of the lesson's fit, step by step."""
    from matplotlib.figure import Figure

    n_epochs, steps = 5, 1_251  # configs/fastai-lesson.yaml: 80,004 ratings in batches of 64
    schedule = one_cycle(n_epochs, 5e-3, steps_per_epoch=steps)
    figure = Figure(figsize=(9, 3.6), layout="constrained", facecolor="white")
    for panel, curve, name in zip(
        figure.subplots(1, 2), (schedule.lr, schedule.momentum), ("learning rate", "momentum"), strict=True
    ):
        panel.plot([at / steps for at in range(len(curve))], curve, color="#0072b2", linewidth=2)
        panel.set_xlabel("epoch")
        panel.set_title(name, loc="left", fontsize=11)
        panel.grid(linewidth=0.4)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
