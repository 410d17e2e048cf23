"""The table of attacks."""

from __future__ import annotations

import sys

import pytest

from faults import __main__ as command
from faults.outcome import Outcome


def test_each_attack_in_the_table_is_there() -> None:
    for name in command.ATTACKS:
        assert callable(command.attack_named(name)), name


def test_a_failure_is_printed_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ATTACKS", {"failing": "nowhere"})
    monkeypatch.setattr(command, "attack_named", lambda _: lambda seed, seconds, say: Outcome(2, ["case 1: broken"]))
    monkeypatch.setattr(sys, "argv", ["faults", "failing", "--seconds", "1"])
    assert command.main() == 1
    assert capsys.readouterr().out == "failing: case 1: broken\nfailing, seed 0: 2 cases, 1 failures\n"


def test_an_unknown_attack_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["faults", "wrong"])
    with pytest.raises(SystemExit):
        command.main()
    assert "unknown: wrong" in capsys.readouterr().err
