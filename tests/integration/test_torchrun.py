"""Real ranks, started by torchrun: the bytes of one process, whatever happens to them."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recsys.config.loading.load import dump
from recsys.config.schema.config import Config

pytestmark = pytest.mark.slow

Small = Callable[..., Config]
Content = Callable[[Path], dict[str, Any]]
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--no-python", "--rdzv-backend", "c10d")
SECONDS = 300


def command(n_ranks: int, folder: Path, *more: str, restarts: int = 0) -> list[str]:
    """torchrun's, for ranks on this host."""
    launch = [*TORCHRUN, "--nproc-per-node", str(n_ranks), "--rdzv-endpoint", "localhost:0", "--max-restarts"]
    train = ["-m", "recsys", "train", "config.yaml", "--run-dir", str(folder), *more]
    return [*launch, str(restarts), sys.executable, *train]


def run(n_ranks: int, folder: Path, *more: str, restarts: int = 0) -> subprocess.CompletedProcess[str]:
    words = command(n_ranks, folder, *more, restarts=restarts)
    return subprocess.run(words, cwd=folder.parents[1], capture_output=True, text=True, check=False, timeout=SECONDS)


@pytest.fixture
def place(small: Small, tmp_path: Path) -> Path:
    """A folder with a config; runs go to folders below, all with the name `run`."""
    config = small(training={"method": "sgd", "n_epochs": 40})
    (tmp_path / "config.yaml").write_text(dump(config))
    return tmp_path


@pytest.fixture
def alone(place: Path, content: Content) -> dict[str, Any]:
    folder = place / "alone" / "run"
    words = [sys.executable, "-m", "recsys", "train", "config.yaml", "--run-dir", str(folder)]
    subprocess.run(words, cwd=place, check=True, capture_output=True)
    return content(folder)


@pytest.mark.parametrize("n_ranks", [1, 2, 3, 4])
def test_ranks_write_the_bytes_of_one_process(
    place: Path, alone: dict[str, Any], content: Content, n_ranks: int
) -> None:
    ended = run(n_ranks, place / "ranks" / "run", "--json")
    assert ended.returncode == 0, ended.stderr
    assert content(place / "ranks" / "run") == alone
    assert len(ended.stdout.splitlines()) == 1  # one rank talks
    assert len(re.findall("^epoch  1/40", ended.stderr, re.MULTILINE)) == 1


def test_ranks_that_divide_rows_by_time_write_the_bytes_of_one_process(
    place: Path, small: Small, ratings_csv: Path, content: Content
) -> None:
    header, *rows = ratings_csv.read_text().splitlines(keepends=True)
    again = [re.sub(r",[\d.]+,1", ",5,2", row) for row in rows[::9]]
    (place / "train.csv").write_text(header + "".join(rows[:800] + again))
    (place / "test.csv").write_text(header + "".join(rows[800:]))
    items = "".join(f"{item},{'abc'[item % 3]},{item % 7}\n" for item in range(100, 160))
    (place / "items.csv").write_text("movieId,title,number\n" + items)
    files = {"ratings": None, "train": str(place / "train.csv"), "test": str(place / "test.csv")}
    features = {"items": str(place / "items.csv"), "item_features": "items", "features_for": "all"}
    data = {**files, **features, "duplicates": "newest"}
    config = small(training={"method": "sgd", "n_epochs": 3}, data=data, split={"method": "leave_last"})
    (place / "config.yaml").write_text(dump(config))
    results = []
    for n_ranks in (1, 3):
        ended = run(n_ranks, place / f"{n_ranks}" / "run")
        assert ended.returncode == 0, ended.stderr
        assert "every rank holds" not in ended.stderr
        results.append(content(place / f"{n_ranks}" / "run"))
    assert results[0] == results[1]


def test_an_error_is_printed_once_and_not_tried_again(place: Path) -> None:
    (place / "bad.csv").write_text("user,item,rating\n" + "1,2,3\n" * 50 + "1,2,bad\n")
    (place / "config.yaml").write_text("data: {ratings: bad.csv}\nranking: none\n")
    ended = run(2, place / "ranks" / "run")
    assert ended.returncode == 1  # torchrun's own
    assert len(re.findall("^error: ", ended.stderr, re.MULTILINE)) == 1
    assert "bad.csv:52: column rating" in ended.stderr
    assert re.search(r"exitcode *: 3 ", ended.stderr)
    assert not (place / "ranks" / "run").exists()
    start = time.monotonic()
    again = run(2, place / "ranks" / "run", "--resume", restarts=2)
    assert len(re.findall("bad.csv:52: column rating", again.stderr)) == 3
    assert time.monotonic() - start < 120


