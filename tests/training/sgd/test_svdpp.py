from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.core.errors import DivergedError
from recsys.core.events import Event, Step, silent
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation.metrics import evaluate
from recsys.models.svdpp import settings as config
from recsys.models.svdpp.arrays import SvdPPArrays
from recsys.training.loop import fit
from recsys.training.sgd.settings import Sgd
from recsys.training.sgd.svdpp import STEPS, SvdPPLearner, resolve

from . import worlds
from .worlds import planted

DECAYS = ("weight_decay", "bias_weight_decay", "implicit_weight_decay")
USER_ROWS = {"user_embedding", "user_bias", "user_implicit", "user_implicit_bias"}
ITEM_ROWS = {"item_embedding", "item_bias", "item_implicit", "item_implicit_bias"}


def learner_of(
    train: Interactions, *, dim: int = 3, flipped: bool = True, seed: int = 3, **settings: Any
) -> SvdPPLearner:
    model = SvdPPArrays.drawn(train, config.SvdPP(embedding_dim=dim, flipped=flipped), train.scale, seed)
    return SvdPPLearner(model, train, Sgd(**settings), seed)


def trained(epochs: int = 3, **settings: Any) -> SvdPPLearner:
    learner = learner_of(planted(), **settings)
    for number in range(1, epochs + 1):
        learner.epoch(number, silent)
    return learner


def bits(learner: SvdPPLearner) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in learner.state(1).model.items()}


def changed_by(learner: SvdPPLearner, epoch: int) -> set[str]:
    """The parameters that an epoch changes."""
    before = bits(learner)
    learner.epoch(epoch, silent)
    return {name for name, array in bits(learner).items() if array != before[name]}


@pytest.mark.parametrize("flipped", [False, True])
def test_planted_factors_are_recovered(flipped: bool) -> None:
    train = planted(300, 200, 30_000)
    seen, unseen = train.take(slice(0, 25_000)), train.take(slice(25_000, None))
    decays = dict.fromkeys(("weight_decay", "bias_weight_decay", "implicit_weight_decay"), 0.001)
    learner = learner_of(seen, flipped=flipped, n_epochs=60, lr_max=0.06, **decays)
    last = list(fit(learner))[-1]
    assert last.train["rmse"] < 0.05
    assert evaluate(learner.scorer(), unseen).metrics["rmse"] < 0.1


def test_what_somebody_rated_says_what_they_like() -> None:
    """Two kinds of people who choose different films and like all of them: their ratings don't tell the two apart."""
    random = np.random.default_rng(2)
    own = random.integers(0, 2, 400)
    pairs = sorted({(u, int(2 * random.integers(0, 30) + own[u])) for u in range(400) for _ in range(6)})
    liked = [(u, i, 4.0 + random.normal(0, 0.3)) for u, i in pairs]
    others = [(u, 60 + (u * 7) % 10, 4.0 if own[u] else 1.0) for u in range(400)]
    known, queries = liked + others[:200], others[200:]
    ratings = _ratings(known + queries)
    train = ratings.take(slice(0, len(known)))
    svdpp = learner_of(train, dim=4, flipped=False, n_epochs=60, lr_max=0.05, implicit_damping=0.0)
    dot_product = worlds.learner_of(train, dim=4, n_epochs=60)
    for learner, low, high in ((svdpp, 0.0, 0.5), (dot_product, 1.0, 2.0)):
        list(fit(learner))
        scores = evaluate(learner.scorer(), ratings.take(slice(len(known), None)))
        assert low < scores.metrics["rmse"] < high


@pytest.mark.parametrize("flipped", [False, True])
def test_one_two_and_four_threads_give_the_same_bits(flipped: bool) -> None:
    first, second, third = (trained(flipped=flipped, n_threads=n) for n in (1, 2, 4))
    assert bits(first) == bits(second) == bits(third)


