"""--output: what is written through, what is replaced and what is refused, by each command that has it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, pipes and open files of POSIX")
Recsys = Callable[..., Any]
Refused = Callable[..., None]
EACH = pytest.mark.parametrize(
    "command",
    [
        ("recommend", "--all"),
        ("predict", "--input", "pairs.csv"),
        ("report",),
        ("init", "ratings.csv"),
    ],
    ids=lambda command: command[0],
)


@pytest.fixture(autouse=True)
def pairs(data: Path) -> None:
    (data / "pairs.csv").write_text("userId,movieId\n0,100\n")


@EACH
def test_a_pipe_gets_the_whole_output(command: tuple[str, ...], run: Path, recsys: Recsys) -> None:
    assert recsys(*command, "--output", "file").code == 0
    os.mkfifo("pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(Path("pipe").read_bytes()))
    reader.start()
    ended = recsys(*command, "--output", "pipe")
    reader.join()
    assert ended.code == 0
    assert len(received[0]) > 10
    assert received[0] == Path("file").read_bytes() or command[0] == "init"  # which names the ratings from elsewhere
    assert Path("pipe").is_fifo()


@EACH
def test_a_link_stays(command: tuple[str, ...], run: Path, recsys: Recsys) -> None:
    Path("real").mkdir()
    Path("link").symlink_to("real/file")
    assert recsys(*command, "--output", "link").code == 0
    assert (Path("link").is_symlink(), Path("real/file").stat().st_size > 10) == (True, True)


@EACH
def test_stdout_holds_the_output_alone(command: tuple[str, ...], run: Path, recsys: Recsys) -> None:
    ended = recsys(*command, "--output", "/dev/stdout")
    assert (ended.code, "/dev/stdout" in ended.err, "/dev/stdout" in ended.out) == (0, True, False)
    assert len(ended.out.splitlines()) > 1


@EACH
def test_a_dash_is_no_file(command: tuple[str, ...], run: Path, recsys: Recsys) -> None:
    ended = recsys(*command, "--output", "-")
    assert (ended.code, ended.out, Path("-").exists()) == (2, "", False)
    assert ended.err.endswith("hint: for standard output: --output /dev/stdout\n")


@pytest.mark.parametrize("command", [("recommend", "--all"), ("predict", "--input", "pairs.csv"), ("report",)])
@pytest.mark.parametrize("output", [".", "runs/first/metrics.json", "runs/first/serving/new.csv", "no/such/file"])
def test_no_folder_and_no_part_of_a_run(command: tuple[str, ...], output: str, run: Path, recsys: Recsys) -> None:
    before = (run / "metrics.json").read_bytes()
    ended = recsys(*command, "--output", output)
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith(f"error: {output}: ")
    assert (run / "metrics.json").read_bytes() == before


def test_an_input_is_refused(run: Path, refused: Refused) -> None:
    Path("link.csv").symlink_to("pairs.csv")
    refused("output is the input", 2, "predict", "--input", "pairs.csv", "--output", "link.csv")


@pytest.mark.parametrize("option", ["--candidates", "--exclude"])
def test_a_list_of_items_is_an_input(option: str, run: Path, recsys: Recsys) -> None:
    Path("items.csv").write_text("movieId\n100\n")
    ended = recsys("recommend", "--all", option, "items.csv", "--output", "items.csv")
    assert (ended.code, Path("items.csv").read_text()) == (2, "movieId\n100\n")


def test_a_figure_and_a_tuned_config_follow_the_same_rule(data: Path, run: Path, recsys: Recsys) -> None:
    before = Path("config.yaml").read_bytes()
    for arguments in (
        ("lr-find", "--config", "config.yaml", "--output", "config.yaml"),
        ("tune", "--config", "config.yaml", "--trials", "1", "--output", "config.yaml"),
    ):
        ended = recsys(*arguments)
        assert (ended.code, "a file that is read" in ended.err) == (2, True), ended.err
    assert Path("config.yaml").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        ("recommend", "--all", "--output", "out"),
        ("predict", "--input", "pairs.csv", "--output", "out"),
        ("export-factors", "--output", "out"),
    ],
    ids=lambda command: command[0],
)
def test_a_csv_without_formulas(command: tuple[str, ...], text_run: Path, recsys: Recsys) -> None:
    Path("pairs.csv").write_text("reader,isbn\n-3,item1\nZ,item1\n")
    for options, start in (((), '"-3"'), (("--escape-formulas",), '"\'-3"')):
        output = Path("out" + str(len(options)))
        assert recsys(*command[:-1], output, *options).code == 0
        text = (output / "users.csv" if output.is_dir() else output).read_text()
        assert [line[: len(start)] for line in text.splitlines() if "-3" in line.split(",")[0]][:1] == [start]


def test_formulas_are_escaped_in_a_csv_alone(run: Path, refused: Refused) -> None:
    for command in (("predict", 1, 100), ("recommend", 1), ("export-factors", "--output", "out", "--format", "npz")):
        refused(f"formulas where there is no csv {command[0]}", 2, *command, "--escape-formulas")
