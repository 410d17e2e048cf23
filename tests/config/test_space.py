from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recsys.config.loading.load import config_from
from recsys.config.plans import plans
from recsys.config.space import Range, check_space, config_with, default_space, read_space
from recsys.core.errors import ConfigError

BASE: dict[str, Any] = {"data": {"ratings": "r.csv"}}


@pytest.mark.parametrize("method", ["sgd", "adamw", "gibbs"])
@pytest.mark.parametrize("kind", ["dot_product", "svdpp", "embedding_net"])
def test_the_default_space_fits_every_model_that_the_method_fits(method: str, kind: str) -> None:
    try:
        config = config_from({**BASE, "model": {"kind": kind}, "training": {"method": method}}, Path("/"))
    except ConfigError:
        return
    for plan in plans(config):
        space = default_space(plan)
        assert space
        check_space(space, config)


def test_a_space_is_read(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "training.lr_max: {low: 0.01, high: 0.1, log: true}\ntraining.n_epochs: {low: 5, high: 9}\n"
        "model.embedding_dim: [8, 16]\n"
    )
    assert read_space(path, config_from(BASE, Path("/"))) == {
        "training.lr_max": Range(0.01, 0.1, log=True),
        "training.n_epochs": Range(5, 9),
        "model.embedding_dim": (8, 16),
    }


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("training.lr_max: {low: 0.1, high: 0.01}", "is no range"),
        ("training.lr_max: {low: 0, high: 0.1, log: true}", "is no range"),
        ("training.lr_max: {low: a, high: b}", "is no range"),
        ("training.lr_max: []", "is no range"),
        ("training.lr_mx: {low: 0.1, high: 0.2}", "no key"),
        ("model.embedding_dim: {low: 0, high: 5}", "too small"),
        ("training.keep: [best, worst]", "worst"),
        ("- a", "no space"),
        ("", "no space"),
        ("a: b: c", "not YAML"),
    ],
)
def test_what_is_no_space_is_refused(text: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(ConfigError, match=what):
        read_space(tmp_path / "space.yaml", config_from(BASE, Path("/")))


@pytest.mark.parametrize("text", ["a: " + "[" * 40, "a: " + "x" * (5 << 20)], ids=["deep", "long"])
def test_a_space_that_is_too_large_is_not_called_a_config(text: str, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_space(tmp_path / "space.yaml", config_from(BASE, Path("/")))
    assert "config" not in str(caught.value.expected)


def test_a_space_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_space(tmp_path / "none.yaml", config_from(BASE, Path("/")))


def test_values_change_a_config_and_nothing_else() -> None:
    config = config_from({**BASE, "model": {"embedding_dim": 7}, "seed": 3}, Path("/"))
    changed = config_with(config, {"training.lr_max": 0.5, "model.clip": False})
    assert changed.training.model_dump() == {**config.training.model_dump(), "lr_max": 0.5}
    assert changed.model.model_dump() == {**config.model.model_dump(), "clip": False}
    assert (changed.data, changed.split, changed.seed) == (config.data, config.split, 3)