@pytest.mark.parametrize("flipped", [False, True])
def test_resumed_equals_uninterrupted(flipped: bool) -> None:
    through, state = trained(4, flipped=flipped), trained(1, flipped=flipped).state(1)
    resumed = learner_of(planted(), flipped=flipped)
    resumed.restore(state)
    for number in (2, 3, 4):
        resumed.epoch(number, silent)
    assert bits(through) == bits(resumed)


def test_users_epochs_move_what_items_bring_and_items_epochs_what_users_bring() -> None:
    learner = learner_of(planted())
    shared = {"user_embedding", "user_bias", "item_embedding", "item_bias"}
    assert changed_by(learner, 1) == shared | {"item_implicit", "item_implicit_bias"}
    assert changed_by(learner, 2) == shared | {"user_implicit", "user_implicit_bias"}
    assert changed_by(learner_of(planted(), flipped=False), 2) == shared | {"item_implicit", "item_implicit_bias"}


@pytest.mark.parametrize(("frozen", "rows"), [("users", USER_ROWS), ("items", ITEM_ROWS)])
def test_a_frozen_group_keeps_every_bit(frozen: str, rows: set[str]) -> None:
    learner = learner_of(planted(), freeze=(frozen,))
    assert changed_by(learner, 1) | changed_by(learner, 2) == (USER_ROWS | ITEM_ROWS) - rows


def test_an_epoch_sees_every_rating_once_with_the_model_as_it_stands() -> None:
    learner = learner_of(planted(), freeze=("users",), lr_max=1e-9)
    train = planted()
    for number in (1, 2):
        scored = evaluate(learner.scorer(), train).metrics["rmse"]
        assert learner.epoch(number, silent).train["rmse"] == pytest.approx(scored, rel=1e-4)


def test_the_parameters_are_changed_in_their_own_memory() -> None:
    learner = learner_of(planted())
    addresses = [array.ctypes.data for array in learner.state(1).model.values()]
    learner.epoch(1, silent)
    assert [array.ctypes.data for array in learner.state(1).model.values()] == addresses


@pytest.mark.parametrize("dim", [3, 20, *(pytest.param(dim, marks=pytest.mark.slow) for dim in (1, 16, 50))])
def test_divergence_is_noticed_after_the_epoch(dim: int) -> None:
    learner = learner_of(planted(), dim=dim, lr_max=1e6, n_epochs=2)
    with pytest.raises(DivergedError), np.errstate(all="ignore"):
        list(fit(learner))


def test_an_observer_sees_the_steps_and_can_stop_between_them() -> None:
    steps: list[Event] = []

    def stop(event: Event) -> None:
        steps.append(event)
        if len(steps) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learner_of(planted()).epoch(1, stop)
    done = [step.done for step in steps if isinstance(step, Step)]
    assert done[0] == 0
    assert done[2] == pytest.approx(2 * 4000 / STEPS, abs=60)


def test_a_single_user_or_rating_can_be_fitted() -> None:
    for train in (planted(1, 80, 80), planted(60, 1, 60), planted(1, 1, 1)):
        learner = learner_of(train)
        assert np.isfinite([learner.epoch(number, silent).train["rmse"] for number in (1, 2)]).all()


@pytest.mark.parametrize("flipped", [False, True])
def test_auto_and_what_is_left_out_become_numbers(flipped: bool) -> None:
    chosen = resolve(Sgd(), 100_000, (3.0, 4.0), flipped=flipped).model_dump()
    numbers = {
        "lr_max": 0.04,
        "weight_decay": 0.03,
        "bias_weight_decay": 0.0,
        "implicit_weight_decay": 0.0015,
        "bias_damping": (3.0, 4.0),
        "damping": 3.5,
        "implicit_damping": 80.0,
    }
    assert {key: chosen[key] for key in numbers} == numbers
    own: dict[str, Any] = {key: (0.5, 0.7) if key == "bias_damping" else 0.5 for key in numbers}
    assert resolve(Sgd(**own), 100_000, (3.0, 4.0), flipped=flipped).model_dump(include=set(own)) == own


