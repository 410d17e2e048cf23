"""What a model has learned: interpreted, reported, and shown layer by layer."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

from recsys.api.paths import PathLike, as_path, as_run
from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.outputs import check_output, refuse_data_of, refuse_run_files, write_output
from recsys.core.arguments import PATH, TEXT, count, optional
from recsys.core.checked import checked
from recsys.models.layers import Anatomy
from recsys.reporting import interpret as interpreting
from recsys.reporting import layers as anatomies
from recsys.reporting import page as pages
from recsys.reporting import report as reporting
from recsys.reporting import save_figures
from recsys.reporting.interpret import Interpretation


@checked(run=optional(PATH), n=count(), n_directions=count(), min_ratings=optional(count()), figures=optional(PATH))
def interpret(
    run: PathLike | None = None,
    n: int = 10,
    *,
    n_directions: int = 5,
    min_ratings: int | None = None,
    figures: PathLike | None = None,
) -> Interpretation:
    """What a run has learned: biases, and the main directions of taste.

    Args:
        run: a run; None: the default run.
        n: items in each list.
        n_directions: how many directions.
        min_ratings: training ratings of an item that is listed; None: 30, or fewer where few items have as many.
        figures: a new or empty folder for PNG figures, whose paths are then `figures` of the result; None: none.
    Raises:
        RunError: there is none, it is damaged, its model is no dot product, or the folder is in use.
        MissingExtraError: figures need matplotlib.
        UsageError: no item has `min_ratings` training ratings.
    """
    bundle = open_bundle(as_run(run))
    if figures is not None:
        refuse_run_files(as_path(figures))
        save_figures.check(as_path(figures))
    interpretation = interpreting.interpret(bundle, n, n_directions, min_ratings)
    if figures is None:
        return interpretation
    return replace(interpretation, figures=tuple(save_figures.draw_all(bundle, interpretation, as_path(figures))))


class WrittenReport(TypedDict):
    """A page on a run: where it is, its size, the run's name, and section → why the run has nothing for it."""

    output: str
    bytes: int
    run: str
    missing: dict[str, str]


@checked(run=optional(PATH), output=PATH)
def report(run: PathLike | None = None, output: PathLike = "report.html") -> WrittenReport:
    """Writes one HTML page on a run: accuracy, where it errs, and what it has learned.

    Args:
        run: a run; None: the default run.
        output: the page, which needs no other file.
    Raises:
        RunError: there is no such run, or the page cannot be written there.
        UsageError: the run was trained on this file.
    """
    path = as_path(output)
    check_output(path, name="report.html")
    served = open_bundle(as_run(run))
    refuse_data_of(path, served.run_folder)
    content = reporting.report(served.find_measured() or served)
    page = pages.page(content)
    write_output(path, page)
    return {
        "output": str(output),
        "bytes": len(page.encode()),
        "run": content["run"]["name"],
        "missing": content["missing"],
    }


@checked(path=PATH, scorer=optional(TEXT))
def layers(path: PathLike, *, scorer: str | None = None) -> Anatomy:
    """The layers of a run's model, parameters and activations, in the order of the computation.

    Args:
        path: a run, finished or not, or one of its checkpoints.
        scorer: "rating" or "ranking"; None: the first that the run has.
    Raises:
        RunError: there is no run, no checkpoint or no such scorer, or it is damaged.
    """
    return anatomies.anatomy(as_run(path), scorer)