def test_ranks_that_are_killed_are_started_again_to_the_same_bytes(
    place: Path, alone: dict[str, Any], content: Content
) -> None:
    for attempt in range(2):
        folder = place / f"ranks{attempt}" / "run"
        words = command(2, folder, "--resume", restarts=3)
        with subprocess.Popen(words, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as job:
            n_epochs, history = random.Random(attempt).randint(1, 20), folder / "history.jsonl"
            until(lambda n=n_epochs, path=history: path.exists() and path.read_bytes().count(b"\n") >= n)
            kill_one_rank(job.pid, attempt)
            output, _ = job.communicate(timeout=SECONDS)
        assert job.returncode == 0, output
        assert content(folder) == alone


def test_a_run_is_resumed_by_another_number_of_ranks(place: Path, alone: dict[str, Any], content: Content) -> None:
    folder = place / "ranks" / "run"
    shutil.copytree(place / "alone" / "run", folder)
    for path in (folder / "metrics.json", folder / "serving"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(folder / "checkpoints" / "epoch-0040")
    (folder / "checkpoints" / "last").write_text("epoch-0039\n")
    for n_ranks in (3,):
        ended = run(n_ranks, folder, "--resume")
        assert ended.returncode == 0, ended.stderr
    resumed = content(folder)
    assert {name: resumed[name] for name in resumed if "epoch-0039" not in name} == {
        name: alone[name] for name in alone if "epoch-0039" not in name
    }


def test_a_host_that_leaves_is_done_without(place: Path, content: Content, alone: dict[str, Any]) -> None:
    folder = place / "ranks" / "run"
    with socket.socket() as free:
        free.bind(("localhost", 0))
        meet = f"localhost:{free.getsockname()[1]}"
    nodes = ("--nnodes", "1:2", "--nproc-per-node", "1", "--max-restarts", "3", "--rdzv-id", "job")
    waits = ("--rdzv-endpoint", meet, "--rdzv-conf", "last_call_timeout=10")
    train = [sys.executable, "-m", "recsys", "train", "config.yaml", "--run-dir", str(folder), "--resume"]
    agents = []
    for _ in range(2):
        agents.append(
            subprocess.Popen(
                [*TORCHRUN, *nodes, *waits, *train],
                cwd=place,
                env={**os.environ, "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        until(lambda: is_listening(meet))
    until(lambda: (folder / "history.jsonl").exists())
    for process in [*(int(child) for child in children(agents[1].pid)), agents[1].pid]:
        os.kill(process, signal.SIGKILL)
    outputs = [agent.communicate(timeout=SECONDS)[0] for agent in agents]
    assert agents[0].returncode == 0, outputs[0]
    assert content(folder) == alone


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    """Two network namespaces that are joined, with addresses 10.77.0.1 and 10.77.0.2."""
    if shutil.which("ip") is None:
        pytest.skip("there is no ip command to make network namespaces with")
    names = (f"ra{os.getpid()}", f"rb{os.getpid()}")
    made = [subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False) for name in names]
    if any(each.returncode for each in made):
        pytest.skip(f"network namespaces need a right that is not here: {made[0].stderr.strip()}")
    try:
        link = [
            "ip",
            "link",
            "add",
            "veth0",
            "netns",
            names[0],
            "type",
            "veth",
            "peer",
            "name",
            "veth0",
            "netns",
            names[1],
        ]
        joined = subprocess.run(link, capture_output=True, text=True, check=False)
        if joined.returncode:
            pytest.skip(f"a veth pair needs a right that is not here: {joined.stderr.strip()}")
        for number, name in enumerate(names, 1):
            for words in (
                ("link", "set", "lo", "up"),
                ("link", "set", "veth0", "up"),
                ("addr", "add", f"10.77.0.{number}/24", "dev", "veth0"),
            ):
                subprocess.run(["ip", "-n", name, *words], check=True)
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_two_hosts_write_the_bytes_of_one_process(
    place: Path, alone: dict[str, Any], content: Content, hosts: tuple[str, str]
) -> None:
    folder = place / "ranks" / "run"
    launch = [*TORCHRUN, "--nnodes", "2", "--nproc-per-node", "1", "--rdzv-endpoint", "10.77.0.1:29411"]
    train = [sys.executable, "-m", "recsys", "train", "config.yaml", "--run-dir", str(folder)]
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "veth0"}
    jobs = [
        subprocess.Popen(
            ["ip", "netns", "exec", host, *launch, *of_host(number), *train],
            cwd=place,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number, host in enumerate(hosts, 1)
    ]
    outputs = [job.communicate(timeout=SECONDS)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], outputs
    assert content(folder) == alone


def of_host(number: int) -> tuple[str, ...]:
    """What torchrun cannot find out where names of hosts are not resolved."""
    return "--local-addr", f"10.77.0.{number}", "--rdzv-conf", f"is_host={number == 1}"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_one_rank(launcher: int, which: int) -> None:
    """SIGKILL to a child of torchrun, which is a rank."""
    ranks = [int(child) for child in children(launcher) if b"train" in Path(f"/proc/{child}/cmdline").read_bytes()]
    os.kill(ranks[which % len(ranks)], signal.SIGKILL)


def children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def is_listening(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as tried:
        return tried.connect_ex((host, int(port))) == 0
