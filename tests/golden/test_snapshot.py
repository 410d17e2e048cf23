"""A snapshot holds every tensor and number of a folder, under the same keys for both layouts of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from golden.comparison import compare
from golden.errors import GoldenError
from golden.normalise import is_omitted, normalise
from golden.snapshot import Snapshot, flatten, read_snapshot

OLD_ROWS = [
    {"epoch": 1, "lr": 0.02, "train_rmse": 1.05, "valid_rmse": None, "valid_mae": None, "seconds": 0.1},
    {"epoch": 2, "lr": 0.01, "train_rmse": 0.99, "valid_rmse": 1.01, "valid_mae": 0.78, "seconds": 0.2},
]
NEW_ROWS = [
    {"scorer": "rating", "epoch": 1, "lr": 0.02, "seconds": 0.3, "train": {"rmse": 1.05}, "valid": None},
    {
        "scorer": "rating",
        "epoch": 2,
        "lr": 0.01,
        "seconds": 0.4,
        "train": {"rmse": 0.99},
        "valid": {"rmse": 1.01, "mae": 0.78},
    },
]


def snapshot_of_tensor(folder: Path, array: np.ndarray, name: str = "user_bias") -> Snapshot:
    path = folder / "sgd" / "run" / "checkpoints" / "epoch-0002" / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: array, "item_bias": np.ones(2, np.float32)}, path)
    return read_snapshot(folder / "sgd")


def snapshot_of_file(folder: Path, name: str, text: str) -> Snapshot:
    path = folder / "sgd" / "run" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_snapshot(folder / "sgd")


def history(folder: Path, rows: list[dict[str, object]]) -> Snapshot:
    return snapshot_of_file(folder, "history.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def test_a_flipped_bit_in_a_tensor_is_found(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32)
    base = snapshot_of_tensor(tmp_path, array)
    array.view(np.uint32)[3] ^= 1
    differences = compare("sgd", base, snapshot_of_tensor(tmp_path, array)).differences
    assert list(differences) == ["sgd/run/checkpoints/epoch-0002/model.safetensors:user_bias"]


@pytest.mark.parametrize("change", [lambda a: a.reshape(2, 3), lambda a: a.view(np.int32)])
def test_another_shape_or_type_of_the_same_bytes_is_found(tmp_path: Path, change) -> None:
    array = np.arange(6, dtype=np.float32)
    base = snapshot_of_tensor(tmp_path, array)
    assert compare("sgd", base, snapshot_of_tensor(tmp_path, change(array))).differences


def test_a_scorer_before_the_name_of_a_tensor_is_no_difference(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32)
    base = snapshot_of_tensor(tmp_path, array)
    assert compare("sgd", base, snapshot_of_tensor(tmp_path, array, "rating.user_bias")).result == "equal"
    assert compare("sgd", base, snapshot_of_tensor(tmp_path, array + 1, "rating.user_bias")).result == "DIFFERS"


def test_a_changed_array_of_an_npz_is_found(tmp_path: Path) -> None:
    (tmp_path / "sgd").mkdir()
    snapshots = []
    for value in (1.0, 1.0, 2.0):
        np.savez(tmp_path / "sgd" / "factors.npz", user_bias=np.full(3, value), item_bias=np.zeros(2))
        snapshots.append(read_snapshot(tmp_path / "sgd"))
    assert compare("sgd", snapshots[0], snapshots[1]).result == "equal"
    assert list(compare("sgd", snapshots[0], snapshots[2]).differences) == ["sgd/factors.npz:user_bias.npy"]


def test_a_changed_byte_of_a_csv_is_found(tmp_path: Path) -> None:
    base = snapshot_of_file(tmp_path, "top.csv", "1,4.077481\n")
    assert list(compare("sgd", base, snapshot_of_file(tmp_path, "top.csv", "1,4.077480\n")).differences) == [
        "sgd/run/top.csv:bytes"
    ]


def test_a_number_of_a_json_or_yaml_file_is_found(tmp_path: Path) -> None:
    for name in ("metrics.json", "config.yaml"):
        base = snapshot_of_file(tmp_path, name, '{"test": {"rmse": 0.1}, "groups": []}')
        here = snapshot_of_file(tmp_path, name, '{"test": {"rmse": 0.10000000000000002}, "groups": []}')
        assert list(compare("sgd", base, here).differences) == [f"sgd/run/{name}:test.rmse"]


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    base = snapshot_of_file(tmp_path, "checkpoints/last", "epoch-0002")
    (tmp_path / "sgd" / "run" / "checkpoints" / "last").unlink()
    assert compare("sgd", base, read_snapshot(tmp_path / "sgd")).differences


def test_a_list_has_its_length_so_that_an_added_entry_is_found() -> None:
    assert dict(flatten({"a": [1, {"b": None}], "c": {}})) == {"a#": "2", "a[0]": "1", "a[1].b": "null", "c": "{}"}


def test_both_layouts_of_history_rows_are_equal(tmp_path: Path) -> None:
    comparison = compare("sgd", history(tmp_path, OLD_ROWS), history(tmp_path, NEW_ROWS))
    assert comparison.differences == {}
    assert comparison.added == ("sgd/run/history.jsonl:[0].scorer", "sgd/run/history.jsonl:[1].scorer")
    assert compare("sgd", history(tmp_path, NEW_ROWS), history(tmp_path, OLD_ROWS)).differences.keys() == set(
        comparison.added
    )


@pytest.mark.parametrize(
    ("position", "change", "keys"),
    [
        (0, {"train": {"rmse": 1.06}}, ["[0].train.rmse"]),
        (0, {"valid": {"rmse": 1.0, "mae": 0.7}}, ["[0].valid.rmse", "[0].valid.mae"]),
        (1, {"valid": {"rmse": 1.01}}, ["[1].valid.mae"]),
        (1, {"valid": None}, ["[1].valid.rmse", "[1].valid.mae"]),
        (1, {"lr": 0.02}, ["[1].lr"]),
    ],
)
def test_a_change_in_the_new_layout_of_history_rows_is_found(
    tmp_path: Path, position: int, change: dict[str, object], keys: list[str]
) -> None:
    base = history(tmp_path, OLD_ROWS)
    rows: list[dict[str, object]] = [dict(row) for row in NEW_ROWS]
    rows[position].update(change)
    differences = compare("sgd", base, history(tmp_path, rows)).differences
    assert list(differences) == [f"sgd/run/history.jsonl:{key}" for key in keys]


def test_one_more_history_row_is_found(tmp_path: Path) -> None:
    differences = compare("sgd", history(tmp_path, OLD_ROWS[:1]), history(tmp_path, OLD_ROWS)).differences
    assert differences == {"sgd/run/history.jsonl:#": "1 → 2"}


def test_times_versions_and_checksums_are_left_out_and_nothing_beside_them() -> None:
    for key in (
        "sgd/run/metrics.json:fit_seconds",
        "sgd/run/history.jsonl:[3].seconds",
        "sgd/run/metrics.json:ratings_per_second",
        "sgd/run/serving/serving.json:format",
        "sgd/run/serving/serving.json:checksum",
        "sgd/run/serving/serving.json:files.users.safetensors.bytes",
        "sgd/run/checkpoints/epoch-0002/state.json:versions.numpy",
        "sgd/run/checkpoints/epoch-0002/state.json:data.ratings",
    ):
        assert is_omitted(key), key
    for key in (
        "sgd/run/metrics.json:n_epochs",
        "sgd/run/metrics.json:train.n_ratings",
        "sgd/run/serving/serving.json:data.encoding",
        "sgd/run/checkpoints/epoch-0002/state.json:epoch",
        "sgd/run/serving/users.safetensors:ids",
    ):
        assert not is_omitted(key), key


def test_two_values_for_one_key_are_refused() -> None:
    rows = {"a/history.jsonl:[0].train_rmse": "1", "a/history.jsonl:[0].train.rmse": "2"}
    with pytest.raises(GoldenError, match="two values"):
        normalise(rows)


def test_the_folder_of_the_tree_is_left_out_of_values(tmp_path: Path) -> None:
    snapshot = snapshot_of_file(tmp_path, "config.yaml", json.dumps({"ratings": str(tmp_path / "inputs" / "r.csv")}))
    assert snapshot.values == {"sgd/run/config.yaml:ratings": '"./inputs/r.csv"'}
