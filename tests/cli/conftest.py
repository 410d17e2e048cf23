"""Commands run in this process, with what they print and how they end; snapshots of text in files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recsys.cli.app import answer
from recsys.cli.lazy import LazyGroup
from recsys.core.signals import stopping_signals

SNAPSHOTS = Path(__file__).parent / "snapshots"
REWRITE = "RECSYS_REWRITE_SNAPSHOTS"  # set, a test writes its snapshot instead of comparing it
# What varies from run to run: times, speeds, and figures that depend on the kind of CPU.
VARYING = [
    (r"\d{8}T\d{6}Z(-\d+)?", "<time>"),
    (r" *\d+(?:\.\d+)?[kMG ] (ratings|interactions)/s", r" <speed> \1/s"),
    (r"in \d+\.\d s", "in <seconds> s"),
    (r"(?m) +\d+\.\d *$", " <seconds>"),
    (r"\d+\.\d+%", "<share>%"),
    (r"(?<![\w.])[-+](?=\d+\.\d{2,})", "±"),
    (r"(?<![\w.])\d+\.\d{2,}", lambda match: re.sub(r"\d", "0", match[0])),
    (r"lr \d\.\de-\d\d", "lr <lr>"),
]

CONFIG = """\
data: {ratings: ratings.csv, items: movies.csv}
model: {embedding_dim: 4}
training: {method: adamw, n_epochs: 3, lr_max: 0.05, batch_size: 64, checkpoint_every: 1}
ranking: none
"""


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes:
        err: without the line that names the default run, which is `used`.
    """

    code: int
    out: str
    err: str
    used: str = ""

    @property
    def error(self) -> dict[str, Any]:
        """The error of a command with --json: the last line of stderr."""
        error: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return error


Recsys = Callable[..., Ended]


@pytest.fixture(scope="session", autouse=True)
def _built_once() -> Iterator[None]:
    """Typer builds each command once, as in a process of its own; hundreds are run in this one."""
    load, built = LazyGroup.load, dict[str, Any]()

    def load_once(group: LazyGroup, name: str) -> Any:
        if name not in built:
            built[name] = load(group, name)
        return built[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LazyGroup, "load", load_once)
        yield


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, 80 columns, no colours, and no runs but its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("_TYPER_FORCE_DISABLE_TERMINAL", "1")
    monkeypatch.setattr("recsys.artifacts.leftovers.scratch_root", lambda: tmp_path)
    for name in ("RECSYS_RUNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def recsys(capfd: pytest.CaptureFixture[str]) -> Iterator[Recsys]:
    """recsys("predict", 1, 31) runs the command in this process."""
    before = {number: signal.getsignal(number) for number in stopping_signals()}

    def run(*arguments: object) -> Ended:
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            answer([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        used = re.match(r"run: .*\n", err)
        rest = err[used.end() :] if used else err
        return Ended(leaving.value.code, out, rest, used[0].strip() if used else "")  # type: ignore[arg-type]

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def script() -> str:
    """The console script of this environment."""
    path = shutil.which("recsys", path=str(Path(sys.executable).parent))
    assert path is not None
    return path


@pytest.fixture
def process(script: str) -> Recsys:
    """process("predict", 1, 31) runs the console script."""

    def run(*arguments: object) -> Ended:
        command = [script, *map(str, arguments)]
        ended = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture
def data(here: Path, ratings_csv: Path) -> Path:
    """The working directory with ratings.csv, movies.csv and a config.yaml that trains on them in a moment."""
    for path in (ratings_csv, ratings_csv.with_name("movies.csv")):
        shutil.copy(path, here / path.name)
    (here / "config.yaml").write_text(CONFIG)
    return here


@pytest.fixture
def run(data: Path, finished: Path) -> Path:
    """The working directory with a finished run of integer ids and titles, runs/first."""
    return Path(shutil.copytree(finished, data / "runs" / "first"))


@pytest.fixture
def ranked_run(data: Path, finished_ranked: Path) -> Path:
    """The working directory with a finished run that has a rating scorer and a ranking scorer, runs/ranked."""
    return Path(shutil.copytree(finished_ranked, data / "runs" / "ranked"))


@pytest.fixture
def clicks_run(data: Path, finished_clicks: Path) -> Path:
    """The working directory with a finished run of clicks, runs/clicks."""
    return Path(shutil.copytree(finished_clicks, data / "runs" / "clicks"))


@pytest.fixture
def text_run(here: Path, finished_text: Path) -> Path:
    """The working directory with a finished run whose ids are awkward texts, runs/text."""
    return Path(shutil.copytree(finished_text, here / "runs" / "text"))


@pytest.fixture
def snapshot() -> Callable[..., None]:
    """snapshot(name, text) compares a text with the file snapshots/name.txt, what varies masked unless exact=True."""

    def compare(name: str, text: str, *, exact: bool = False) -> None:
        path = SNAPSHOTS / f"{name}.txt"
        masked = text if exact else masked_text(text)
        if os.environ.get(REWRITE):
            path.write_text(masked, encoding="utf-8")
        assert path.exists(), f"no snapshot {path.name}: set {REWRITE}=1 to write it"
        assert masked == path.read_text(encoding="utf-8")

    return compare


def masked_text(text: str) -> str:
    """A text without what varies, and without blanks at the ends of lines."""
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


@pytest.fixture
def refused(here: Path, recsys: Recsys, snapshot: Callable[[str, str], None]) -> Callable[..., None]:
    """refused(name, code, *arguments) asserts how a command is refused, for people and as json.

    It ends with `code` and says what the snapshot `name` holds, nothing is on stdout, and the working directory is
    as it was: no run, no folder of runs, no lock.
    """

    def check(name: str, code: int, *arguments: object) -> None:
        before = files_below(here)
        ended = recsys(*arguments)
        assert "Traceback" not in ended.err
        snapshot(f"error {name}".replace(" ", "-"), ended.err.replace(str(here), "<here>"))
        cut = arguments.index("--") if "--" in arguments else len(arguments)
        as_json = recsys(*arguments[:cut], "--json", *arguments[cut:])
        assert (ended.code, ended.out, as_json.code, as_json.out) == (code, "", code, "")
        assert [*as_json.error] in ([*ERROR_KEYS], [*ERROR_KEYS, "more"])
        assert as_json.error["exit_code"] == code
        assert as_json.error["what"] in ended.err
        assert files_below(here) == before

    return check


ERROR_KEYS = ("kind", "what", "where", "expected", "hint", "exit_code")


def files_below(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, with the content of files."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
