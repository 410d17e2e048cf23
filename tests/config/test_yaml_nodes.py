"""YAML as people mean it."""

from __future__ import annotations

import math

import pytest

from recsys.config.loading.yaml_nodes import read_yaml
from recsys.core.errors import ConfigError


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
        ("a: !!python/name:os.system {b: 1}", "the tag !!python/name:os.system means nothing here"),
        ("a: !mine [1]", "the tag !mine means nothing here"),
        ("!mine {a: 1}", "the tag !mine means nothing here"),
        ("a: {<<: !mine {b: 1}}", "the tag !mine means nothing here"),
        ("!mine a: 1", "the tag !mine means nothing here"),
        ("a: {<<: 3}", "<< takes a mapping, and this is none"),
        ("a: &a {<<: *a}", "<< takes another mapping, and this is the one around it"),
        (f"a: {'9' * 5000}", f"'{'9' * 59}…' is not a number"),
    ],
)
def test_what_can_be_read_past_is_kept_as_an_error(text: str, what: str) -> None:
    ((line, error),) = read_yaml(text, lambda _, line: str(line)).errors
    assert (line, error.what, error.where) == (1, what, "1")


def test_a_merged_mapping_brings_what_was_merged_into_it() -> None:
    text = "a: &a {k: 1, l: 1}\nb: &b {<<: *a, l: 2, m: 2}\nc: {<<: *b, m: 3}\n"
    assert read(text)["c"] == {"k": 1, "l": 2, "m": 3}  # type: ignore[index]


def nested_aliases(as_merges: bool) -> str:
    """Ten aliases of ten aliases, nine levels deep."""
    parts = ["a0: &a0 {k: 1}" if as_merges else "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 10):
        aliases = f"[{', '.join([f'*a{level - 1}'] * 10)}]"
        parts.append(f"a{level}: &a{level} " + (f"{{<<: {aliases}}}" if as_merges else aliases))
    return "\n".join(parts)


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        (nested_aliases(as_merges=False), "holds more than 100,000 values", "5"),
        (nested_aliases(as_merges=True), "holds more than 100,000 values", "6"),
        ("a:\n  " + "[" * 500 + "]" * 500, "go deeper than 32 levels", "2"),
        ("a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 99)), "go deeper than 32", "31"),
        ("a: {" * 2000, "go deeper than 32 levels", "1"),
        ("a: " + "[" * 5000, "go deeper than 32 levels", "1"),
        ("a: " + "x" * (4 << 20), "longer than 4 MB", "1"),
    ],
    ids=["aliases", "merges", "brackets", "chain", "open", "read ahead", "long"],
)
def test_what_would_fill_memory_or_stack_is_refused_by_its_line(text: str, what: str, line: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        read_yaml(text, lambda _, number: str(number))
    assert caught.value.where == line
