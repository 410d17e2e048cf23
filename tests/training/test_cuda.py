from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recsys.config.schema.config import Config
from recsys.workflows.lr_find import lr_find
from recsys.workflows.train import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

FORMS: list[dict[str, Any]] = [{}, {"y_range": [0, 5.5]}, {"kind": "embedding_net"}]


@pytest.mark.parametrize("form", FORMS, ids=["linear", "sigmoid", "network"])
def test_a_gpu_finds_what_the_cpu_finds(form: dict[str, Any], small: Callable[..., Config], tmp_path: Path) -> None:
    metrics = {
        device: train(small(model=form, training={"device": device, "n_epochs": 8}), tmp_path / device)
        for device in ("cpu", "cuda")
    }
    for part in ("valid", "test"):
        assert metrics["cuda"][part]["rmse"] == pytest.approx(metrics["cpu"][part]["rmse"], abs=5e-3)


@pytest.mark.parametrize("form", FORMS, ids=["linear", "sigmoid", "network"])
def test_a_gpu_goes_on_about_where_it_was_interrupted(
    form: dict[str, Any], small: Callable[..., Config], tmp_path: Path, interrupted: Callable[..., None]
) -> None:
    # not to the bit: the sums of a GPU's gradients come in another order each time
    config = small(model=form, training={"device": "cuda"})
    whole = train(config, tmp_path / "whole")
    interrupted(config, tmp_path / "parts", 2)
    resumed = train(config, tmp_path / "parts", resume=True)
    assert resumed["test"]["rmse"] == pytest.approx(whole["test"]["rmse"], abs=1e-3)


def test_a_gpu_finds_the_same_range_of_learning_rates(small: Callable[..., Config]) -> None:
    curves = {device: lr_find(small(training={"device": device})) for device in ("cpu", "cuda")}
    assert curves["cuda"].lr[:20] == curves["cpu"].lr[:20]
    assert curves["cuda"].loss[:20] == pytest.approx(curves["cpu"].loss[:20], rel=1e-2)
