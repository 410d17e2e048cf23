"""A dumped config loads back to an equal one, whatever is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config.loading.dump import dump, inline
from recsys.config.loading.load import config_from, load_config
from recsys.config.loading.yaml_nodes import read_yaml
from recsys.config.schema.config import Config

TRICKY = [
    "no",
    "1:30",
    "010",
    "5e-3",
    "1e5",
    "~",
    "",
    " a ",
    "a: b",
    "#x",
    "- y",
    "'",
    '"',
    "\\",
    "é",
    "\x85",
    "\u2028",
]
text = st.one_of(st.sampled_from(TRICKY), st.text(max_size=20))
number = st.floats(-1e30, 1e30)
positive = st.floats(min_value=1e-320, max_value=1e6)
count = st.integers(1, 1024)
auto = st.just("auto")
name = st.one_of(text, st.integers(1, 99))
path = text.filter(lambda value: value.strip() and "\0" not in value and not value.startswith("~"))


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any choice of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


columns = some(user=name, item=name, rating=name, timestamp=st.one_of(name, st.just(False)))
configs = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {"ratings": path},
            optional={
                "columns": columns,
                "items": path,
                "duplicates": st.sampled_from(["error", "last", "first"]),
                "delimiter": st.text(min_size=1, max_size=8),
                "header": st.sampled_from(["auto", True, False]),
                "encoding": text,
            },
        )
    },
    optional={
        "split": some(
            method=st.sampled_from(["random", "user_random", "time", "user_time", "leave_last"]),
            valid_fraction=st.floats(0.1, 0.4),
            test_fraction=st.floats(0, 0.4),
        ),
        "model": some(
            embedding_dim=st.integers(1, 4096),
            biases=st.booleans(),
            y_range=st.tuples(number, number).filter(lambda pair: pair[0] < pair[1]),
        ),
        "training": st.fixed_dictionaries(
            {"method": st.just("adamw")},
            optional={
                "n_epochs": count,
                "batch_size": auto | count,
                "lr_max": auto | positive,
                "weight_decay": auto | positive,
                "keep": st.sampled_from(["last", "best"]),
                "patience": st.none() | count,
                "schedule": st.sampled_from(["one_cycle", "constant", "flat_cosine"]),
            },
        ),
        "seed": st.integers(0, 2**63 - 1),
    },
)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Config]:
    file = tmp_path_factory.mktemp("configs") / "c.yaml"

    def write_and_load(content: str) -> Config:
        file.write_bytes(content.encode())
        return load_config(file)

    return write_and_load


@settings(max_examples=2 * settings.default.max_examples, derandomize=True)
@given(configs)
def test_a_dumped_config_loads_back_to_an_equal_one(load: Callable[[str], Config], values: dict[str, Any]) -> None:
    config = config_from(values, Path("/somewhere"))
    assert load(dump(config)) == config


@settings(derandomize=True)
@given(st.recursive(st.none() | st.booleans() | st.integers() | number | text, st.lists, max_leaves=4))
def test_a_value_on_one_line_reads_back(value: object) -> None:
    written = inline(value)
    assert len(written.splitlines()) <= 1
    assert read_yaml(f"key: {written}\n", lambda *_: "").value == {"key": value}


@pytest.mark.parametrize("value", ["no", "1:30", "010", "5e-3", "2024-01-31", "1_000", "0x10", "null", "=", "<<"])
def test_text_that_any_yaml_reader_takes_for_something_else_is_quoted(value: str) -> None:
    assert inline(value)[0] in "'\""
    assert yaml.safe_load(inline(value)) == value


def test_a_dump_shows_every_key_that_has_a_value() -> None:
    written = dump(config_from({"data": {"ratings": "r.csv"}, "model": {"y_range": (0, 5.5)}}, Path("/base")))
    assert f"  ratings: {Path('/base').absolute().as_posix()}/r.csv\n" in written
    assert "  y_range: [0.0, 5.5]\n" in written
    assert "  n_threads: auto\n" in written
    assert "null" not in written
