"""Learning rates by layer group, in the notation of fast.ai's lessons.

`1e-3`: every group. `slice(1e-3)`: the last group, the others a third of it. `slice(1e-5, 1e-3)`: from the first group
to the last, by equal factors. `[1e-4, 1e-3]`: one for each.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from recsys.core.section import Words

NUMBER = r"\s*((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
SLICE = rf"^slice\({NUMBER}(?:,{NUMBER})?\)$"
OTHERS = 3  # with slice(lr), what lr is divided by for the groups before the last


LONGEST_SLICE = 100  # signs
HIGHEST = 1e30
MOST_GROUPS = 16


def _check_slice(text: str) -> str:
    if not all(0 < rate <= HIGHEST for rate in _numbers(text)):
        raise ValueError(f"the rates of {text} are not all above 0 and up to {HIGHEST:g}")
    return text


Slice = Annotated[
    str,
    Field(pattern=SLICE, max_length=LONGEST_SLICE),
    AfterValidator(_check_slice),
    Words("slice(1e-3)"),
    Words("slice(1e-5, 1e-3)"),
]
Rate = Annotated[float, Field(gt=0, le=HIGHEST)]
Rates = Rate | Slice | Annotated[tuple[Rate, ...], Field(max_length=MOST_GROUPS)]
AutoRates = Literal["auto"] | Rates


def group_rates(lr_max: Rates, n_groups: int) -> tuple[float, ...]:
    """The highest learning rate of each layer group, first to last.

    Source: fast.ai 2019, "Practical Deep Learning for Coders", lessons 4 and 5; Howard, Ruder 2018, "Universal
    Language Model Fine-tuning for Text Classification" (arXiv:1801.06146).
    """
    if isinstance(lr_max, str):
        *first_given, last = _numbers(lr_max)
        if not first_given:
            return (*(last / OTHERS,) * (n_groups - 1), last)
        if n_groups == 1:
            return (last,)
        first = first_given[0]
        factor = (last / first) ** (1 / (n_groups - 1))
        return (*(first * factor**group for group in range(n_groups - 1)), last)
    if isinstance(lr_max, tuple):
        assert len(lr_max) == n_groups  # the config has been checked
        return lr_max
    return (lr_max,) * n_groups


def highest(lr_max: Rates) -> float:
    """The highest learning rate of any layer group."""
    return max(group_rates(lr_max, len(lr_max) if isinstance(lr_max, tuple) else 2))


def scaled(lr_max: Rates, factor: float) -> Rates:
    """The same notation with every rate times `factor`."""
    if isinstance(lr_max, str):
        return f"slice({', '.join(repr(rate * factor) for rate in _numbers(lr_max))})"
    return tuple(rate * factor for rate in lr_max) if isinstance(lr_max, tuple) else lr_max * factor


def _numbers(text: str) -> list[float]:
    match = re.fullmatch(SLICE, text)
    assert match is not None  # the config has been checked
    return [float(number) for number in match.groups() if number is not None]
