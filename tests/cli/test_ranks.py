"""Commands as ranks: the first one talks, all end with the code of the error."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from recsys import api
from recsys.cli import signals
from recsys.cli.progress import watching
from recsys.cli.ranks import ranks_of_job
from recsys.cli.render import echo
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import DataError, LostRankError
from recsys.core.events import silent
from recsys.core.launch import VARIABLES


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Exception]]:
    """What joining raises, if anything, and shares no error; signals are as before afterwards."""
    errors: list[Exception] = []

    @contextmanager
    def join_ranks(on_error: Callable[[], object]) -> Iterator[Communicator]:
        for error in errors:
            raise error
        try:
            yield ALONE
        except DataError:
            if VARIABLES[0] in os.environ:
                on_error()
            raise

    monkeypatch.setattr(api, "join_ranks", join_ranks, raising=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield errors
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in zip(VARIABLES, ("0", "2", "host", "29500"), strict=True):
        monkeypatch.setenv(name, value)
    return monkeypatch


def fail() -> None:
    with ranks_of_job() as ranks:
        assert ranks is ALONE
        echo("metrics")
        raise DataError("wrong")


def test_the_first_rank_prints_and_raises(
    joined: list[Exception], start: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError):
        fail()
    assert capsys.readouterr().out == "metrics\n"
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN  # the launcher ends whoever is left


def test_another_rank_prints_nothing_and_ends_with_the_code(
    joined: list[Exception], start: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start.setenv("RANK", "1")
    with pytest.raises(SystemExit) as caught:
        fail()
    assert caught.value.code == DataError.exit_code
    assert capsys.readouterr().out == ""


def test_a_rank_that_cannot_join_says_so_itself(joined: list[Exception], start: pytest.MonkeyPatch) -> None:
    start.setenv("RANK", "1")
    joined.append(LostRankError("no"))
    with pytest.raises(LostRankError), ranks_of_job():
        pass


def test_in_a_process_of_its_own_nothing_changes(joined: list[Exception]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(DataError):
        fail()
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_rank_leaves_signals_to_the_first_for_a_while(start: pytest.MonkeyPatch) -> None:
    start.setenv("RANK", "1")
    alarms: list[int] = []
    start.setattr(signals.signal, "alarm", alarms.append)
    before = signal.getsignal(signal.SIGTERM)
    with watching() as observe:
        assert observe is silent
        signal.raise_signal(signal.SIGTERM)
        assert alarms == [signals.RANK_SECONDS]
    assert alarms == [signals.RANK_SECONDS, 0]
    assert signal.getsignal(signal.SIGTERM) == before
