"""Where jobs run: folders of their own, each with the same inputs and runs, and what a job leaves there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from faults.jobs import BASE, BASE_COMMAND, OLDER, STORE_COMMAND, Job, write_inputs
from golden.normalise import normalise
from golden.snapshot import flatten, read_npz, read_safetensors
from golden.trees import PRIVATE, ROOT

USED = re.compile("in use already|exists already")  # says a command that makes a thing once
MARK = "RECSYS_FAULTS_CASE"  # in the environment of every process of a case
SECONDS = 180  # after which a command hangs
OURS = range(1, 8)  # exit codes of errors
ENDED = 0
CRASHES = re.compile(r"Traceback|Exception ignored|Fatal Python|core dumped|leaked|Warning:|Aborted|this is a bug")
TIMES = re.compile(rb"\d+(\.\d+)?( |&nbsp;)?(ms|s|min)\b|\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?")


@dataclass(frozen=True)
class Ended:
    """A process that has come to its end."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Case:
    """A folder in which one job runs.

    Attributes:
        work: the working directory.
        temporary: what TMPDIR names.
    """

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def environment(self) -> dict[str, str]:
        """That of every command of the case."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(PRIVATE)}
        shared = self.folder.parent
        return {
            **kept,
            "PYTHONPATH": str(ROOT / "src"),
            "NUMBA_CACHE_DIR": str(shared / "numba"),
            "MPLCONFIGDIR": str(shared / "matplotlib"),
            "TORCHINDUCTOR_CACHE_DIR": str(shared / "torch"),
            "OMP_WAIT_POLICY": "PASSIVE",
            "RECSYS_RUNS": "runs",
            "TMPDIR": str(self.temporary),
            "COLUMNS": "80",
            MARK: str(self.folder),
        }

    def start(self, arguments: tuple[str, ...], also: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        """Starts `recsys` with these arguments, in a session of its own."""
        return self.start_python(("-m", "recsys", *arguments), also)

    def start_python(self, arguments: tuple[str, ...], also: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        """Starts Python with these arguments, in a session of its own."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.work,
            env={**self.environment(), **also},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def run(self, arguments: tuple[str, ...], also: Mapping[str, str] = {}) -> Ended:
        """Runs `recsys` to its end."""
        return ended(self.start(arguments, also))

    def content(self) -> dict[str, str]:
        """What is in the folders of the case but for times: the values in files, and every file and folder by name."""
        entries: dict[str, str] = {}
        for path in (path for place in (self.work, self.temporary) for path in place.rglob("*")):
            if not _is_a_trial(path):
                entries |= self.entries(path)
        return entries

    def entries(self, path: Path) -> dict[str, str]:
        """What is in a file but for times, and what the path is."""
        name, here = path.relative_to(self.folder).as_posix(), json.dumps(str(self.folder))[1:-1]
        read = {key: value.replace(here, "") for key, value in _values(path).items()}
        kind = "folder" if path.is_dir() else "file" if path.is_file() else "neither a file nor a folder"
        return {name: kind, **normalise({f"{name}:{key}": read[key] for key in read})}

    def printed(self, done: Ended) -> dict[str, str]:
        """What a command has printed as JSON, but for times and the folder of the case."""
        text = done.out.replace(json.dumps(str(self.folder))[1:-1], "")
        return normalise({f"stdout:{key}": value for key, value in flatten(json.loads(text))})

    def processes(self) -> list[int]:
        """Those of the case that are alive."""
        mark = f"{MARK}={self.folder}".encode()
        alive = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    alive.append(int(process.name))
        return alive


@dataclass(frozen=True)
class Reference:
    """What a job leaves and prints when nothing disturbs it, and how long it takes."""

    content: Mapping[str, str]
    printed: Mapping[str, str]
    seconds: float


