"""stdout and stderr that are not utf-8, closed or full; and control characters in ids, titles and messages."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.cli.app import answer
from recsys.cli.render import print_error, say
from recsys.cli.streams import UnfailingFile
from recsys.core.errors import DataError

Recsys = Callable[..., Any]
TITLE = "Amélie \x1b]0;pwned\x07 \u202egnp.exe 千"
ENCODINGS = ("ascii", "cp1252", "latin-1", "utf-8")


@pytest.fixture
def titled(data: Path, recsys: Recsys) -> Path:
    """A run whose titles try to drive a terminal, and whose only other letters are not in cp1252."""
    rows = "".join(f'{n},"{TITLE}\n{n}"\n' for n in range(100, 150))
    (data / "movies.csv").write_text("movieId,title\n" + rows, encoding="utf-8")
    (data / "notes.yaml").write_text((data / "config.yaml").read_text())
    arguments = ("--set", "data.items=movies.csv", "--set", "training.n_epochs=1")
    assert recsys("train", "--config", "config.yaml", "--run-dir", "runs/new", *arguments).code == 0
    return data


def written(monkeypatch: pytest.MonkeyPatch, encoding: str, *arguments: str) -> tuple[int, bytes, bytes]:
    """The exit code of a command, and what it writes to streams of this encoding."""
    sinks = {name: io.BytesIO() for name in ("stdout", "stderr")}
    with monkeypatch.context() as patch:
        for name, sink in sinks.items():
            patch.setattr(sys, name, io.TextIOWrapper(sink, encoding=encoding, errors="strict", newline="\n"))
        with pytest.raises(SystemExit) as leaving:
            answer(list(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
        out, err = (sink.getvalue() for sink in sinks.values())
    return int(str(leaving.value.code)), out, err


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_letter_ends_a_command(encoding: str, titled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, code in (
        (("recommend", "0"), 0),
        (("predict", "0", "100"), 0),
        (("explain", "0", "100"), 0),
        (("similar", "100"), 0),
        (("interpret", "-n", "2"), 0),
        (("config", "reference"), 0),
        (("config", "show", "config.yaml"), 0),
        (("recommend", "--help"), 0),
        (("predict", "千", "100"), 5),
        (("predict", "0", "100", "--run", "千\x1b[2J"), 4),
    ):
        ended, out, err = written(monkeypatch, encoding, *arguments)
        assert ended == code, err
        assert b"Traceback" not in err
        for sign in ("\x1b]", "\x07", "\u202e", "\x9b"):
            assert sign.encode("utf-8") not in out + err
        assert (out + err).decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_says_every_letter(encoding: str, titled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = written(monkeypatch, encoding, "recommend", "0", "-n", "1", "--json")
    assert code == 0
    assert json.loads(out.decode(encoding))["items"][0]["title"].startswith(TITLE)
    assert b"\x1b" not in out
    code, _, err = written(monkeypatch, encoding, "predict", "千", "100", "--json")
    assert (code, "千" in json.loads(err.decode(encoding).splitlines()[-1])["error"]["what"]) == (5, True)


def test_a_config_in_ascii_is_the_same_config(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("config", "show", "config.yaml", "--set", "data.columns.user=Käufer")
    _, out, _ = written(monkeypatch, "ascii", *arguments)
    (data / "shown.yaml").write_bytes(out)
    assert written(monkeypatch, "utf-8", "config", "show", "shown.yaml")[1].count("Käufer".encode()) == 1


def test_a_title_of_two_lines_is_one_line(titled: Path, recsys: Recsys) -> None:
    assert len(recsys("predict", "0", "100").out.splitlines()) == len(recsys("predict", "0", "100").out.split("\n")) - 1
    assert "\\x1b]0;pwned\\x07 \\u202egnp.exe 千\\n100: " in recsys("predict", "0", "100").out


def test_the_report_shows_escapes(titled: Path, recsys: Recsys) -> None:
    assert recsys("report", "--output", "page.html").code == 0
    page = (titled / "page.html").read_text(encoding="utf-8")
    assert r"\\x1b]0;pwned\\x07 \\u202egnp.exe" in page
    assert not any(sign in page for sign in ("\x1b", "\x07", "\u202e", r"\u001b", r"\u202e\"g"))


def test_a_message_of_two_lines_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:

    print_error(DataError("odd \n line", where="a\x1b[2Jb", hint="c\rd"), as_json=False)
    assert capsys.readouterr().err.splitlines() == [r"error: a\x1b[2Jb: odd \n line", r"  hint: c\rd"]


def test_ids_and_names_of_columns_with_escapes_are_read_and_shown(here: Path, recsys: Recsys) -> None:
    rows = "".join(f"\x1b[31mu{n % 7}\x1b[0m,i{n}\x07,{n % 5 + 1},z\n" for n in range(40))
    (here / "r.csv").write_text("user,item,rating,\x1b]0;pwned\x07note\n" + rows)
    ended = recsys("init", "r.csv")
    assert ended.code == 0
    trained = recsys("train", "--config", "config.yaml", "--run-dir", "run", "--set", "training.n_epochs=1")
    listed = recsys("recommend", "\x1b[31mu1\x1b[0m", "--run", "run")
    unknown = recsys("predict", "\x1b[31mu1\x1b[0m", "i", "--run", "run")
    assert (trained.code, listed.code, unknown.code) == (0, 0, 5), trained.err
    for text in (ended, trained, listed, unknown):
        assert not any(sign in text.out + text.err for sign in ("\x1b", "\x07"))
    assert "\\x07" in listed.out


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_what_stderr_cannot_write_goes_nowhere() -> None:
    reader, unread = os.pipe()
    os.close(reader)
    for descriptor in (unread, os.open("/dev/full", os.O_WRONLY)):
        with pytest.raises(OSError, match=r"Broken pipe|No space left"):
            os.write(descriptor, b"12345")
        with UnfailingFile(descriptor, "w") as file:
            assert file.write(b"12345") == 5


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot wait for a pipe")
def test_a_full_pipe_that_does_not_block_is_waited_for() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    threading.Timer(0.05, os.read, (reader, 1 << 20)).start()
    with UnfailingFile(writer, "w") as file:
        assert file.write(b"12345") == 5
    assert os.read(reader, 10) == b"12345"
    os.close(reader)


@pytest.mark.slow
@pytest.mark.parametrize(("redirect", "code"), [(">&-", 0), ("> /dev/full", 4), ("2>&-", 0), ("2> /dev/full", 0)])
def test_streams_that_are_closed_or_full(redirect: str, code: int, run: Path, script: str) -> None:
    ended = subprocess.run(
        ["sh", "-c", f'"{script}" recommend 0 {redirect}'], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert ("cannot write to stdout" in ended.stderr) == (redirect == "> /dev/full")


@pytest.mark.slow
@pytest.mark.parametrize("redirect", ["2>&-", "2> /dev/full", "2> >(head -c 10 > /dev/null)"])
def test_a_training_without_a_stderr_comes_to_its_end(redirect: str, data: Path, script: str) -> None:
    command = f'"{script}" train --config config.yaml --run-dir new --set training.n_epochs=3 --json {redirect}'
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, json.loads(ended.stdout)["n_epochs"]) == (0, 3)


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_pipe_of_another_encoding(environment: dict[str, str], titled: Path, script: str) -> None:
    for arguments in (["recommend", "0", "--json"], ["config", "reference"], ["runs"], ["--help"]):
        ended = subprocess.run([script, *arguments], capture_output=True, env=os.environ | environment, check=False)
        assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False), ended.stderr


def test_a_terminal_breaks_messages_between_words_and_leaves_hints_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = DataError("word " * 20, where="a/file", expected="another " * 12, hint="recsys command " * 10)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    print_error(error, as_json=False)
    say("note: " + "some-long-word " * 12)
    lines = capsys.readouterr().err.splitlines()
    (hint,) = (line for line in lines if line.startswith("  hint:"))
    assert hint.count("recsys command") == 10
    assert all(len(line) <= 80 for line in lines if line != hint)
    assert {part for line in lines for part in line.split()} >= {"some-long-word", "another", "word"}
    print_error(error, as_json=True)
    assert json.loads(capsys.readouterr().err)["error"]["what"].startswith("word")
