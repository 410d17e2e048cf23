"""The live display on a terminal."""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress import Progress

from recsys.cli.progress import LiveProgress, epoch_line
from recsys.core.events import Epoch, FitStart, Step


def test_a_fit_does_not_begin_with_the_speed_of_the_one_before() -> None:
    progress = Progress("{task.description}", console=Console(file=io.StringIO()))
    live = LiveProgress(progress)
    live(Epoch(1, 1, 0.1, {}, 0.5, 5e6))
    live(FitStart("ranking", 2, 2))
    live(Step(1, 8, 0, 100, 0.0))
    assert [task.description for task in progress.tasks] == ["epoch 1/8"]


def test_an_epoch_of_the_ranking_scorer_goes_through_interactions() -> None:
    epoch = Epoch(1, 8, 0.0, {}, 0.5, 5e6)
    assert epoch_line(epoch, "ranking").endswith(" 5.0M interactions/s")
    assert epoch_line(epoch, "rating").endswith(" 5.0M ratings/s")
