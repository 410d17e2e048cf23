"""A few seconds of each attack on input; and each can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults import config, csv
from faults.__main__ import attack_named
from faults.cases import run_cases
from recsys.data.sources.csv import blocks


@pytest.mark.slow
@pytest.mark.parametrize("name", ["config", "csv", "ids"])
def test_a_sample_of_cases_ends_well(name: str) -> None:
    outcome = attack_named(name)(7, 5.0, print)
    assert outcome.failures == []
    assert outcome.n_cases > 5


def test_readers_that_disagree_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_check_quotes", lambda *_: None)
    outcome = run_cases(3, 60, print, lambda random: csv.case(tmp_path / "r.csv", random), most=80)
    assert any("DisagreementError" in failure for failure in outcome.failures)


def test_a_config_that_does_not_come_back_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = config.dump
    monkeypatch.setattr(config, "dump", lambda given, **how: dump(given, **how).replace("seed: 42", "seed: 43"))
    outcome = run_cases(3, 60, print, lambda random: config.case(tmp_path, random), most=20)
    assert any("another config" in failure for failure in outcome.failures)
