"""Pictures of a model, from arrays; whoever asks for one saves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recsys.core.types import Array
from recsys.core.words import counted, one_line, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

    from recsys.artifacts.history import HistoryRow
    from recsys.objectives.objective import Objective
    from recsys.reporting.accuracy import CalibrationBin

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#666666"  # Okabe and Ito: told apart by the colour-blind, and in grey
LABELS = 60  # items that a map tries to name
LONGEST = 34  # letters of a title
DOT = 3.0  # half the side of what is kept free around a point, in points of print
SIDES = (
    (5, 0, "left", "center"),
    (-5, 0, "right", "center"),
    (0, 5, "center", "bottom"),
    (0, -5, "center", "top"),
    (4, 4, "left", "bottom"),
    (4, -4, "left", "top"),
    (-4, 4, "right", "bottom"),
    (-4, -4, "right", "top"),
)


def item_map(positions: Array, names: Sequence[str], counts: Array, share: Array) -> Figure:
    """Items in the first two directions, the most rated and the outermost named as far as there is room.

    Args:
        positions: shape (n, 2), or (n, 1) where the model has one direction only.
        names, counts: of each item; counts are its training ratings, and the area of its dot.
        share: of the variance that each direction carries.
    """
    figure, axes = _axes("Items in the two main directions of taste", (11, 8))
    x, y = positions[:, 0], positions[:, 1] if positions.shape[1] > 1 else np.zeros(len(positions))
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.axvline(0, color=GREY, linewidth=0.5)
    axes.scatter(x, y, s=80 * counts / counts.max() + 2, color=BLUE, alpha=0.35, linewidths=0)
    axes.margins(0.08)
    labels = [
        f"direction {number}, {part:.0%} of the variance of taste (rating units for one standard deviation)"
        for number, part in enumerate(share.tolist(), start=1)
    ]
    axes.set(xlabel=labels[0], ylabel=labels[1] if len(labels) > 1 else "")
    order = _naming_order(np.stack([x, y], axis=1), counts)
    _name(figure, axes, [(float(x[i]), float(y[i]), _short(names[i])) for i in order])
    _note(axes, "Dot area: training ratings. Named: the most rated and the outermost, where there is room.")
    return figure


def bias_chart(names: Sequence[str], biases: Sequence[float], min_ratings: int) -> Figure:
    """Bars of the highest and the lowest biases, from above in the order given."""
    figure, axes = _axes("Rated higher or lower than who rated them explains", (9, 1.5 + 0.27 * len(names)))
    places = np.arange(len(names))[::-1]
    axes.set_axisbelow(True)
    axes.barh(places, biases, color=[BLUE if bias >= 0 else ORANGE for bias in biases], height=0.7)
    axes.set_yticks(places, [_short(name, 48) for name in names], parse_math=False)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.grid(axis="x", linewidth=0.4)
    axes.set_ylim(-0.8, len(names) - 0.2)
    axes.set_xlabel(f"item bias (rating units); items with at least {counted(min_ratings, 'training rating')}")
    return figure


def learning_curves(rows: Sequence[HistoryRow], objective: Objective) -> Figure:
    """The deciding metric on the training and on the validation set by epoch."""
    metric = objective.deciding_metric
    figure, axes = _axes(f"{metric} by epoch", (8, 5))
    train = [(row.epoch, row.train[metric]) for row in rows if metric in row.train]
    if train:
        axes.plot(*zip(*train, strict=True), "o--", color=BLUE, label="training (running)")
    valid = [(row.epoch, row.valid[metric]) for row in rows if row.valid is not None]
    if valid:
        axes.plot(*zip(*valid, strict=True), "s-", color=ORANGE, label="validation")
        best = min(valid, key=lambda point: objective.cost(point[1]))
        axes.annotate(
            f"best: {best[1]:.4f}, epoch {best[0]}",
            best,
            xytext=(0, 14),
            textcoords="offset points",
            ha="right",
            color=ORANGE,
        )
    axes.set(xlabel="epoch", ylabel=metric)
    _whole_numbers(axes)
    axes.grid(linewidth=0.4)
    axes.legend(frameon=False)
    return figure


def schedule(rows: Sequence[HistoryRow]) -> Figure:
    """The learning rate at the end of each epoch, from the rows of a history."""
    figure, axes = _axes("Learning rate by epoch", (8, 5))
    axes.plot([row.epoch for row in rows], [row.lr for row in rows], "o-", color=BLUE)
    axes.set(xlabel="epoch", ylabel="learning rate at its end")
    axes.set_ylim(bottom=0)
    _whole_numbers(axes)
    axes.grid(linewidth=0.4)
    return figure


def actual_by_prediction(actual: Array, predicted: Array, bins: Sequence[CalibrationBin], part: str) -> Figure:
    """The ratings that were given where the model predicted so much, as on the page of the report.

    Args:
        actual, predicted: of each rating of the part.
        bins: their means, as the page shows them.
        part: the name of the ratings.
    """
    from matplotlib.colors import LogNorm

    figure, axes = _axes(f"Actual ratings by prediction, {part} ratings", (8, 6))
    edges = _edges_around(actual)
    *_, image = axes.hist2d(
        predicted,
        actual,
        bins=(np.linspace(predicted.min(), predicted.max() + 1e-6, 51), edges),
        cmap="cividis",
        norm=LogNorm(vmin=1),
    )
    figure.colorbar(image, ax=axes, label="ratings (logarithmic)")
    means = [(row["predicted"], row["actual"]) for row in bins]
    axes.plot(*zip(*means, strict=True), "o-", color="black", markerfacecolor="white", label="mean rating")
    ends = [min(predicted.min(), edges[0]), max(predicted.max(), edges[-1])]
    axes.plot(ends, ends, "--", color=ORANGE, label="predicted = actual")
    axes.set_xlim(predicted.min(), predicted.max() + 1e-6)
    axes.set_ylim(edges[0], edges[-1])
    axes.set(xlabel="predicted rating", ylabel="actual rating")
    axes.set_facecolor("#e8e8e8")
    axes.legend(loc="upper left")
    return figure


def _edges_around(ratings: Array) -> Array:
    """Edges of bins around each rating that occurs, or of 30 where there are more."""
    steps = np.unique(ratings)
    middles = steps if len(steps) <= 30 else np.linspace(ratings.min(), ratings.max(), 30)
    half = (middles[1] - middles[0]) / 2 if len(middles) > 1 else 0.5
    return np.concatenate([[middles[0] - half], (middles[1:] + middles[:-1]) / 2, [middles[-1] + half]])


def lr_curve(
    lr: Sequence[float], loss: Sequence[float], smoothed: Sequence[float], good: tuple[float, float], lr_max: float
) -> Figure:
    """The loss at each learning rate, the range of good rates, and the one of the config."""
    figure, axes = _axes("Loss while the learning rate rises", (8, 5))
    axes.axvspan(*good, color=ORANGE, alpha=0.15, linewidth=0, label=f"range: {good[0]:.2g} to {good[1]:.2g}")
    axes.plot(lr, loss, color=GREY, linewidth=0.8, alpha=0.6, label="between two reports")
    axes.plot(lr, smoothed, color=BLUE, linewidth=2, label="smoothed")
    at = float(np.interp(np.log(lr_max), np.log(lr), smoothed))
    axes.plot(lr_max, at, "o", color=BLUE, markersize=9, label=f"config: lr_max {lr_max:.2g}")
    axes.set_xscale("log")
    axes.set(xlabel="learning rate (logarithmic)", ylabel="mean squared error (1: predicting the mean)")
    axes.set_ylim(min(*loss, *smoothed) - 0.05, max(smoothed) + 0.3)
    axes.grid(linewidth=0.4)
    axes.legend(loc="lower left")
    return figure


def _axes(title: str, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """An empty picture that no global state knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _naming_order(positions: Array, counts: Array) -> list[int]:
    """Which items to name first: the most rated and the outermost by turns."""
    span = np.ptp(positions, axis=0)
    from_middle = np.hypot(*(positions / np.where(span > 0, span, 1)).T)
    most_rated, outermost = (np.argsort(-values, kind="stable")[:LABELS].tolist() for values in (counts, from_middle))
    return list(dict.fromkeys(item for pair in zip(most_rated, outermost, strict=True) for item in pair))


def _name(figure: Figure, axes: Axes, labels: Sequence[tuple[float, float, str]]) -> None:
    """Writes each label beside its point, in the order given, where it covers no other, no point, and stays inside."""
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()  # settles the layout, so that texts can be measured
    points = axes.transData.transform([(x, y) for x, y, _ in labels])
    half = DOT * figure.dpi / 72
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in points.tolist()]
    for x, y, text in labels:
        for dx, dy, ha, va in SIDES:
            label = _write(axes, (x, y), text, (dx, dy), ha, va)
            box = label.get_window_extent()
            inside = axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1)
            if inside and not box.count_overlaps(taken):
                taken.append(box)
                break
            label.remove()


def _write(axes: Axes, point: tuple[float, float], text: str, shift: tuple[int, int], ha: str, va: str) -> Annotation:
    from matplotlib.patheffects import withStroke

    return axes.annotate(
        text,
        point,
        shift,
        textcoords="offset points",
        ha=ha,
        va=va,
        fontsize=7.5,
        parse_math=False,
        path_effects=[withStroke(linewidth=2, foreground="white")],
    )


def _note(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="right", fontsize=8, color=GREY)


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _short(text: str, longest: int = LONGEST) -> str:
    return shortened(one_line(text), longest)
