"""The comparison of golden runs finds every change, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden.comparison import Comparison, ExpectedChange, compare, read_expected_changes
from golden.errors import GoldenError
from golden.snapshot import Snapshot
from golden.table import print_table

BASE = Snapshot({"sgd/model.safetensors:user_bias": "F32 [3] ab"}, {"sgd/metrics.json:test.rmse": "0.93"})


def changed(*, tensors: dict[str, str] | None = None, values: dict[str, str] | None = None) -> Snapshot:
    return Snapshot({**BASE.tensors, **(tensors or {})}, {**BASE.values, **(values or {})})


def test_equal_snapshots_have_no_difference() -> None:
    comparison = compare("sgd", BASE, BASE)
    assert comparison.result == "equal"
    assert (comparison.n_tensors, comparison.n_values) == (1, 1)


def test_a_changed_tensor_is_a_difference() -> None:
    comparison = compare("sgd", BASE, changed(tensors={"sgd/model.safetensors:user_bias": "F32 [3] ac"}))
    assert comparison.differences == {"sgd/model.safetensors:user_bias": "F32 [3] ab → F32 [3] ac"}


def test_a_changed_number_is_a_difference() -> None:
    comparison = compare("sgd", BASE, changed(values={"sgd/metrics.json:test.rmse": "0.9300000000000001"}))
    assert comparison.differences == {"sgd/metrics.json:test.rmse": "0.93 → 0.9300000000000001"}


@pytest.mark.parametrize("here", [Snapshot(BASE.tensors, {}), Snapshot({}, BASE.values)])
def test_a_missing_key_is_a_difference(here: Snapshot) -> None:
    (difference,) = compare("sgd", BASE, here).differences.values()
    assert difference.endswith("→ missing")


def test_an_added_key_is_listed_and_no_difference() -> None:
    comparison = compare("sgd", BASE, changed(values={"sgd/metrics.json:scorers.rating": '"sgd"'}))
    assert comparison.result == "equal"
    assert comparison.added == ("sgd/metrics.json:scorers.rating",)


def test_a_row_that_fails_differs_even_if_it_fails_in_both_trees() -> None:
    failed = Snapshot({}, {}, "exit code 4")
    assert compare("sgd", BASE, failed).result == "DIFFERS"
    assert compare("sgd", failed, failed).result == "DIFFERS"


def test_a_row_that_wrote_nothing_differs() -> None:
    assert compare("sgd", Snapshot({}, {}), BASE).result == "DIFFERS"


def test_a_stated_change_covers_its_keys_alone() -> None:
    expected = (ExpectedChange("sgd", "*metrics.json:test.*", "better"),)
    here = changed(
        tensors={"sgd/model.safetensors:user_bias": "F32 [3] ac"}, values={"sgd/metrics.json:test.rmse": "1"}
    )
    comparison = compare("sgd", BASE, here, expected)
    assert list(comparison.stated) == ["sgd/metrics.json:test.rmse"]
    assert list(comparison.differences) == ["sgd/model.safetensors:user_bias"]
    assert (
        compare("sgd", BASE, changed(values={"sgd/metrics.json:test.rmse": "1"}), expected).result
        == "changed as stated"
    )


def test_a_stated_change_that_did_not_happen_is_reported() -> None:
    change = ExpectedChange("s*", "*metrics.json:*", "better")
    assert compare("sgd", BASE, BASE, (change,)).unmatched == (change,)
    assert compare("adamw", BASE, BASE, (change,)).unmatched == ()


def test_brackets_in_a_pattern_stand_for_themselves() -> None:
    change = ExpectedChange("sgd", "sgd/history.jsonl:[3].lr", "better")
    assert change.covers("sgd", "sgd/history.jsonl:[3].lr")
    assert not change.covers("sgd", "sgd/history.jsonl:3.lr")


def test_expected_changes_are_read_and_a_line_without_reason_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "changes.txt"
    path.write_text("# comment\n\ngibbs-* | *metrics.json:* | a rater counts\n", encoding="utf-8")
    assert read_expected_changes(path) == (ExpectedChange("gibbs-*", "*metrics.json:*", "a rater counts"),)
    path.write_text("gibbs-* | *metrics.json:*\n", encoding="utf-8")
    with pytest.raises(GoldenError, match=r"changes\.txt:1"):
        read_expected_changes(path)


def test_the_expected_changes_of_this_checkout_can_be_read() -> None:
    read_expected_changes()


def table(comparison: Comparison, capsys: pytest.CaptureFixture[str]) -> str:
    print_table([comparison], 3)
    return capsys.readouterr().out


def test_the_table_names_differences_additions_and_changes_that_did_not_happen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = changed(values={"sgd/metrics.json:test.rmse": "1", "sgd/history.jsonl:[0].scorer": '"rating"'})
    shown = table(compare("sgd", BASE, here, (ExpectedChange("sgd", "tune*", "better"),)), capsys)
    assert "DIFFERS (1 differ, 1 added)" in shown
    assert "sgd/metrics.json:test.rmse: 0.93 → 1" in shown
    assert "added: history.jsonl:[].scorer (1 times)" in shown
    assert "stated, but equal: sgd | tune* | better" in shown
    assert "1 of 1 rows differ" in shown


def test_the_table_of_equal_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no row differs but as stated" in table(compare("sgd", BASE, BASE), capsys)
