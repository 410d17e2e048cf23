"""cross-validate in real processes that are killed: the command itself, and one of its workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")]

WAIT = 120
CROSS = ("cross-validate", "--config", "config.yaml", "--folds", "3", "--jobs", "2", "--json")
FAST = ("--set", "training={method: sgd, n_epochs: 400, checkpoint_every: 50}")
ENDLESS = ("--set", "training={method: sgd, n_epochs: 1000000, checkpoint_every: 500}")
Recsys = Callable[..., Any]


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The system's temporary folder of the processes, with a short name: a socket lies in it."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def of_session(leader: int) -> list[int]:
    """The processes of a session, but for its leader."""
    numbers = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, fields = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and number != leader and fields[0] != "Z":
            numbers.append(number)
    return sorted(numbers)


def left_by(leader: int, seconds: float = 5) -> list[int]:
    """The processes that are still there after these seconds; the fork server ends after its imports."""
    deadline = time.monotonic() + seconds
    while (left := of_session(leader)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def workers(leader: int) -> list[int]:
    """Those that train: their parent is the fork server, the child of the leader that has children."""
    parents = {
        number: int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
        for number in of_session(leader)
    }
    return [number for number, parent in parents.items() if parent != leader]


def started(script: str, *command: str, until: Callable[[], object]) -> subprocess.Popen[str]:
    running = subprocess.Popen(
        [script, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + WAIT
    while True:
        with suppress(FileNotFoundError):  # a folder that was removed while it was being listed
            if until():
                return running
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def folds(answer: str) -> dict[str, Any]:
    """What does not vary: all but times."""
    result: dict[str, Any] = json.loads(answer)
    for fold in result["folds"]:
        del fold["fit_seconds"]
    return result


@pytest.mark.parametrize("kept", [True, False])
def test_a_command_that_is_killed_takes_its_workers_along(data: Path, script: str, scratch: Path, kept: bool) -> None:
    place = data / "cv" if kept else scratch
    options = ("--run-dir", "cv") if kept else ()
    running = started(
        script, *CROSS, *ENDLESS, *options, until=lambda: len(list(place.rglob("fold-*/checkpoints/last"))) == 2
    )
    assert len(workers(running.pid)) == 2
    running.kill()
    began = time.monotonic()
    assert running.communicate(timeout=WAIT) == ("", "")  # no worker holds them any more
    assert time.monotonic() - began < 5
    assert left_by(running.pid, seconds=5) == []
    again = subprocess.run([script, *CROSS, *FAST], capture_output=True, text=True, timeout=WAIT)
    assert (again.returncode, list(scratch.iterdir())) == (0, [])


def test_a_command_that_is_stopped_leaves_nothing_but_the_runs(data: Path, script: str, scratch: Path) -> None:
    running = started(
        script, *CROSS, *ENDLESS, "--run-dir", "cv", until=lambda: len(list(data.rglob("fold-*/checkpoints/last"))) == 2
    )
    running.terminate()
    out, err = running.communicate(timeout=WAIT)
    assert (running.returncode, out) == (143, "")
    assert json.loads(err.splitlines()[-1])["error"]["hint"] == "the same command resumes the runs in cv"
    assert (left_by(running.pid), list(scratch.iterdir()), list(data.rglob(".*"))) == ([], [], [])


def test_ctrl_c_while_processes_import_what_they_need_is_quiet(data: Path, script: str, scratch: Path) -> None:
    running = started(script, *CROSS, *ENDLESS, until=lambda: list(scratch.rglob("pymp-*/listener-*")))
    time.sleep(0.3)  # the fork server imports torch now
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=WAIT)
    assert (running.returncode, out, "Traceback" in err) == (130, "", False), err
    assert (left_by(running.pid, seconds=WAIT), list(scratch.iterdir())) == ([], [])


def test_folds_of_a_killed_command_are_resumed_to_the_same_result(data: Path, script: str, process: Recsys) -> None:
    whole = folds(process(*CROSS, *FAST, "--run-dir", "whole").out)
    running = started(
        script, *CROSS, *FAST, "--run-dir", "cv", until=lambda: list((data / "cv").glob("fold-*/checkpoints/last"))
    )
    running.kill()
    running.communicate(timeout=WAIT)
    again = process(*CROSS, *FAST, "--run-dir", "cv")
    assert again.code == 0, again.err
    assert json.dumps(folds(again.out)).replace("cv/", "whole/") == json.dumps(whole)
    assert not list(data.rglob(".*"))


def test_a_worker_that_is_killed_is_named_and_the_others_end(data: Path, script: str, scratch: Path) -> None:
    running = started(
        script, *CROSS[:-1], *ENDLESS, until=lambda: len(list(scratch.rglob("fold-*/checkpoints/last"))) == 2
    )
    os.kill(workers(running.pid)[0], signal.SIGKILL)
    out, err = running.communicate(timeout=WAIT)
    assert (running.returncode, out) == (4, "")
    assert [line.split("fold-")[0] for line in err.splitlines()] == [
        "error: the process of ",
        "  expected a process that trains to its end",
        "  hint: if memory ran out (code -9), train one at a time: --jobs 1; with --run-dir the same command resumes",
    ]
    assert err.splitlines()[0].endswith("ended early, with code -9")
    assert (left_by(running.pid), list(scratch.iterdir())) == ([], [])
