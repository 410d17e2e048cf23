"""What arrays that were read have to be like before anything computes with them: their types, shapes and values.

A `Layout` says it, in one place for each kind of state; recsys.artifacts.check_arrays holds arrays against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Size: TypeAlias = "int | str | tuple[int | str, ...]"
"""A number, the name of one, or the sum of several: ("n_users", 1) is one more than there are users."""

LARGEST = 1e37  # a few of these can be added up in float32
VARIANCE = 1e32  # of ratings, which are up to 1e15
FACTOR = 1e15  # two of these can be multiplied, and a thousand of the products added up


@dataclass(frozen=True, eq=False)
class ArraySpec:
    """What an array has to be like. Numbers are finite.

    Attributes:
        dtype: its name.
        shape: names in it stand for the same number wherever they occur.
        low, high: the least and the largest value; a list is broadcast to the array.
        nan: whether there may be NaN, which stands for no value.
        starts: the name of a number up to which the values rise from 0; they say where each of some rows begins.
        rises: whether each value is larger than the one before.
        group: arrays of a group are all there, or none; None: the array is always there.
    """

    dtype: str
    shape: tuple[Size, ...]
    low: Any = -LARGEST
    high: Any = LARGEST
    nan: bool = False
    starts: str | None = None
    rises: bool = False
    group: str | None = None


Layout: TypeAlias = Mapping[str, ArraySpec]
"""Array name → what it has to be like."""


@dataclass(frozen=True, eq=False)
class StateLayout:
    """What the arrays of a State are.

    Attributes:
        sizes: the numbers that are named in both.
    """

    model: Layout
    learner: Layout
    sizes: Mapping[str, int]


def factors(*shape: Size, dtype: str = "float32", group: str | None = None) -> ArraySpec:
    """Numbers that are multiplied with others of their kind."""
    return ArraySpec(dtype, shape, -FACTOR, FACTOR, group=group)
