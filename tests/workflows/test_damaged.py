"""A checkpoint that cannot be trusted is refused, and the way on is said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts.run_config import read_run_config
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.workflows.train import train

Small = Callable[..., Config]
Content = Callable[[Path], dict[str, Any]]

FILES = ["state.json", "model.safetensors", "learner.safetensors"]


def flip(data: bytes, share: float) -> bytes:
    at = min(int(len(data) * share), len(data) - 1)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", [0, 0.1, 0.5, 1, "cut", "gone"])
def test_a_damaged_checkpoint_is_refused_and_the_older_one_offered(
    small: Small, begun: Path, name: str, harm: float | str
) -> None:
    path = begun / "checkpoints" / "epoch-0003" / name
    if isinstance(harm, str):
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path.write_bytes(flip(path.read_bytes(), harm))
    if harm == "gone":
        path.unlink()
    with pytest.raises(RunError, match="damaged") as caught:
        train(small(), begun, resume=True)
    assert caught.value.where == str(path)
    assert f"--run-dir {begun} --checkpoint epoch-0002" in (caught.value.hint or "")


def test_the_older_checkpoint_goes_on_to_the_same_bytes(
    small: Small, begun: Path, content: Content, tmp_path: Path
) -> None:
    (begun / "checkpoints" / "epoch-0003" / "model.safetensors").write_bytes(b"")
    train(small(), begun, resume=True, checkpoint="epoch-0002")
    train(small(), tmp_path / "whole" / "run")
    assert content(begun) == content(tmp_path / "whole" / "run")


def test_when_the_older_one_is_damaged_too_only_a_new_run_is_left(small: Small, begun: Path) -> None:
    (begun / "checkpoints" / "epoch-0002" / "model.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="damaged") as caught:
        train(small(), begun, resume=True, checkpoint="epoch-0002")
    assert caught.value.hint == "start a new run"


def test_a_last_that_names_a_missing_checkpoint_is_refused_and_another_offered(small: Small, begun: Path) -> None:
    shutil.rmtree(begun / "checkpoints" / "epoch-0003")
    with pytest.raises(RunError, match="epoch-0003") as caught:
        train(small(), begun, resume=True)
    assert caught.value.where == str(begun / "checkpoints" / "last")
    assert "--checkpoint epoch-0002" in (caught.value.hint or "")


def test_a_checkpoint_that_is_not_there_is_refused(small: Small, begun: Path) -> None:
    with pytest.raises(RunError, match="missing"):
        train(small(), begun, resume=True, checkpoint="epoch-0001")


def test_a_history_that_lost_epochs_is_refused(small: Small, begun: Path) -> None:
    path = begun / "history.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(RunError, match=r"history\.jsonl"):
        train(small(), begun, resume=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_pipe_in_place_of_the_config_is_not_opened(begun: Path) -> None:
    (begun / "config.yaml").unlink()
    os.mkfifo(begun / "config.yaml")
    with pytest.raises(RunError, match="it is a pipe, not a file"):
        read_run_config(begun)
