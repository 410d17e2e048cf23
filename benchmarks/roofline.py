"""How near sgd comes to what the machine can do at most: its caches, its memory and its arithmetic.

    python benchmarks/roofline.py                      the table
    python benchmarks/roofline.py --plot FILE.png      and the picture

A rating reads and writes two rows and two biases and reads three columns: 16·dim + 28 bytes. It takes 2·dim flops for
the error and 6·dim for the steps. A roof is the speed at which all those bytes could be updated in place in a cache,
or in memory; a share of a memory roof above 100% says that blocks kept the rows in caches.
"""

from __future__ import annotations

import statistics
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from growth import seconds_a_rating
from learners import ratings, sgd_learner
from measure import PeerError, command_line, interleaved
from peers import output_of
from recsys.core.events import silent
from recsys.training.sgd.settings import Sgd
from synthetic import CACHE, World, synthetic

LEVELS = {"L1": 16 << 10, "L2": 512 << 10, "L3": 16 << 20, "memory": 1 << 30}  # bytes a thread that lie there
FLAGS = ("-O3", "-std=c++17", "-pthread", "-march=native", "-mprefer-vector-width=512")


@dataclass(frozen=True)
class Roofs:
    """What so many threads together reach: GB/s of updates in place at each level, and GFlop/s."""

    bandwidth: dict[str, float]
    gflops: float


Speeds = dict[tuple[int, int], float]  # (dim, threads) → ratings/s


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--n-ratings", type=int, default=World.n_ratings)
    parser.add_argument("--dims", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    roofs = {threads: measured_roofs(threads) for threads in arguments.threads}
    speeds = measured_speeds(World(n_ratings=arguments.n_ratings), arguments.dims, arguments.threads, arguments.rounds)
    print_roofs(roofs)
    print_shares(roofs, speeds)
    if arguments.plot:
        plot(roofs, speeds, arguments.plot)


def bytes_of(dim: int) -> int:
    """What a rating reads and writes."""
    return 2 * 2 * 4 * dim + 2 * 2 * 4 + 3 * 4


def flops_of(dim: int) -> int:
    """What a rating multiplies and adds, but for a few scalars."""
    return 2 * dim + 2 * 3 * dim


def measured_roofs(threads: int) -> Roofs:
    """The best of five measurements each, by a small program that g++ builds."""
    program = CACHE / "roofs"
    CACHE.mkdir(exist_ok=True)
    try:
        output_of(["g++", *FLAGS, Path(__file__).with_name("roofline.cpp"), "-o", program])
    except (OSError, subprocess.CalledProcessError) as error:
        raise PeerError("roofline.cpp could not be built") from error
    *bandwidth, gflops = (float(line) for line in output_of([program, threads, *LEVELS.values()]).split())
    return Roofs(dict(zip(LEVELS, bandwidth, strict=True)), gflops)


def measured_speeds(world: World, dims: list[int], threads: list[int], rounds: int) -> Speeds:
    """The median of the rounds."""
    train = ratings(world, synthetic(world).train)
    speeds: Speeds = {}
    for dim in dims:
        learners = {n_threads: sgd_learner(train, dim, Sgd(n_threads=n_threads)) for n_threads in threads}
        for learner in learners.values():
            learner.epoch(1, silent)  # touches the memory
        measures = {n_threads: partial(seconds_a_rating, learner) for n_threads, learner in learners.items()}
        for n_threads, seconds in interleaved(measures, rounds).items():
            speeds[dim, n_threads] = 1 / statistics.median(seconds)
    return speeds


def print_roofs(roofs: dict[int, Roofs]) -> None:
    """The table of what the machine can do."""
    print(f"| threads | {' | '.join(f'{level}, GB/s' for level in LEVELS)} | arithmetic, GFlop/s |")
    print(f"| --- {'| --- ' * len(LEVELS)}| --- |")
    for threads, roof in roofs.items():
        print(f"| {threads} | {' | '.join(f'{each:.0f}' for each in roof.bandwidth.values())} | {roof.gflops:.0f} |")


def print_shares(roofs: dict[int, Roofs], speeds: Speeds) -> None:
    """The table of what sgd makes of it."""
    print("\n| dim | threads | bytes | flops | M ratings/s | GB/s | GFlop/s ", end="")
    print(f"| {' | '.join(f'of {level}' for level in LEVELS)} | of arithmetic |")
    print(f"| --- {'| --- ' * (7 + len(LEVELS))}|")
    for (dim, threads), speed in speeds.items():
        roof = roofs[threads]
        gigabytes, gflops = speed * bytes_of(dim) / 1e9, speed * flops_of(dim) / 1e9
        print(f"| {dim} | {threads} | {bytes_of(dim)} | {flops_of(dim)} | {speed / 1e6:.0f} ", end="")
        print(f"| {gigabytes:.0f} | {gflops:.0f} ", end="")
        print(f"| {' | '.join(f'{gigabytes / each:.0%}' for each in roof.bandwidth.values())} ", end="")
        print(f"| {gflops / roof.gflops:.0%} |")


def plot(roofs: dict[int, Roofs], speeds: Speeds, path: Path) -> None:
    """Ratings/s by dim under the roofs, a panel for each number of threads."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.6 + 4.6 * len(roofs), 4.4), layout="constrained", facecolor="white")
    panels = figure.subplots(1, len(roofs), sharey=True, squeeze=False)[0]
    dims = sorted({dim for dim, _ in speeds})
    for panel, (threads, roof) in zip(panels, roofs.items(), strict=True):
        lines = {level: [1e3 * each / bytes_of(dim) for dim in dims] for level, each in roof.bandwidth.items()}
        lines["arithmetic"] = [1e3 * roof.gflops / flops_of(dim) for dim in dims]
        colours = ("#1b7837", "#5aae61", "#e08214", "#b2182b", "#888888")
        for (name, heights), colour in zip(lines.items(), colours, strict=True):
            style = "--" if name == "arithmetic" else "-"
            panel.plot(dims, heights, style, color=colour, linewidth=1.5, label=f"roof: {name}")
        heights = [speeds[dim, threads] / 1e6 for dim in dims]
        panel.plot(dims, heights, "o-", color="#2166ac", linewidth=2.5, markersize=7, label="sgd")
        for dim, height in zip(dims, heights, strict=True):
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            panel.text(dim, height * 0.85, f"{height:.0f}", color="#2166ac", ha="center", va="top", bbox=box)
        panel.set(xscale="log", yscale="log", xlabel="embedding_dim")
        panel.set_title(f"{threads} thread{'s' if threads > 1 else ''}", fontsize=11)
        panel.set_xticks(dims, [str(dim) for dim in dims])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    ticks = [10, 30, 100, 300, 1000, 3000]
    panels[0].set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    panels[0].set_ylabel("million ratings a second")
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside right center", fontsize=9)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