class World:
    """The folder of an attack: a template that cases are copies of, and what each job leaves when undisturbed."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder = folder
        self.template = Case(folder / "template")
        self._references: dict[str, Reference] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        write_inputs(self.template.work / "inputs", times)
        (self.template.work / "out").mkdir()
        self.template.temporary.mkdir()
        for command in (BASE_COMMAND, STORE_COMMAND):
            done = self.template.run(command)
            assert done.code == ENDED, done.err
        _make_older(self.template.work / "runs" / BASE, self.template.work / "runs" / OLDER)

    def reference(self, job: Job) -> Reference:
        """What a job leaves when nothing disturbs it."""
        with self._lock:
            lock = self._locks.setdefault(job.name, threading.Lock())
        with lock:
            if job.name not in self._references:
                with self.case(f"reference-{job.name}") as case:
                    start = time.monotonic()
                    done = case.run(job.arguments)
                    seconds = time.monotonic() - start
                    assert done.code == ENDED, f"{job.name}: {done.err}"
                    self._references[job.name] = Reference(case.content(), case.printed(done), seconds)
        return self._references[job.name]

    def keep(self, job: Job, reference: Reference) -> None:
        """Takes what a job has left as its reference."""
        self._references[job.name] = reference

    @contextlib.contextmanager
    def case(self, name: str) -> Iterator[Case]:
        """A copy of the template, gone afterwards with all its processes."""
        case = Case(self.folder / name)
        shutil.copytree(self.template.folder, case.folder, symlinks=True)
        try:
            yield case
        finally:
            for process in case.processes():
                with contextlib.suppress(OSError):
                    os.kill(process, 9)
            shutil.rmtree(case.folder, ignore_errors=True)


def ended(process: subprocess.Popen[str]) -> Ended:
    """Waits for a process; one that hangs is killed, and says so in its stderr."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        out, err = process.communicate()
        err += f"Fatal Python: it hung for {SECONDS} s"
    return Ended(process.returncode, out, err)


def without_leftovers(content: Mapping[str, str]) -> dict[str, str]:
    """Without what is left by a command that was killed when its output was whole; the next one removes that."""
    return {key: value for key, value in content.items() if "/.writing-" not in key}


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The first keys in which two contents differ; none if they do not."""
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    shown = [f"{key}: {before.get(key, 'not there')} → {after.get(key, 'not there')}"[:200] for key in keys[:4]]
    return "; ".join(shown) + (f"; and {len(keys) - 4} more" if len(keys) > 4 else "")


def _is_a_trial(path: Path) -> bool:
    """Whether Python's own tempfile has tried with this file whether files can be written here."""
    return path.parent.name == "tmp" and path.is_file() and b"blat".startswith(path.read_bytes())


def _make_older(run: Path, copy: Path) -> None:
    """Copies a run as one that was made an hour before it."""
    shutil.copytree(run, copy)
    for path in copy.iterdir():
        hour_before = path.stat().st_mtime - 3600
        os.utime(path, (hour_before, hour_before))


def _values(path: Path) -> dict[str, str]:
    """Checksums of tensors, values from JSON and YAML, or a checksum of a text without times; of a database nothing."""
    if not path.is_file() or path.suffix == ".db":
        return {}
    match path.suffix:
        case ".safetensors":
            tensors, metadata = read_safetensors(path)
            return {**tensors, **{f"__metadata__.{key}": value for key, value in metadata.items()}}
        case ".npz":
            return read_npz(path)
        case ".json":
            return dict(flatten(json.loads(path.read_bytes())))
        case ".jsonl":
            return dict(flatten([json.loads(line) for line in path.read_bytes().splitlines()]))
        case ".yaml":
            return dict(flatten(yaml.safe_load(path.read_bytes())))
    return {"bytes": hashlib.sha256(TIMES.sub(b"", path.read_bytes())).hexdigest()}


@contextlib.contextmanager
def world(times: int = 1) -> Iterator[World]:
    """A world in a temporary folder, whose trainings have `times` as many epochs as they need."""
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        yield World(Path(folder), times)
