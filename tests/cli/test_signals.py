"""Ctrl-C, SIGTERM and SIGKILL in real processes, and what goes on after them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recsys.config.loading.load import load_config
from recsys.workflows.train import train

CONFIG = "data: {ratings: ratings.csv}\nmodel: {embedding_dim: 4}\ntraining: {method: adamw, checkpoint_every: 1}\n"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")]

# An epoch takes a tenth of a second: long enough to be interrupted in the middle.
SLOWLY = ("--set", "training.batch_size=1", "--set", "training.n_epochs=6")
TRAIN = ("train", "--config", "config.yaml", *SLOWLY, "--run-dir", "runs/new")
RESUME = ("train", "--resume", "--run-dir", "runs/new")
WAIT = 60
Recsys = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_nohup() -> Iterator[None]:
    """Commands of the tests do not take over that the tests themselves were started with nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def started(data: Path, script: str) -> subprocess.Popen[str]:
    """A training of which the second epoch has been recorded and the third one has begun."""
    (data / "config.yaml").write_text(CONFIG)
    running = subprocess.Popen([script, *TRAIN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("epoch 2/6"):
            return running
    raise AssertionError("the training ended before its second epoch")


def bytes_of(run: Path) -> dict[str, bytes]:
    """The parameters of a run at its end, and what it serves."""
    folders = (run / "checkpoints" / "epoch-0006", run / "serving")
    return {
        str(path.relative_to(run)): path.read_bytes() for folder in folders for path in folder.glob("*.safetensors")
    }


@pytest.fixture(scope="module")
def whole(ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of the same training, not interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "config.yaml").write_text(CONFIG.replace("ratings.csv", str(ratings_csv)))
    config = load_config(folder / "config.yaml", SLOWLY[1::2])
    train(config, folder / "run")
    return bytes_of(folder / "run")


@pytest.mark.parametrize(
    ("number", "code", "word", "stopping"),
    [
        (signal.SIGINT, 130, "interrupted", "stopping; press Ctrl-C again to quit immediately"),
        (signal.SIGTERM, 143, "terminated", "stopping; a second SIGTERM ends it immediately"),
        (signal.SIGHUP, 129, "hung up", "stopping"),
    ],
)
def test_a_training_that_is_stopped_says_how_to_go_on_and_does(
    number: signal.Signals,
    code: int,
    word: str,
    stopping: str,
    started: subprocess.Popen[str],
    recsys: Recsys,
    whole: dict[str, bytes],
) -> None:
    started.send_signal(number)
    out, stderr = started.communicate(timeout=WAIT)
    assert (started.returncode, out) == (code, "")
    assert stderr.splitlines()[-3:] == [
        stopping,
        f"error: {word}",
        "  hint: resume it: recsys train --resume --run-dir runs/new",
    ]
    assert not list(Path("runs").glob(".*"))
    assert recsys(*RESUME).code == 0
    assert bytes_of(Path("runs/new")) == whole


def test_a_training_that_is_killed_goes_on(
    started: subprocess.Popen[str], recsys: Recsys, whole: dict[str, bytes]
) -> None:
    started.kill()
    started.communicate(timeout=WAIT)
    assert not Path("runs/new/metrics.json").exists()
    assert recsys(*RESUME).code == 0
    assert bytes_of(Path("runs/new")) == whole


def test_ctrl_c_while_loading_leaves_nothing_behind(here: Path, script: str) -> None:
    rows = "".join(f"{n % 1000}::{n // 1000}::{n % 5}\n" for n in range(200_000))
    (here / "ratings.csv").write_text(rows)
    (here / "config.yaml").write_text("data: {ratings: ratings.csv}\ntraining: {method: adamw}\n")
    before = sorted(here.iterdir())
    command = [script, "train", "--config", "config.yaml", "--run-dir", "runs/new", "--json"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + WAIT
    while not (here / "runs" / ".new.lock").exists():  # the data is read after that
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    out, stderr = running.communicate(timeout=WAIT)
    assert (running.returncode, out) == (130, "")
    assert stderr.splitlines()[-1].startswith('{"error": {"kind": "interrupted", "what": "interrupted"')
    assert sorted(here.iterdir()) == before


PREAMBLE = "import os, signal, sys, time; from recsys.cli import app, progress, signals; "
KILL = "os.kill(os.getpid(), signal.SIGINT); "


def ended(code: str) -> tuple[int, str]:
    """The exit code of a process that would otherwise take a minute, and its stderr."""
    process = subprocess.run(
        [sys.executable, "-c", PREAMBLE + code + "time.sleep(60)"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return process.returncode, process.stderr


def test_a_second_ctrl_c_ends_at_once() -> None:
    at_work = "observer = progress.watching(); observer.__enter__(); "
    assert ended(at_work + KILL + KILL) == (-signal.SIGINT, "stopping; press Ctrl-C again to quit immediately\n")


def test_a_second_hangup_lets_the_command_end_its_work() -> None:
    at_work = "observer = progress.watching(); observe = observer.__enter__(); "
    hangup = "os.kill(os.getpid(), signal.SIGHUP); "
    code, stderr = ended(at_work + hangup + hangup + "observe(None); ")
    assert (code, stderr.splitlines()[-1]) == (1, "recsys.core.errors.HangupError: hung up")


def test_a_hangup_that_was_ignored_from_the_start_stays_so() -> None:
    script = PREAMBLE + "signals.end_at_once(as_json=False); os.kill(os.getpid(), signal.SIGHUP)"
    process = subprocess.run(["nohup", sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")


def test_ctrl_c_before_the_work_begins_ends_at_once() -> None:
    assert ended("signals.end_at_once(as_json=False); " + KILL) == (130, "error: interrupted\n")
    code, stderr = ended("signals.end_at_once(as_json=True); os.kill(os.getpid(), signal.SIGTERM); ")
    assert (code, stderr.startswith('{"error": {"kind": "terminated"')) == (143, True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_commands_are_imported_ends_the_process_quietly(number: int, code: int) -> None:
    script = (
        "import os, sys\n"
        "class Hook:\n"
        "    def find_spec(self, name, *_):\n"
        f"        name == 'recsys.cli.app' and os.kill(os.getpid(), {int(number)})\n"
        "sys.meta_path.insert(0, Hook())\n"
        "from recsys.__main__ import main\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", "")
