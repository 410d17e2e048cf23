"""Layer groups: parts of a model that learn at rates of their own, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recsys.models.settings import ParameterInfo
from recsys.training.rates import Rates, group_rates
from recsys.training.schedule import Schedule, build_schedule
from recsys.training.settings import Scheduled


@dataclass(frozen=True)
class Group:
    """A layer group of a model.

    Attributes:
        parameters: their names in the module.
        lr_max: its highest learning rate; 0: frozen.
        share: lr_max as a share of the highest of all groups: the schedule is drawn for that one.
    """

    name: str
    parameters: tuple[str, ...]
    lr_max: float
    share: float

    @property
    def is_frozen(self) -> bool:
        """Whether its parameters stay as they are."""
        return self.lr_max == 0


class LayerRates:
    """The learning rates of a model's layer groups.

    Attributes:
        groups: from the first layers to the last.
        share: group → its learning rate as a share of the highest.
    """

    def __init__(self, parameters: Sequence[ParameterInfo], settings: Scheduled) -> None:
        assert settings.lr_max != "auto", "the learner resolves it"
        self._settings = settings
        self.groups = layer_groups(parameters, settings.lr_max, settings.freeze)
        self.share = {group.name: group.share for group in self.groups}

    def schedule(self, n_epochs: int, steps_per_epoch: int) -> Schedule:
        """The learning rate of the fastest group at every step."""
        return build_schedule(self._settings, n_epochs, peak(self.groups), steps_per_epoch)


def layer_groups(parameters: Sequence[ParameterInfo], lr_max: Rates, freeze: Sequence[str]) -> tuple[Group, ...]:
    """The groups, from the first layers to the last, each with its learning rate.

    Args:
        parameters: of the model, from the first layers to the last.
        lr_max: as in the config.
        freeze: groups that stay as they are.
    """
    names: dict[str, list[str]] = {}
    for parameter in parameters:
        names.setdefault(parameter.group, []).append(parameter.name)
    rates = dict(zip(names, group_rates(lr_max, len(names)), strict=True))
    rates |= dict.fromkeys(freeze, 0.0)
    peak = max(rates.values())
    return tuple(Group(group, tuple(names[group]), rate, rate / peak) for group, rate in rates.items())


def peak(groups: Sequence[Group]) -> float:
    """The highest learning rate of all groups."""
    return max(group.lr_max for group in groups)
