"""The pictures of a run, drawn into a folder."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from recsys.artifacts import history
from recsys.artifacts.bundle import Bundle
from recsys.artifacts.outputs import output_file
from recsys.core.errors import RunError, need_extra
from recsys.core.files import new_folder
from recsys.objectives.specs import find_objective
from recsys.reporting import figures
from recsys.reporting.accuracy import calibration, held_out_ratings
from recsys.reporting.directions import main_directions
from recsys.reporting.interpret import Interpretation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check(folder: Path) -> None:
    """Whether pictures can be drawn there, before there is any work.

    Raises:
        MissingExtraError: matplotlib is not installed.
        RunError: the folder holds something.
    """
    check_matplotlib()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(
            "the folder for the figures is in use already",
            where=str(folder),
            expected="a folder that is new or empty",
            hint="choose another --figures",
        )


def check_matplotlib() -> None:
    """Raises MissingExtraError if there is none."""
    need_extra("matplotlib", "figures need", "figures")


def save(figure: Figure, path: Path) -> None:
    """Writes a picture as PNG, in one step.

    Raises:
        RunError: it cannot be written.
    """
    with output_file(path) as temporary:
        figure.savefig(temporary, format="png")


def draw_all(bundle: Bundle, interpretation: Interpretation, folder: Path) -> list[Path]:
    """Draws what there is to draw into a new or empty folder; returns the files.

    item-map.png, biases.png; learning-curves.png and schedule.png, where the store lies in its run; and
    predicted-against-actual.png, where the run held out ratings.

    Raises:
        MissingExtraError, RunError: see `check`; or the folder cannot be written.
    """
    check(folder)
    with warnings.catch_warnings(), new_folder(folder) as temporary:
        warnings.filterwarnings("ignore", message="Glyph")  # a title in a script that the font has not
        drawn = _figures(bundle, interpretation)
        for name, figure in drawn.items():
            figure.savefig(temporary / f"{name}.png")
    return [folder / f"{name}.png" for name in drawn]


def _figures(bundle: Bundle, interpretation: Interpretation) -> dict[str, Figure]:
    main = main_directions(bundle, 2)
    listed = bundle.counts["rating"].items >= interpretation.min_ratings
    names = [bundle.title_at(idx) or str(bundle.items.id_at(idx)) for idx in range(len(bundle.items))]
    drawn = {
        "item-map": figures.item_map(
            main.positions[listed],
            [name for name, kept in zip(names, listed.tolist(), strict=True) if kept],
            bundle.counts["rating"].items[listed],
            main.share,
        ),
        "biases": figures.bias_chart(
            [item.title or str(item.item_id) for item in (*interpretation.highest, *interpretation.lowest[::-1])],
            [item.bias for item in (*interpretation.highest, *interpretation.lowest[::-1])],
            interpretation.min_ratings,
        ),
    }
    rows = [row for row in history.read(bundle.run_folder) if row.scorer == "rating"]
    if rows:
        drawn["learning-curves"] = figures.learning_curves(rows, find_objective("rating"))
        drawn["schedule"] = figures.schedule(rows)
    for part in ("test", "valid"):
        ratings = held_out_ratings(bundle, part)
        if ratings is not None:
            predicted = bundle.rating.rate(ratings.user_idx, ratings.item_idx, ratings.timestamp)
            bins = calibration(predicted, ratings.rating)
            name = "test" if part == "test" else "validation"
            drawn["predicted-against-actual"] = figures.actual_by_prediction(ratings.rating, predicted, bins, name)
            break
    return drawn
