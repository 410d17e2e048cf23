"""Layer groups: parts of a model that learn at rates of their own, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recsys.training.rates import Rates, group_rates


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

    def to_dict(self) -> dict[str, Any]:
        """As metrics.json says it."""
        return {"name": self.name, "lr_max": self.lr_max, "frozen": self.is_frozen}


def layer_groups(parameters: Mapping[str, Sequence[str]], lr_max: Rates, freeze: Sequence[str]) -> tuple[Group, ...]:
    """The groups, from the first layers to the last, each with its learning rate.

    Args:
        parameters: group → names of its parameters.
        lr_max: as in the config.
        freeze: groups that stay as they are.
    """
    rates = dict(zip(parameters, group_rates(lr_max, len(parameters)), strict=True))
    rates |= dict.fromkeys(freeze, 0.0)
    peak = max(rates.values())
    return tuple(Group(name, tuple(parameters[name]), rate, rate / peak) for name, rate in rates.items())


def peak(groups: Sequence[Group]) -> float:
    """The highest learning rate of all groups."""
    return max(group.lr_max for group in groups)
