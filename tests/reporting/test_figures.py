"""Pictures of a run."""

from __future__ import annotations

import importlib.util
import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.history import HistoryRow
from recsys.core.errors import MissingExtraError, RunError
from recsys.objectives.rating import RATING
from recsys.reporting import figures
from recsys.reporting import save_figures as gallery
from recsys.reporting.accuracy import calibration
from recsys.reporting.interpret import interpret

PICTURES = ["item-map", "biases", "learning-curves", "schedule", "predicted-against-actual"]
needs_matplotlib = pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="the extra is not there")


def texts_of(figure: Any) -> list[str]:
    (axes,) = [axes_of_part for axes_of_part in figure.axes if axes_of_part.get_label() != "<colorbar>"]
    return [text.get_text() for text in axes.texts]


@pytest.mark.slow
@needs_matplotlib
def test_every_picture_of_a_run_is_drawn(finished: Path, folder: Path) -> None:
    bundle = open_bundle(finished)
    drawn = gallery.draw_all(bundle, interpret(bundle, n=3), folder)
    assert [path.name for path in drawn] == [f"{name}.png" for name in PICTURES]
    for path in drawn:
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert 600 < width < 2000
        assert 300 < height < 2000
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.slow
@needs_matplotlib
def test_awkward_titles_are_drawn_and_no_history_where_there_is_none(films: Bundle, folder: Path) -> None:
    titles = films.titles.copy()
    titles[:] = ["$\\frac{1}{", "映画", "a\nb", "_^"] * 75
    bundle = replace(films, titles=titles)
    drawn = gallery.draw_all(bundle, interpret(bundle, n=8), folder)
    assert [path.stem for path in drawn] == ["item-map", "biases", "predicted-against-actual"]


@needs_matplotlib
def test_labels_cover_neither_each_other_nor_the_points_they_name(films: Bundle) -> None:
    draw = np.random.default_rng(3)
    positions, counts = draw.normal(size=(80, 2)), np.arange(80, 0, -1)
    figure = figures.item_map(
        positions, [f"Item number {number}" for number in range(80)], counts, np.array([0.6, 0.2])
    )
    labels = list(figure.axes[0].texts)
    assert 10 < len(labels) < 80
    named = [int(label.get_text().split()[-1]) for label in labels]
    outermost = int(np.argmax(np.hypot(*(positions / np.ptp(positions, axis=0)).T)))
    assert (named[0], outermost in named) == (0, True)
    boxes = [label.get_window_extent() for label in labels]
    for number, box in enumerate(boxes):
        assert box.count_overlaps(boxes[number + 1 :]) == 0
        assert not any(box.contains(*point) for point in figure.axes[0].transData.transform(positions[named]))


@needs_matplotlib
def test_a_single_direction_can_be_mapped() -> None:
    figure = figures.item_map(np.array([[0.5], [-0.5]]), ["a", "b"], np.array([3, 1]), np.array([1.0]))
    assert texts_of(figure) == ["a", "b"]


def row_of(epoch: int, lr: float, train: float, valid: float | None) -> HistoryRow:
    metrics = {"train": {"rmse": train}, "valid": None if valid is None else {"rmse": valid, "mae": valid / 2}}
    return HistoryRow(
        scorer="rating", epoch=epoch, lr=lr, seconds=1, ratings_per_second=1, fit_seconds=epoch, **metrics
    )


@needs_matplotlib
def test_the_curves_are_those_of_the_history() -> None:
    curves = [(0.1, 1.0, 1.2), (0.2, 0.9, None), (0.0, 0.8, 1.1)]
    rows = [row_of(number, *curve) for number, curve in enumerate(curves, start=1)]
    train, valid = figures.learning_curves(rows, RATING).axes[0].lines
    assert (list(train.get_xdata()), list(train.get_ydata())) == ([1, 2, 3], [1.0, 0.9, 0.8])
    assert (list(valid.get_xdata()), list(valid.get_ydata())) == ([1, 3], [1.2, 1.1])
    assert texts_of(figures.learning_curves(rows, RATING)) == ["best: 1.1000, epoch 3"]
    assert list(figures.schedule(rows).axes[0].lines[0].get_ydata()) == [0.1, 0.2, 0.0]
    without = [row.model_copy(update={"valid": None}) for row in rows]
    assert len(figures.learning_curves(without, RATING).axes[0].lines) == 1


@needs_matplotlib
def test_the_best_epoch_is_the_highest_where_higher_is_better() -> None:
    rows = [row_of(1, 0.1, 1.0, 0.4), row_of(2, 0.1, 1.0, 0.7), row_of(3, 0.1, 1.0, 0.6)]
    figure = figures.learning_curves(rows, replace(RATING, direction="maximize"))
    assert texts_of(figure) == ["best: 0.7000, epoch 2"]


@needs_matplotlib
@pytest.mark.parametrize("actual", [[1, 1, 2, 5], np.linspace(-10, 10, 300), [3, 3]])
def test_the_mean_rating_stands_above_what_was_predicted_as_on_the_page(actual: Any) -> None:
    given = np.asarray(actual, dtype=np.float32)
    bins = calibration(given / 2, given)
    axes = figures.actual_by_prediction(given, given / 2, bins, "test").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted rating", "actual rating")
    means = axes.lines[0]
    assert list(means.get_xdata()) == [row["predicted"] for row in bins]
    assert list(means.get_ydata()) == [row["actual"] for row in bins]


def test_without_matplotlib_the_extra_is_named(films: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.core.errors.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError) as caught:
        gallery.check(folder)
    assert caught.value.hint == "pip install 'recsys-trainer[figures]'"
    assert caught.value.exit_code == 2


@needs_matplotlib
def test_a_used_folder_is_refused_and_a_place_that_cannot_be_written_named(films: Bundle, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    interpretation = interpret(films, n=2)
    for folder in (tmp_path, tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RunError) as caught:
            gallery.draw_all(films, interpretation, folder)
        assert caught.value.exit_code == 4
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