@pytest.mark.parametrize(("flipped", "decays"), [(True, (0.06, 0.0015)), (False, (0.04, 0.004))])
@pytest.mark.parametrize("given", DECAYS)
def test_who_gives_a_decay_gets_that_and_no_damping(flipped: bool, decays: tuple[float, float], given: str) -> None:
    chosen = resolve(Sgd(**{given: 0.5}), 100_000, (3.0, 4.0), flipped=flipped)
    rest = {"weight_decay": decays[0], "bias_weight_decay": decays[0], "implicit_weight_decay": decays[1]}
    rest |= {"bias_weight_decay": 0.5} if given == "weight_decay" else {}
    assert chosen.model_dump(include=set(DECAYS)) == {**rest, given: 0.5}
    assert (chosen.bias_damping, chosen.damping, chosen.implicit_damping) == ((0.0, 0.0), 0.0, 0.0)


@pytest.mark.parametrize("key", ["bias_damping", "damping", "implicit_damping"])
def test_every_damping_draws_its_parameters_to_what_is_expected(key: str) -> None:
    """Damped beyond measure, they are there and stay there; the others move."""
    train, rest = planted(), dict.fromkeys({"bias_damping", "damping", "implicit_damping"} - {key}, 0.0)
    kind = config.SvdPP(embedding_dim=3)
    model = SvdPPArrays.drawn(train, kind, train.scale, 3)
    expected = {name: np.full_like(array, 0.25) for name, array in model.arrays.items()}
    learner = SvdPPLearner(model, train, Sgd(**rest, **{key: 1e9}), 3, expected)
    for number in (1, 2):
        learner.epoch(number, silent)
    learner._kernel = lambda *_: 0.0
    for number in (3, 4):
        learner.epoch(number, silent)
    near = {name for name, array in learner.state(4).model.items() if np.allclose(array, 0.25, atol=1e-3)}
    names = {
        "bias_damping": {"user_bias", "item_bias"},
        "damping": {"user_embedding", "item_embedding"},
        "implicit_damping": {"user_implicit", "user_implicit_bias", "item_implicit", "item_implicit_bias"},
    }
    assert near == names[key]


def test_settings_show_the_defaults_but_not_the_threads() -> None:
    settings = learner_of(planted()).settings()
    assert settings["implicit_weight_decay"] == 0.0015
    assert settings["implicit_damping"] == 80
    assert "n_threads" not in settings


def _ratings(rows: list[tuple[int, int, float]]) -> Interactions:
    user, item, rating = (np.array(column) for column in zip(*rows, strict=True))
    users, items = Vocabulary(np.arange(user.max() + 1)), Vocabulary(np.arange(item.max() + 1))
    return Interactions(user.astype(np.int32), item.astype(np.int32), rating.astype(np.float32), None, users, items)


def test_the_rater_term_is_what_the_user_adds_to_the_rows_of_an_item() -> None:
    """Served, a pair has what it had in training, where the user was among the raters of the item."""
    learner = trained()
    model, raters = learner._model, learner.scorer().raters
    assert raters is not None
    embedding, bias = (model.arrays[name] for name in ("user_implicit", "user_implicit_bias"))
    factors = learner.scorer().without_raters()
    before = factors.score(np.zeros(1, np.int32), np.zeros(1, np.int32))
    root, scale = np.sqrt(raters.n_ratings[0]), np.float32(model.scale.std)
    factors.item_factors[0] += np.sqrt(scale) * embedding[0] / root
    factors.item_bias[0] += scale * bias[0] / root
    more = factors.score(np.zeros(1, np.int32), np.zeros(1, np.int32)) - before
    np.testing.assert_allclose(more, raters.score(np.zeros(1, np.int32), np.zeros(1, np.int32)), atol=1e-6)
    assert learner_of(planted(), flipped=False).scorer().raters is None
