"""Whatever write a kill or a full disk cuts short, the same command or a resume comes to the same bytes."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts.overview import describe
from recsys.config.schema.config import Config
from recsys.config.schema.start import Start
from recsys.core.errors import RunError
from recsys.workflows.cross_validate import cross_validate
from recsys.workflows.fold_in_run import fold_in_run
from recsys.workflows.train import train

Small = Callable[..., Config]
Content = Callable[[Path], dict[str, Any]]
Job = Callable[[Path], object]
SGD = {"training": {"method": "sgd", "n_epochs": 3}}


class Disk:
    """Writes below a folder, of which one and all that follow fail.

    Attributes:
        n_writes: so far.
        fails_at: the number of the first that fails; None: none does.
        removes: whether files can be removed all the same, as on a full disk; a killed process removes nothing.
    """

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.n_writes, self.fails_at, self.removes = 0, None, False
        self._root = str(root)
        for name in ("mkdir", "rename", "replace"):
            patch.setattr(os, name, self._counted(getattr(os, name), lambda *_: True))
        for name in ("unlink", "rmdir"):
            patch.setattr(os, name, self._counted(getattr(os, name), lambda *_: not self.removes))
        patch.setattr(os, "open", self._counted(os.open, lambda flags, *_: flags & (os.O_WRONLY | os.O_RDWR)))
        patch.setattr(io, "open", self._counted(io.open, lambda mode="r", *_: set(mode) & set("wax+")))

    fails_at: int | None

    def _counted(self, function: Callable[..., Any], is_write: Callable[..., object]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **named: Any) -> Any:
            is_here = "dir_fd" in named or (not isinstance(path, int) and str(path).startswith(self._root))
            if is_here and is_write(*arguments, *([named["mode"]] if function is io_open and "mode" in named else [])):
                self.n_writes += 1
                if self.fails_at is not None and self.n_writes >= self.fails_at:
                    raise OSError(errno.ENOSPC, "No space left on device", str(path))
            return function(path, *arguments, **named)

        return call


io_open = io.open


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path / "runs", monkeypatch)


@pytest.fixture
def job(request: pytest.FixtureRequest, small: Small, finished: Path, tmp_path: Path) -> Job:
    """A job that writes into a folder, and after an interruption does the rest."""
    new = tmp_path / "new.csv"
    new.write_text("userId,movieId,rating\n" + "".join(f"99,{item},4\n" for item in range(100, 110)))
    start = Start(run=finished, like_run=True, hold_out_from=50)
    configs = {
        "train": small(**SGD),
        "refit": small(**SGD, ranking={"embedding_dim": 3, "n_epochs": 2}, refit=True),
        "start": small(data={"ratings": str(new)}).model_copy(update={"start": start}),
    }

    def train_or_resume(folder: Path) -> None:
        train(configs[request.param], folder, resume=(folder / "config.yaml").exists())

    def fold_in(folder: Path) -> None:
        if not (folder / "metrics.json").exists():
            fold_in_run(finished, new, folder)

    def validate(folder: Path) -> None:
        cross_validate(small(**SGD), 2, folder, jobs=1)

    return {"fold-in": fold_in, "cross-validate": validate}.get(request.param, train_or_resume)


@pytest.mark.parametrize(
    ("job", "every"),
    [
        ("train", 19),
        *(
            pytest.param(name, every, marks=pytest.mark.slow)
            for name, every in {"train": 1, "refit": 7, "start": 3, "fold-in": 1, "cross-validate": 7}.items()
        ),
    ],
    indirect=["job"],
)
def test_a_job_that_is_cut_short_at_any_write_comes_to_the_same_bytes(
    job: Job, every: int, disk: Disk, content: Content, tmp_path: Path
) -> None:
    job(tmp_path / "runs" / "whole" / "run")
    whole, n_writes = content(tmp_path / "runs" / "whole" / "run"), disk.n_writes
    assert n_writes > 20
    for at in range(1, n_writes + 1, every):
        folder = tmp_path / "runs" / str(at) / "run"
        folder.parent.mkdir()
        disk.n_writes, disk.fails_at, disk.removes = 0, at, at % 2 == 0
        with contextlib.suppress(RunError, *([] if disk.removes else [OSError])):  # a kill goes by our errors too
            job(folder)
        disk.fails_at = None
        job(folder)
        assert content(folder) == whole, at
        assert describe_all(folder), at
        shutil.rmtree(folder.parent)


def describe_all(folder: Path) -> bool:
    """Whether every run in a folder is whole."""
    runs = [path.parent for path in folder.rglob("config.yaml")]
    return bool(runs) and all(describe(run, verify=True)["status"] == "finished" for run in runs)
