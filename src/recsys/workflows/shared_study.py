"""A study that several processes may work on: each trial is claimed, and repeated where its process ended early.

A study of n trials has the slots 0 to n − 1, each filled by one trial that came to its end. A process claims a slot by
a trial that names it. Of several that claim the same one, the first by Optuna's number has it: numbers are given in
order, and who comes later sees who was before.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recsys.core.errors import RunError
from recsys.core.processes import has_ended, this_process
from recsys.core.words import some

if TYPE_CHECKING:
    import optuna

NAME = "recsys"
FACTS, SLOT, PROCESS, BEAT = "facts", "slot", "process", "beat"  # attributes
BEAT_SECONDS = 10.0  # between two signs of life of a trial
GRACE_SECONDS = 60.0  # without one, after which a trial of another machine counts as dead
OPENINGS, OPENING_SECONDS = 12, 0.5  # how often a study is opened while another process may be making its tables
BUSY_SECONDS = 60  # that SQLite waits for another process

Facts = Mapping[str, str]
"""What the results of trials depend on: name → value, as text."""


@dataclass(frozen=True, eq=False)
class Claim:
    """A slot that is this process's, and the trial for it."""

    slot: int
    study: optuna.Study
    trial: optuna.Trial


class SharedStudy:
    """A study in a database."""

    def __init__(self, url: str, direction: str, facts: Facts) -> None:
        """Opens a study, which is made where there is none.

        Raises:
            RunError: it cannot be used, or was begun with other facts, which are named with both values.
        """
        self._url, self._facts = url, facts
        self._digest = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()
        self._beats: dict[int, tuple[object, float]] = {}  # by Optuna's number: the last sign of life, and when it came
        with recorded(url):
            self._storage, self._study_id = _opened(url, direction)
            self._check_facts(self.trials(), self.attributes.get(FACTS, facts))
            self.keep(FACTS, dict(facts))

    @property
    def attributes(self) -> dict[str, Any]:
        """What is kept with the study."""
        return dict(self._storage.get_study_user_attrs(self._study_id))

    def keep(self, name: str, value: object) -> None:
        """Keeps a value with the study."""
        self._storage.set_study_user_attr(self._study_id, name, value)

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """All there are, in the order in which they were begun."""
        return sorted(self._storage.get_all_trials(self._study_id, deepcopy=False), key=lambda trial: trial.number)

    def finished(self) -> dict[int, optuna.trial.FrozenTrial]:
        """Slot → the trial that fills it, in the order of the slots."""
        from optuna.trial import TrialState

        filled: dict[int, optuna.trial.FrozenTrial] = {}
        for trial in self.trials():
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
                filled.setdefault(_slot(trial), trial)
        return dict(sorted(filled.items()))

    @contextlib.contextmanager
    def claimed(
        self, n_slots: int, sampler: Callable[[int], optuna.samplers.BaseSampler], pruner: optuna.pruners.BasePruner
    ) -> Iterator[Claim | None]:
        """A free slot, of which others hear signs of life meanwhile; None where all are filled or others are at them.

        A trial that is not told its end within this counts for nothing.

        Args:
            sampler: for a slot.
        """
        import optuna
        from optuna.trial import TrialState

        begun = self._claim(n_slots)
        if begun is None:
            yield None
            return
        slot, trial_id = begun
        # A new one, since a study remembers which trials there were at its first question.
        study = optuna.load_study(study_name=NAME, storage=self._storage, sampler=sampler(slot), pruner=pruner)
        study.get_trials(deepcopy=False)  # what it is to write to, it has to have read
        with self._signs_of_life(trial_id):
            claim = Claim(slot, study, optuna.Trial(study, trial_id))
            try:
                yield claim
            finally:
                with contextlib.suppress(*_errors()):  # then others find out by its silence
                    study.tell(claim.trial, state=TrialState.FAIL, skip_if_finished=True)

    def _claim(self, n_slots: int) -> tuple[int, int] | None:
        """A slot, and the id of the trial by which this process has claimed it."""
        from optuna.trial import TrialState, create_trial

        while True:
            taken = self._taken(self.trials())
            slot = next((slot for slot in range(n_slots) if slot not in taken), None)
            if slot is None:
                return None
            attributes = {SLOT: slot, PROCESS: this_process(), BEAT: 0, FACTS: self._digest}
            claim = create_trial(state=TrialState.RUNNING, user_attrs=attributes)
            trial_id = self._storage.create_new_trial(self._study_id, claim)
            number = self._storage.get_trial_number_from_id(trial_id)
            earlier = [trial for trial in self.trials() if trial.number < number]
            is_ours = False
            try:
                self._check_facts(earlier, self._facts)
                is_ours = slot not in self._taken(earlier)
            finally:
                if not is_ours:
                    self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
            if is_ours:
                return slot, trial_id

    def _taken(self, trials: list[optuna.trial.FrozenTrial]) -> set[int]:
        """Slots that are filled, or that a living process is at; trials of dead ones are marked as failed."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        taken = set()
        for trial in trials:
            if trial.state is TrialState.RUNNING and self._is_dead(trial):
                trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, trial.number)
                with contextlib.suppress(UpdateFinishedTrialError):  # another process was faster
                    self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
            elif trial.state in (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED):
                taken.add(_slot(trial))
        return taken

    def _is_dead(self, trial: optuna.trial.FrozenTrial) -> bool:
        if has_ended(trial.user_attrs.get(PROCESS, "")):
            return True
        beat, now = trial.user_attrs.get(BEAT), time.monotonic()
        last, heard_at = self._beats.get(trial.number, (None, now))
        if trial.number not in self._beats or beat != last:
            self._beats[trial.number], heard_at = (beat, now), now
        return now - heard_at > GRACE_SECONDS

    @contextlib.contextmanager
    def _signs_of_life(self, trial_id: int) -> Iterator[None]:
        ended = threading.Event()

        def beat() -> None:
            n_beats = 0
            while not ended.wait(BEAT_SECONDS):
                n_beats += 1
                with contextlib.suppress(*_errors()):
                    self._storage.set_trial_user_attr(trial_id, BEAT, n_beats)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _check_facts(self, trials: list[optuna.trial.FrozenTrial], before: Facts) -> None:
        """Compares with what the study was begun with: by its first trial, since two that begin at once both say so.

        Args:
            before: what the study says, which counts where there is no trial yet.
        """
        first = next((trial.user_attrs[FACTS] for trial in trials if FACTS in trial.user_attrs), None)
        changed = [
            f"{name}: {before.get(name)} → {self._facts.get(name)}"
            for name in sorted(before.keys() | self._facts.keys())
            if before.get(name) != self._facts.get(name)
        ]
        if changed if first is None else first != self._digest:
            raise RunError(
                f"the study is of another config, space or data{': ' if changed else ''}{some(changed)}",
                where=self._url,
                expected="those that it was begun with",
                hint="name another one: --storage sqlite:///FILE",
            )


@contextlib.contextmanager
def recorded(url: str) -> Iterator[None]:
    """Turns what a database says into an error that names it."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, (*_errors(), ImportError)):
            raise
        raise RunError(
            f"the study cannot be used: {str(error).splitlines()[0]}",
            where=url,
            expected="a database that Optuna can open, such as sqlite:///FILE",
        ) from error


