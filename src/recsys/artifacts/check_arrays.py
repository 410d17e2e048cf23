"""Holds arrays against their layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recsys.core.between import is_between
from recsys.core.layout import LARGEST, ArraySpec, Layout, Size
from recsys.core.types import Array, Arrays


class LayoutError(ValueError):
    """An array is not what its layout says."""


def check_arrays(arrays: Arrays, layout: Layout, sizes: Mapping[str, int]) -> dict[str, int]:
    """Checks that the arrays are those of the layout; returns the numbers by name.

    Args:
        sizes: numbers that are known beforehand; the others follow from the first array in whose shape they occur.
    Raises:
        LayoutError: an array is missing, is not in the layout, or is not as it says.
    """
    unknown = next((name for name in arrays if name not in layout), None)
    if unknown is not None:
        raise LayoutError(f"it has an array {unknown!r}, which this version does not know")
    known = dict(sizes)
    there = {spec.group for name, spec in layout.items() if name in arrays}
    for name, spec in layout.items():
        if name in arrays:
            _check_shape(name, arrays[name], spec, known)
        elif spec.group is None or spec.group in there:
            raise LayoutError(f"it lacks the array {name!r}")
    for name, array in arrays.items():
        _check_values(name, array.view(np.ndarray), layout[name], known)
    return known


def _check_shape(name: str, array: Array, spec: ArraySpec, sizes: dict[str, int]) -> None:
    if array.ndim == len(spec.shape):
        for n, size in zip(array.shape, spec.shape, strict=True):
            match size:
                case str(number):
                    sizes.setdefault(number, n)
                case (str(number), int(more)):
                    sizes.setdefault(number, n - more)
    expected = tuple(_number(size, sizes) if _is_known(size, sizes) else size for size in spec.shape)
    if (array.dtype.name, array.shape) != (spec.dtype, expected):
        raise LayoutError(
            f"the array {name!r} is {array.dtype.name} {_shown(array.shape)}, and not {spec.dtype} {_shown(expected)}"
        )


def _check_values(name: str, array: Array, spec: ArraySpec, sizes: Mapping[str, int]) -> None:
    if spec.starts is not None:
        end = sizes[spec.starts]
        if not (len(array) and array[0] == 0 and array[-1] == end and (array[1:] >= array[:-1]).all()):
            raise LayoutError(f"the array {name!r} does not rise from 0 to {end:,}")
        return
    low, high = _number(spec.low, sizes), _number(spec.high, sizes)
    if not _is_within(array, low, high, nan=spec.nan):
        _refuse_first(name, array, low, high, nan=spec.nan)
    if spec.rises and not (array[1:] > array[:-1]).all():
        raise LayoutError(f"the array {name!r} does not rise")


def _is_within(array: Array, low: Any, high: Any, *, nan: bool) -> bool:
    """Whether every value is; where NaN may be none is compared, and where not it is within nothing."""
    if not array.size:
        return True
    if array.dtype == np.float16:
        return int((array.view(np.uint16) & 0x7FFF).max()) < 0x7C00  # smaller than infinity, many times as fast
    if array.dtype.kind != "f" and (low, high) == (-LARGEST, LARGEST):
        return True
    if isinstance(low, list) or isinstance(high, list):
        return bool(((array >= np.array(low)) & (array <= np.array(high))).all())
    return is_between(array, low, high) if nan else bool(array.min() >= low and array.max() <= high)


def _refuse_first(name: str, array: Array, low: Any, high: Any, *, nan: bool) -> None:
    low, high = (np.broadcast_to(end, array.shape) for end in (low, high))
    with np.errstate(invalid="ignore"):  # a signaling NaN
        wrong = ~((array >= low) & (array <= high)) & ~(np.isnan(array) if nan else np.zeros(array.shape, dtype=bool))
    place = tuple(int(at[0]) for at in np.nonzero(wrong))
    raise LayoutError(
        f"the array {name!r} holds {array[place]:g} at {_shown(place)}, and not a number"
        f" from {low[place]:g} to {high[place]:g}"
    )


def _is_known(size: Size, sizes: Mapping[str, int]) -> bool:
    names = size if isinstance(size, tuple) else (size,)
    return all(name in sizes for name in names if isinstance(name, str))


def _number(size: Any, sizes: Mapping[str, int]) -> Any:
    if isinstance(size, str):
        return sizes[size]
    return sum(_number(part, sizes) for part in size) if isinstance(size, tuple) else size


def _shown(numbers: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, numbers))}{',' if len(numbers) == 1 else ''})"
