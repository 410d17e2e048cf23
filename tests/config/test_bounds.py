"""Every number of a config has bounds, and beyond them it is refused with the limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from recsys.config.fields import Variants, _alternatives, fields, variants
from recsys.config.loading.load import config_from, load_config
from recsys.config.loading.problems import ROOT
from recsys.core.errors import ConfigError

CONFIG = "data: {ratings: r.csv}\n"
LOW, HIGH = {"ge", "gt"}, {"le", "lt"}


def numbers(annotation: Any, limits: Any) -> Iterator[set[str]]:
    """Of each number that a value may be, or that a list holds, the kinds of its bounds."""
    for kind, found in _alternatives(annotation, limits):
        if get_origin(kind) is tuple:
            for member in get_args(kind):
                if member is not Ellipsis:
                    yield from numbers(member, ())
        elif kind in (int, float):
            yield {name for limit in found for name in LOW | HIGH if hasattr(limit, name)}


def number_keys(sections: Variants, prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    for section in sections:
        for name, field in fields((section,)).items():
            yield from ((f"{prefix}{name}", bounds) for bounds in numbers(field.annotation, field.metadata))
            yield from number_keys(variants(field), f"{prefix}{name}.")


def test_every_number_has_both_bounds() -> None:
    keys = [*number_keys(ROOT)]
    assert len(keys) > 40
    assert [key for key, bounds in keys if not (bounds & LOW and bounds & HIGH)] == []


def test_every_list_of_numbers_has_a_greatest_length() -> None:
    for key, value in (("training.lr_max", [0.1] * 99), ("model", {"kind": "embedding_net", "layers": [1] * 99})):
        with pytest.raises(ConfigError, match="too long"):
            config_from(nested(key, value), Path.cwd())


@pytest.mark.parametrize("value", [10**39, -(10**39), 10**400, -(10**400), 1e300])
@pytest.mark.parametrize("key", sorted({key for key, _ in number_keys(ROOT)} - {"model.layers", "model.y_range"}))
def test_what_is_beyond_is_an_error_of_the_key(key: str, value: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from(nested(key, [value] if key == "data.no_rating" else value), Path.cwd())
    assert caught.value.where is not None


def nested(key: str, value: object) -> dict[str, Any]:
    values: Any = value
    for part in reversed(key.split(".")):
        values = {part: values}
    return {**values, "data": {"ratings": "r.csv", **values.get("data", {})}}


@pytest.mark.parametrize(
    ("override", "limit"),
    [
        ("training.n_epochs=10000000000", "from 1 to 1000000"),
        ("training.method=adamw training.batch_size=1" + "0" * 30, "from 1 to 1000000000"),
        ("training.n_threads=1000000", "from 1 to 1024"),
        ("training.lr_max=1" + "0" * 400, "up to 1e30"),
        ("training.lr_max=slice(1e-999)", "above 0 and up to 1e+30"),
        ("training.lr_max=slice(1e31)", "above 0 and up to 1e+30"),
        ("split.n_folds=1000000000", "from 2 to 10000"),
        ("model.embedding_dim=10000000", "from 1 to 4096"),
    ],
)
def test_absurd_numbers_are_refused_with_the_limit(tmp_path: Path, override: str, limit: str) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "c.yaml", override.split())
    assert limit in str(caught.value)
    assert len(str(caught.value)) < 1000