def _opened(url: str, direction: str) -> tuple[optuna.storages.RDBStorage, int]:
    """The storage and the id of the study; several processes may make both at the same moment."""
    import optuna
    import sqlalchemy

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    is_sqlite = sqlalchemy.make_url(url).get_backend_name() == "sqlite"
    options = {"connect_args": {"timeout": BUSY_SECONDS}} if is_sqlite else {"pool_pre_ping": True}
    engine = sqlalchemy.create_engine(url, **options)
    engine.connect().close()  # fails at once where it cannot be reached
    engine.dispose()
    for attempt in range(OPENINGS):
        try:
            storage = optuna.storages.RDBStorage(url, engine_kwargs=options)
            _make_indexes(storage)
            optuna.create_study(study_name=NAME, storage=storage, load_if_exists=True, direction=direction)
        except _errors():
            if attempt == OPENINGS - 1:
                raise
            time.sleep(OPENING_SECONDS * os.urandom(1)[0] / 255)  # so that they do not meet again
        else:
            return storage, storage.get_study_id_from_name(NAME)
    raise AssertionError


def _make_indexes(storage: optuna.storages.RDBStorage) -> None:
    """Makes those that are missing where a process ended between a table and its index: SQLite keeps the table.

    Optuna would not make them, and without the one of names there could be two studies of a name.
    """
    from optuna.storages._rdb.models import BaseModel

    for table in BaseModel.metadata.sorted_tables:
        for index in table.indexes:
            index.create(storage.engine, checkfirst=True)


def _slot(trial: optuna.trial.FrozenTrial) -> int:
    slot: int = trial.user_attrs.get(SLOT, trial.number)
    return slot


def _errors() -> tuple[type[Exception], ...]:
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    return OptunaError, SQLAlchemyError
