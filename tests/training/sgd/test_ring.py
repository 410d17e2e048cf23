"""Ranks: the bits of one process, and what they send for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.core.collectives import gather_state
from recsys.core.communicator import Communicator
from recsys.core.events import Event, Note, silent
from recsys.core.types import State
from recsys.data.interactions import Interactions
from recsys.evaluation.metrics import errors_on_first
from recsys.training.sgd import dot_product as module
from recsys.training.sgd.ring import owners
from tests.ranks import on_ranks

from .worlds import learner_of, planted


def whole_state(learner: Any, epoch: int = 1) -> State:
    """Its state, with all rows on every rank."""
    return gather_state(learner.state(epoch), learner._communicator)


def bits(learner: Any) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in whole_state(learner).model.items()}


def outcomes(size: int, epochs: int = 3, train: Interactions | None = None, **settings: Any) -> list[Any]:
    """Of each rank: bits and train rmse."""

    def work(communicator: Communicator) -> Any:
        learner = learner_of(train or planted(), communicator=communicator, **settings)
        rmse = [learner.epoch(number, silent).train["rmse"] for number in range(1, epochs + 1)]
        return bits(learner), rmse, learner.is_finite()

    return on_ranks(size, work)


@pytest.mark.parametrize("n_side", [1, 4, 8])
def test_any_number_of_ranks_gives_the_bits_of_one(n_side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "choose_n_side", lambda *_: n_side)
    [alone] = outcomes(1)
    for size in (2, 3, 4):
        assert outcomes(size) == [alone] * size


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_ranks_send_what_was_said_before(size: int) -> None:
    epochs = 4

    def work(communicator: Communicator) -> tuple[int, ...]:
        learner = learner_of(planted(), communicator=communicator, n_epochs=epochs)
        for number in range(1, epochs + 1):
            learner.epoch(number, silent)
        sent = [communicator.sent_bytes]
        for send in (lambda: learner.state(epochs), learner.divided_scorer, learner.scorer):
            send()
            sent.append(communicator.sent_bytes)
        return learner.sent_bytes, *np.diff(sent).tolist()

    travelled, of_state, evaluated, gathered = np.sum(on_ranks(size, work), axis=0)
    expected = learner_of(planted(), n_epochs=epochs).traffic(size)
    assert (expected.epoch, 0, expected.evaluation) == (travelled // epochs, of_state, evaluated)
    items = (size - 1) * 80 * (16 + 1) * 4  # which all ranks have since the evaluation
    assert expected.end == gathered + items


def test_threads_of_several_ranks_give_the_bits_of_one() -> None:
    [alone] = outcomes(1, n_threads=1)
    assert outcomes(2, n_threads=3) == [alone] * 2


@pytest.mark.parametrize("settings", [{"biases": False}, {"freeze": ("items",)}, {"bias_damping": 0.0}])
def test_every_form_of_the_model_gives_the_bits_of_one(settings: dict[str, Any]) -> None:
    [alone] = outcomes(1, **settings)
    assert outcomes(2, **settings) == [alone] * 2


def test_one_item_with_most_of_the_ratings_leaves_ranges_without_items() -> None:
    train = planted()
    popular = replace(train, item_idx=np.where(np.arange(len(train)) % 4, 40, train.item_idx).astype(np.int32))
    [alone] = outcomes(1, train=popular)
    assert outcomes(3, train=popular) == [alone] * 3


@pytest.mark.parametrize("size", [2, 3, 4, 9])
@pytest.mark.parametrize("settings", [{}, {"biases": False}, {"dim": 1}], ids=str)
def test_each_rank_rates_its_own_users_without_those_of_others(size: int, settings: dict[str, Any]) -> None:
    train = planted()
    without = train.take(train.user_idx % 10 != 3)
    pairs = Interactions(
        np.append(np.arange(120, dtype=np.int32), [-1, -1, 5]).astype(np.int32),
        np.append(np.arange(120) % 80, [4, -1, -1]).astype(np.int32),
        np.ones(123, np.float32),
        None,
        train.users,
        train.items,
    )

    def work(communicator: Communicator) -> Any:
        learner = learner_of(without, communicator=communicator, **settings)
        learner.epoch(1, silent)
        of_rank = learner.divided_scorer()
        if communicator.size > 1:
            users = learner._ring.own_users
            assert of_rank.factors.n_users == users.stop - users.start
        measured = errors_on_first(of_rank, pairs, communicator)
        learner.epoch(2, silent)
        return None if measured is None else measured.tobytes(), bits(learner)

    [alone] = on_ranks(1, work)
    assert on_ranks(size, work) == [alone, *[(None, alone[1])] * (size - 1)]


def test_all_ranks_have_all_parameters_between_epochs_where_they_are_looked_at() -> None:
    def work(communicator: Communicator) -> Any:
        learner = learner_of(planted(), communicator=communicator)
        states = []
        for number in (1, 2, 3):
            learner.epoch(number, silent)
            if number != 2:
                states.append({name: array.copy() for name, array in whole_state(learner, number).model.items()})
        return [{name: array.tobytes() for name, array in state.items()} for state in states]

    [alone] = on_ranks(1, work)
    assert on_ranks(4, work) == [alone] * 4


@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 1), (1, 3)])
def test_another_number_of_ranks_goes_on_with_the_same_bits(before: int, after: int) -> None:
    [through] = outcomes(1, epochs=3)

    def begin(communicator: Communicator) -> Any:
        learner = learner_of(planted(), communicator=communicator)
        learner.epoch(1, silent)
        return whole_state(learner)

    state: Any = on_ranks(before, begin)[0]

    def go_on(communicator: Communicator) -> Any:
        learner = learner_of(planted(), seed=3, communicator=communicator)
        learner.restore(state)
        for number in (2, 3):
            learner.epoch(number, silent)
        return bits(learner)

    assert on_ranks(after, go_on) == [through[0]] * after


@pytest.mark.parametrize("size", [2, 4, 8])
def test_an_epoch_sends_each_item_as_often_as_there_are_ranks(size: int) -> None:
    def work(communicator: Communicator) -> int:
        learner = learner_of(planted(), communicator=communicator)
        learner.epoch(1, silent)
        before = learner.sent_bytes
        learner.epoch(2, silent)
        return learner.sent_bytes - before

    sent: Any = on_ranks(size, work)
    n_items, dim = 80, 16
    assert 0 < sum(sent) <= size * n_items * (dim + 1) * 4


@pytest.mark.parametrize(("size", "n_idle"), [(8, 0), (9, 1), (11, 3)])
def test_ranks_beyond_the_ranges_are_idle_and_say_so_once(size: int, n_idle: int) -> None:
    def work(communicator: Communicator) -> list[str]:
        learner = learner_of(planted(), communicator=communicator)
        events: list[Event] = []
        for number in (1, 2):
            learner.epoch(number, events.append)
        return [event.text for event in events if isinstance(event, Note)]

    ranks = "1 rank" if n_idle == 1 else f"{n_idle} ranks"
    note = f"{ranks} of {size} have no ratings to train on: the users are cut into 8 ranges"
    assert on_ranks(size, work) == [[note] if n_idle else []] * size


def test_a_rank_keeps_the_ratings_of_its_users() -> None:
    train = planted()

    def work(communicator: Communicator) -> Any:
        learner = learner_of(train, communicator=communicator)
        rows = learner._ring.own_users
        users = learner._blocks.user_idx
        assert ((users >= rows.start) & (users < rows.stop)).all()
        return len(users), learner.column_bytes

    counts: Any = on_ranks(3, work)
    assert sum(n for n, _ in counts) == len(train)
    assert all(n_bytes == 12 * n for n, n_bytes in counts)


@pytest.mark.parametrize(("n_side", "n_ranks"), [(8, 3), (2, 5), (1, 2), (64, 64)])
def test_user_ranges_are_shared_out_evenly(n_side: int, n_ranks: int) -> None:
    ranks = owners(n_side, n_ranks)
    counts = np.bincount(ranks, minlength=n_ranks)
    assert (np.diff(ranks) >= 0).all()
    assert counts.sum() == n_side
    assert counts.max() - counts.min() <= 1
