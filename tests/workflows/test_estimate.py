from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recsys.config.schema.config import Config
from recsys.workflows import estimate as workflow
from recsys.workflows.estimate import estimate


@pytest.mark.parametrize(("method", "moments"), [("adamw", 2), ("sgd", 0)])
def test_an_estimate_counts_what_a_run_will_hold(
    small: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, moments: int
) -> None:
    monkeypatch.chdir(tmp_path)
    figures = estimate(small(training={"method": method}))
    assert (figures["n_ratings"], figures["n_users"], figures["n_items"], figures["method"]) == (720, 40, 50, method)
    assert figures["n_parameters"] == (40 + 50) * (4 + 1) + 1
    assert figures["data_bytes"] == 900 * (4 + 4 + 4 + 8)
    assert figures["training_bytes"] >= 720 * 8 + 4 * (1 + moments) * figures["n_parameters"] - 8
    assert figures["fit_seconds"] == pytest.approx(4 * figures["epoch_seconds"])
    assert figures["epoch_seconds"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_long_epoch_is_measured_on_a_part_of_it(
    small: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = estimate(small())["epoch_seconds"]
    monkeypatch.setattr(workflow, "LONGEST_SECONDS", 0.0)
    assert 0 < estimate(small())["epoch_seconds"] < 20 * whole


def test_an_estimate_counts_what_is_learned_again_of_the_run_to_start_from(
    small: Callable[..., Config], finished: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.csv"
    new.write_text("userId,movieId,rating,timestamp\n" + "".join(f"777,{item},5,1000000\n" for item in range(100, 110)))
    start = {"run": str(finished), "replay": 1.0}
    no_split = {"valid_fraction": 0, "test_fraction": 0}
    figures = estimate(small(data={"ratings": str(new)}, split=no_split, start=start))
    assert (figures["n_ratings"], figures["n_users"], figures["n_items"]) == (720 + 10, 40 + 1, 50)
