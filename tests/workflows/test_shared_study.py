from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import TrialState, create_trial

from recsys.core.errors import RunError
from recsys.core.processes import this_process
from recsys.workflows import shared_study
from recsys.workflows.shared_study import Claim, SharedStudy

FACTS = {"seed": "0", "space: training.lr_max": "0.1 to 0.2"}
ELSEWHERE = "another/pid:[1] 1 2"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture
def claim(url: str) -> Iterator[Callable[..., Claim | None]]:
    """Claims a slot as a process of its own would, and holds it to the end of the test."""
    with ExitStack() as stack:
        yield lambda n_slots, study=None: stack.enter_context(
            (study or SharedStudy(url, "minimize", FACTS)).claimed(n_slots, RandomSampler, NopPruner())
        )


def slot(claimed: Claim | None) -> int | None:
    return None if claimed is None else claimed.slot


def states(study: SharedStudy) -> list[tuple[int, str]]:
    return [(trial.user_attrs["slot"], trial.state.name) for trial in study.trials()]


def add_running(study: SharedStudy, at: int, process: str) -> None:
    attributes = {"slot": at, "process": process, "beat": 0}
    study._storage.create_new_trial(study._study_id, create_trial(state=TrialState.RUNNING, user_attrs=attributes))


def test_each_slot_is_one_process_s(url: str, claim: Callable[..., Claim | None]) -> None:
    assert [slot(claim(2)) for _ in range(3)] == [0, 1, None]


def test_a_trial_that_is_not_told_its_end_is_repeated(url: str) -> None:
    study = SharedStudy(url, "minimize", FACTS)
    with pytest.raises(KeyboardInterrupt), study.claimed(1, RandomSampler, NopPruner()):
        raise KeyboardInterrupt
    with study.claimed(1, RandomSampler, NopPruner()) as claimed:
        assert claimed is not None
        claimed.study.tell(claimed.trial, 0.5)
    assert states(study) == [(0, "FAIL"), (0, "COMPLETE")]
    assert {at: trial.value for at, trial in study.finished().items()} == {0: 0.5}
    with study.claimed(1, RandomSampler, NopPruner()) as none:
        assert none is None


def test_a_trial_of_a_process_that_has_ended_is_repeated_at_once(url: str, claim: Callable[..., Claim | None]) -> None:
    study = SharedStudy(url, "minimize", FACTS)
    machine, number, started = this_process().rsplit(" ", 2)
    add_running(study, 0, f"{machine} {number} {int(started) - 1}")
    assert slot(claim(1)) == 0
    assert states(study) == [(0, "FAIL"), (0, "RUNNING")]


def test_a_trial_on_another_machine_is_repeated_after_a_time_without_a_sign_of_life(
    url: str, claim: Callable[..., Claim | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, now = SharedStudy(url, "minimize", FACTS), 1000.0
    monkeypatch.setattr(shared_study.time, "monotonic", lambda: now)
    add_running(study, 0, ELSEWHERE)
    for beat in (1, 2):
        assert slot(claim(1, study)) is None
        now += shared_study.GRACE_SECONDS - 1
        study._storage.set_trial_user_attr(study._storage.get_trial_id_from_study_id_trial_number(1, 0), "beat", beat)
    assert slot(claim(1, study)) is None
    now += shared_study.GRACE_SECONDS + 1
    assert slot(claim(1, study)) == 0


def test_a_trial_gives_signs_of_life(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_study, "BEAT_SECONDS", 0.01)
    study = SharedStudy(url, "minimize", FACTS)
    with study.claimed(1, RandomSampler, NopPruner()):
        while study.trials()[0].user_attrs["beat"] < 2:
            pass


def test_of_two_that_claim_a_slot_at_once_the_first_has_it(
    url: str, claim: Callable[..., Claim | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = SharedStudy(url, "minimize", FACTS)
    late, trials = [study.trials()], study.trials
    assert slot(claim(2)) == 0
    monkeypatch.setattr(study, "trials", lambda: late.pop() if late else trials())
    assert slot(claim(2, study)) == 1
    assert states(study) == [(0, "RUNNING"), (0, "FAIL"), (1, "RUNNING")]


def test_what_others_took_for_dead_does_not_count(url: str) -> None:
    study = SharedStudy(url, "minimize", FACTS)
    with study.claimed(1, RandomSampler, NopPruner()) as claimed:
        assert claimed is not None
        study._storage.set_trial_state_values(1, TrialState.FAIL)
        claimed.study.tell(claimed.trial, 0.5, skip_if_finished=True)
    assert study.finished() == {}


def test_other_facts_are_refused_with_both_values(url: str) -> None:
    SharedStudy(url, "minimize", FACTS)
    with pytest.raises(RunError, match="another config, space or data: seed: 0 → 1") as caught:
        SharedStudy(url, "minimize", {**FACTS, "seed": "1"})
    assert caught.value.where == url


def test_of_two_that_begin_at_once_with_other_facts_the_first_trial_decides(url: str) -> None:
    first = SharedStudy(url, "minimize", FACTS)
    first.keep("facts", {**FACTS, "seed": "1"})
    second = SharedStudy(url, "minimize", {**FACTS, "seed": "1"})
    with first.claimed(2, RandomSampler, NopPruner()) as claimed:
        assert slot(claimed) == 0
        with (
            pytest.raises(RunError, match="another config, space or data"),
            second.claimed(2, RandomSampler, NopPruner()),
        ):
            pass
    assert states(first) == [(0, "FAIL"), (1, "FAIL")]
    SharedStudy(url, "minimize", FACTS)


def test_a_study_is_opened_again_where_another_process_is_making_its_tables(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures, create = [StorageInternalError("table exists")] * 3, optuna.create_study

    def create_study(**options: Any) -> optuna.Study:
        if failures:
            raise failures.pop()
        return create(**options)

    monkeypatch.setattr(shared_study, "OPENING_SECONDS", 0.001)
    monkeypatch.setattr("optuna.create_study", create_study)
    assert SharedStudy(url, "minimize", FACTS).trials() == []


def test_a_table_whose_index_a_killed_process_has_not_made_gets_it(url: str, tmp_path: Path) -> None:
    SharedStudy(url, "minimize", FACTS)
    for _ in range(2):  # opened again: a study of the name once more would be found by the third
        with closing(sqlite3.connect(tmp_path / "study.db")) as database:
            database.execute("drop index if exists ix_studies_study_name")
        SharedStudy(url, "minimize", FACTS)
    with closing(sqlite3.connect(tmp_path / "study.db")) as database:
        assert database.execute("select study_name from studies").fetchall() == [("recsys",)]
