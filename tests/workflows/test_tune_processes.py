"""tune in several real processes on one storage: nothing is counted twice, and what is killed is repeated.

With RECSYS_TEST_POSTGRES, the URL of an empty database such as postgresql+psycopg://user@host/name, also on that one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

pytestmark = pytest.mark.slow

POSTGRES = "RECSYS_TEST_POSTGRES"
N_TRIALS, WAIT = 12, 180
CONFIG = (
    "data: {ratings: ratings.csv}\nmodel: {embedding_dim: 4}\nranking: none\ntraining: {method: sgd, n_epochs: %d}\n"
)
SPACE = "training.lr_max: {low: 0.01, high: 0.2, log: true}\nmodel.embedding_dim: [3, 4]\n"
Trials = Callable[[], list[optuna.trial.FrozenTrial]]


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/study.db"
        return
    url = os.environ.get(POSTGRES)
    if not url:
        pytest.skip(f"{POSTGRES} names no database")
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    yield url
    metadata = sqlalchemy.MetaData()
    metadata.reflect(engine)
    metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture
def begin(tmp_path: Path, ratings_csv: Path, storage: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a tune; with the number of epochs of each trial."""
    (tmp_path / "ratings.csv").write_bytes(ratings_csv.read_bytes())
    (tmp_path / "space.yaml").write_text(SPACE)
    begun: list[subprocess.Popen[str]] = []

    def start(n_epochs: int = 30) -> subprocess.Popen[str]:
        (tmp_path / "config.yaml").write_text(CONFIG % n_epochs)
        command = [sys.executable, "-m", "recsys", "tune", "--config", "config.yaml", "--space", "space.yaml"]
        options = ["--trials", str(N_TRIALS), "--storage", storage, "--output", f"tuned-{len(begun)}.yaml"]
        begun.append(
            subprocess.Popen(
                [*command, *options], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture
def trials(storage: str) -> Trials:
    def read() -> list[optuna.trial.FrozenTrial]:
        if storage.startswith("sqlite") and not Path(storage.removeprefix("sqlite:///")).exists():
            return []
        try:
            database = optuna.storages.RDBStorage(storage)
        except Exception:  # its tables are being made
            return []
        try:
            return optuna.load_study(study_name="recsys", storage=database).get_trials()
        except KeyError:  # there is no study yet
            return []
        finally:
            database.engine.dispose()

    return read


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ended(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=WAIT)
    assert process.returncode == 0, err
    return out


def filled(trials: list[optuna.trial.FrozenTrial]) -> Counter[int]:
    """Slot → how many trials it is filled with."""
    return Counter(trial.user_attrs["slot"] for trial in trials if trial.state.name in ("COMPLETE", "PRUNED"))


def test_processes_that_begin_at_once_share_the_trials(
    begin: Callable[..., subprocess.Popen[str]], trials: Trials
) -> None:
    processes = [begin(), begin(), begin()]
    outputs = {ended(process).split("Next: ")[0] for process in processes}
    assert len(outputs) == 1
    assert f"{N_TRIALS} trials, " in outputs.pop()
    assert filled(trials()) == Counter(range(N_TRIALS))
    assert len({trial.user_attrs["process"] for trial in trials()}) > 1


def test_a_trial_of_a_living_process_is_left_alone_and_that_of_a_killed_one_repeated(
    begin: Callable[..., subprocess.Popen[str]], trials: Trials
) -> None:
    def running() -> dict[str, int]:
        return {
            trial.user_attrs["process"].split()[-2]: trial.user_attrs["slot"]
            for trial in trials()
            if trial.state.name == "RUNNING"
        }

    first = begin(3000)
    until(lambda: str(first.pid) in running())
    second = begin(3000)
    until(lambda: running().keys() >= {str(first.pid), str(second.pid)})
    assert not [trial for trial in trials() if trial.state.name == "FAIL"]
    slot = running()[str(first.pid)]
    first.kill()
    first.communicate()
    third = begin(3000)
    until(lambda: running().get(str(third.pid)) == slot or slot in filled(trials()))
    assert second.poll() is None
    killed = [trial for trial in trials() if trial.state.name == "FAIL"]
    assert [trial.user_attrs["process"].split()[-2] for trial in killed] == [str(first.pid)]
