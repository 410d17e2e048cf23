from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.artifacts.checkpoint import checkpoints, newest_checkpoint, open_checkpoint, read_state, write_checkpoint
from recsys.artifacts.manifest import FORMAT, CheckpointManifest
from recsys.core.errors import RunError
from recsys.core.types import State
from recsys.data.scale import Scale

MANIFEST = CheckpointManifest(
    format=FORMAT,
    fit="rating",
    scorer="rating",
    epoch=0,
    seed=42,
    data={"ratings": "0" * 64},
    config={"seed": 42},
    scale=Scale(3.0, 1.0, 1.0, 5.0),
    training={"method": "sgd", "lr_max": 0.04, "freeze": []},
    versions={"recsys": "0.1.0"},
)


def write(folder: Path, *epochs: int) -> None:
    for epoch in epochs:
        state = State(epoch, {"user_bias": np.full(2, epoch, np.float32)}, {"exp_avg": np.zeros(2, np.float32)})
        write_checkpoint(folder, {"rating": state}, MANIFEST)


def names(folder: Path) -> list[str]:
    return [path.name for path in checkpoints(folder)]


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, 5)
    checkpoint = open_checkpoint(tmp_path / "epoch-0005")
    state = read_state(checkpoint, "rating")
    assert (state.epoch, checkpoint.manifest.seed) == (5, 42)
    assert state.model["user_bias"].tolist() == [5, 5]
    assert state.learner["exp_avg"].tolist() == [0, 0]


def test_the_two_newest_are_kept_and_last_names_the_newest(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3, 10)
    assert names(tmp_path) == ["epoch-0003", "epoch-0010"]
    assert (tmp_path / "last").read_text() == "epoch-0010\n"
    assert newest_checkpoint(tmp_path) == tmp_path / "epoch-0010"


def test_checkpoints_are_in_the_order_of_their_epochs_beyond_four_digits(tmp_path: Path) -> None:
    write(tmp_path, 9998, 9999, 10_000)
    assert names(tmp_path) == ["epoch-9999", "epoch-10000"]


def test_where_last_is_not_there_the_newest_counts(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)
    (tmp_path / "last").unlink()
    assert newest_checkpoint(tmp_path) == tmp_path / "epoch-0002"


def test_before_the_first_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path) is None
    assert newest_checkpoint(tmp_path / "not there") is None


@pytest.mark.parametrize("content", ["epoch-0007\n", "", "\n", "../epoch-0002", "epoch-0002/model.safetensors", "\0"])
def test_a_last_that_names_no_checkpoint_is_refused(tmp_path: Path, content: str) -> None:
    write(tmp_path, 1, 2)
    (tmp_path / "last").write_text(content)
    with pytest.raises(RunError, match="last names") as caught:
        newest_checkpoint(tmp_path)
    assert caught.value.where == str(tmp_path / "last")


def test_every_flip_of_last_is_refused_or_names_another_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)
    whole = (tmp_path / "last").read_bytes()
    for at in range(len(whole)):
        (tmp_path / "last").write_bytes(whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :])
        if at < len(whole) - 1:
            with pytest.raises(RunError, match="last names"):
                newest_checkpoint(tmp_path)


def test_what_a_kill_left_aside_is_no_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / ".writing-epoch-0002").mkdir()
    assert names(tmp_path) == ["epoch-0001"]
