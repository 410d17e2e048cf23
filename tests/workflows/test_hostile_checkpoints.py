"""Checkpoints of a stranger, whose checksums are right: each array that is not what it should be is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recsys.artifacts.checkpoint import BEST, check_state
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.errors import RunError
from recsys.core.events import silent
from recsys.core.types import Array, State
from recsys.training.build import build_learner
from recsys.training.loop import Learner, fit
from recsys.workflows.inputs import from_scratch

N_EPOCHS = 2
SECTIONS: dict[str, dict[str, object]] = {
    "sgd": {"training": {"method": "sgd"}},
    "svdpp": {"model": {"kind": "svdpp"}, "training": {"method": "sgd"}},
    "adamw": {},
    "frozen": {"training": {"freeze": ["items"]}},
    "net": {"model": {"kind": "embedding_net"}},
    "gibbs": {"model": {"kind": "svdpp", "user_drift": True}, "training": {"method": "gibbs", "burn_in": 0}},
    "tobit": {"training": {"method": "gibbs", "likelihood": "tobit", "burn_in": 0}},
}


@pytest.fixture(scope="module", params=[*SECTIONS, "ials"])
def learner(request: pytest.FixtureRequest, small: Callable[..., Config]) -> Learner:
    """A learner after two epochs."""
    is_ranking = request.param == "ials"
    config = small(**({"ranking": {"embedding_dim": 5}} if is_ranking else SECTIONS[request.param]))
    plan = plans(config)[1 if is_ranking else 0]
    learner = build_learner(plan, from_scratch(config, silent, ALONE), ALONE)
    epochs = fit(learner)
    for _ in range(N_EPOCHS):
        next(epochs)
    return learner


def checked(learner: Learner, state: State) -> None:
    check_state(Path("epoch-0002"), "fit", state, learner.layout(N_EPOCHS))


def test_a_state_is_as_its_layout_says(learner: Learner) -> None:
    state = learner.state(N_EPOCHS)
    checked(learner, state)
    best = {BEST + name: array for name, array in state.model.items()}
    checked(learner, State(N_EPOCHS, state.model, {**state.learner, **best}))


def no_values(array: Array) -> Array:
    return np.full_like(array, np.nan if array.dtype.kind == "f" else -1)


CHANGES: dict[str, Callable[[Array], Array]] = {
    "cut": lambda array: array[:-1],
    "twice as long": lambda array: np.concatenate([array, array]),
    "of another type": lambda array: array.astype(np.float32 if array.dtype != np.float32 else np.float64),
    "without values": no_values,
    "flat": lambda array: array.reshape(-1, 1, 1),
}


@pytest.mark.parametrize("how", CHANGES)
def test_every_array_that_is_not_as_it_should_be_is_refused(learner: Learner, how: str) -> None:
    state = learner.state(N_EPOCHS)
    for part in ("model", "learner"):
        for name, array in getattr(state, part).items():
            changed = {**getattr(state, part), name: CHANGES[how](array)}
            with pytest.raises(RunError, match=rf"the array 'fit\.{name}'") as caught:
                checked(learner, State(N_EPOCHS, **{"model": state.model, "learner": state.learner, part: changed}))
            assert caught.value.where == str(Path("epoch-0002") / f"{part}.safetensors")


def test_every_array_has_to_be_there_and_no_other(learner: Learner) -> None:
    state = learner.state(N_EPOCHS)
    for name in state.model:
        less = {key: array for key, array in state.model.items() if key != name}
        with pytest.raises(RunError, match="lacks the array"):
            checked(learner, State(N_EPOCHS, less, state.learner))
    with pytest.raises(RunError, match="does not know"):
        checked(learner, State(N_EPOCHS, state.model, {**state.learner, "more": np.zeros(1)}))
