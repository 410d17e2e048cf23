"""The figures of docs/lesson.md: `python benchmarks/lesson.py`, and its picture with `--pictures docs/lesson`.

An embedding as a lookup against the product with a one-hot matrix; models with biases and without; the one-cycle
schedule against others. All on movielens-small; about three minutes on two cores.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import recsys
from measure import command_line, interleaved, ratios
from recsys.core.communicator import ALONE
from recsys.core.seeding import rng
from recsys.data.read import read_ratings
from recsys.models.dot_product.module import DotProduct
from recsys.models.dot_product.settings import DotProduct as Settings
from recsys.training.schedule import one_cycle

CONFIGS = Path(__file__).parent.parent / "configs"
SMALL, LESSON = CONFIGS / "movielens-small.yaml", CONFIGS / "fastai-lesson.yaml"
BATCH, DIM, ROUNDS = 512, 64, 20
SEEDS = (1, 2, 3, 4, 5)
MODELS: dict[str, tuple[Path, list[str]]] = {
    "sgd, 128 factors": (SMALL, []),
    "adamw, 64 factors": (SMALL, ["model.embedding_dim=64", "training={method: adamw}"]),
    "the lesson's: adamw, 50 factors, y_range": (LESSON, []),
}
SCHEDULES = ("one_cycle", "flat_cosine", "constant")
RATES = (0.01, 0.02, 0.03, 0.04, 0.06)


def main() -> None:
    """Prints the tables as markdown."""
    parser = command_line(__doc__)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw one-cycle.png into it, and nothing else")
    arguments = parser.parse_args()
    if arguments.pictures:
        draw_one_cycle(arguments.pictures / "one-cycle.png")
        return
    print_lookups()
    print_biases()
    print_schedules()


def print_lookups() -> None:
    """Time and memory of one training step's forward and backward pass, by lookup and by one-hot product."""
    ratings = read_ratings(recsys.load_config(SMALL).data, ALONE).ratings
    model = DotProduct(ratings.counted, Settings(embedding_dim=DIM), ratings.scale, seed=1)
    rows = torch.from_numpy(rng(1, "batch").integers(0, len(ratings), BATCH))
    pairs = [torch.from_numpy(column)[rows].long() for column in (ratings.user_idx, ratings.item_idx)]
    ways: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "lookup": model.forward,
        "one-hot product": partial(one_hot_forward, model),
    }
    steps = {name: partial(step, model, way, *pairs) for name, way in ways.items()}
    torch.set_num_threads(1)
    interleaved(steps, 3)  # what runs first pays for the start
    seconds = interleaved({name: partial(timed, work) for name, work in steps.items()}, ROUNDS)
    inputs = {"lookup": pairs, "one-hot product": one_hot(model, *pairs)}
    memory = {name: sum(array.nbytes for array in each) for name, each in inputs.items()}
    print(f"{len(ratings.users)} users, {len(ratings.items):,} items, {DIM} factors, batches of {BATCH}, one thread\n")
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
    users, items = one_hot(model, user_idx, item_idx)
    total = ((users @ model.user_embedding) * (items @ model.item_embedding)).sum(dim=1) + model.global_mean
    return model.scale.mean + model.scale.std * (total + users @ model.user_bias + items @ model.item_bias)


def one_hot(model: DotProduct, user_idx: Tensor, item_idx: Tensor) -> list[Tensor]:
    """A row of zeros with a single 1 for each user and for each item."""
    pairs = (user_idx, model.user_embedding), (item_idx, model.item_embedding)
    return [torch.nn.functional.one_hot(idx, len(rows)).float() for idx, rows in pairs]


def step(model: DotProduct, way: Callable[[Tensor, Tensor], Tensor], user_idx: Tensor, item_idx: Tensor) -> None:
    """Forward and backward, without moving the parameters."""
    model.zero_grad()
    torch.autograd.backward(way(user_idx, item_idx).square().mean())


def timed(run: Callable[[], None]) -> float:
    """Seconds."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def print_biases() -> None:
    """Test rmse with biases and without."""
    print("| model | with biases | without | biases alone | without / with, by seed |\n| --- | --- | --- | --- | --- |")
    for name, (config, overrides) in MODELS.items():
        runs = {biases: fits(config, [*overrides, f"model.biases={biases}"]) for biases in ("true", "false")}
        rmse = {biases: [result["test"]["rmse"] for result in each] for biases, each in runs.items()}
        alone = statistics.mean(result["baselines"]["biases"]["rmse"] for result in runs["true"])
        each = " ".join(f"{b / a:.3f}" for a, b in zip(rmse["true"], rmse["false"], strict=True))
        means = " | ".join(f"{statistics.mean(values):.4f}" for values in rmse.values())
        print(f"| {name} | {means} | {alone:.4f} | {each} |", flush=True)
    print()


def print_schedules() -> None:
    """Valid rmse of sgd with each schedule, at several highest learning rates."""
    print(f"| lr_max | {' | '.join(map(str, RATES))} |\n| --- |{' --- |' * len(RATES)}")
    for schedule in SCHEDULES:
        cells = []
        for rate in RATES:
            results = fits(SMALL, [f"training.schedule={schedule}", f"training.lr_max={rate}"])
            cells.append(f"{statistics.mean(result['valid']['rmse'] for result in results):.4f}")
        print(f"| {schedule} | {' | '.join(cells)} |", flush=True)


def fits(config: Path, overrides: list[str]) -> list[Any]:
    """The metrics of a run for each seed, which draws the split too; the runs are thrown away."""
    with tempfile.TemporaryDirectory() as aside:
        return [
            recsys.train(recsys.load_config(config, [*overrides, f"seed={seed}"]), Path(aside) / str(seed))
            for seed in SEEDS
        ]


def draw_one_cycle(path: Path) -> None:
    """Learning rate and momentum of the lesson's fit, step by step."""
    from matplotlib.figure import Figure

    n_epochs, lr_max, steps = 5, 5e-3, 1_251  # configs/fastai-lesson.yaml: 80,004 ratings in batches of 64
    schedule = one_cycle(n_epochs, lr_max, steps_per_epoch=steps)
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
