"""YAML as people mean it."""

from __future__ import annotations

import math

import pytest

from recsys.config.loading.yaml_nodes import read_yaml


def read(text: str) -> object:
    document = read_yaml(text, lambda _, line: str(line))
    assert not document.errors
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-3", 0.005),
        ("1e5", 1e5),
        ("1E+5", 1e5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("-.inf", -math.inf),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        *(
            (text, text)
            for text in ("no", "yes", "on", "off", "y", "1:30", "010", "0x10", "0o7", "1_000", "2024-01-31")
        ),
        *((text, text) for text in ("00.5", "e5", ".", "=", "1e", "tRue", "inf", "nan")),
        ("'5'", "5"),
        ('"\\t"', "\t"),
        ("!!str 5", "5"),
        ("[1, a, {b: no}]", [1, "a", {"b": "no"}]),
        ("1: a", {"1": "a"}),
        ("true: a", {"true": "a"}),
    ],
)
def test_a_value_is_what_it_looks_like(text: str, value: object) -> None:
    result = read(text)
    assert (result, type(result)) == (value, type(value))


def test_each_key_and_entry_has_its_line() -> None:
    document = read_yaml("a:\n  b: 1\n  c: [x,\n    y]\n", lambda _, line: str(line))
    assert document.lines == {("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", 0): 3, ("a", "c", 1): 4}


def test_a_merged_key_has_the_line_of_its_anchor() -> None:
    document = read_yaml("a: &x\n  b: 1\nc:\n  <<: *x\n  d: 2\n", lambda _, line: str(line))
    assert document.value == {"a": {"b": 1}, "c": {"b": 1, "d": 2}}
    assert document.lines["c", "b"] == 2


def test_of_several_merges_the_first_that_has_a_key_counts() -> None:
    text = "a: &a {k: 1}\nb: &b {k: 2, l: 3}\nc: {<<: [*a, *b], m: 4}\n"
    assert read(text)["c"] == {"k": 1, "l": 3, "m": 4}  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: !!int x", "'x' is not a number"),
        ("a: !mine 5", "the tag !mine means nothing here"),
        ("a: {<<: 3}", "<< takes a mapping, and this is none"),
    ],
)
def test_what_can_be_read_past_is_kept_as_an_error(text: str, what: str) -> None:
    ((line, error),) = read_yaml(text, lambda _, line: str(line)).errors
    assert (line, error.what, error.where) == (1, what, "1")
