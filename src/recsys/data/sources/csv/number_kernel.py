"""The compiled loop through rows whose ids, ratings and times are plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import register_jitable

from recsys.core.jit import compiled, readable

SKIPPED, USER, ITEM, RATING, TIME = range(5)
"""What a field of a row is for."""
NOT_PLAIN = -1
ZERO, MINUS, POINT, NEWLINE, RETURN = b"0-.\n\r"
NINE = np.uint8(9)
MOST_DIGITS = 18  # of an int64
LARGEST_ID = 2**31 - 1
LARGEST = 2**53  # up to here every whole number is a double
POWERS = np.array([float(10**digits) for digits in range(MOST_DIGITS + 1)])  # all of them exact


@cache
def number_kernel() -> Callable[..., int]:
    """(text, delimiter, fields, user, item, rating, time, POWERS) → rows, or NOT_PLAIN.

    Reads every row of `text`, uint8, at whose end a line ends, into the columns, which are long enough, or empty where
    no field is for them: int32, int32, float32 and float64. `fields` says what each field of a row is for. An id is
    written as Python writes a whole number of 32 bits; another number has an optional minus, digits, and perhaps a
    point and digits. Any other row, with a blank around a number for one, is not plain: another reader has to read it.

    A number is the quotient of two doubles without an error, and so rounded once, as by Python's float().

    Source: Clinger 1990, "How to read floating point numbers accurately" (PLDI), the fast path.
    """
    columns = types.int32[::1], types.int32[::1], types.float32[::1], types.float64[::1]
    signature = types.int64(readable("uint8"), types.uint8, readable("int8"), *columns, readable("float64"))
    return compiled(signature, name="parse_numbers")(_parse)


def _parse(text: Any, delimiter: Any, fields: Any, user: Any, item: Any, rating: Any, time: Any, powers: Any) -> int:
    n, last = len(text), len(fields) - 1
    row = at = 0
    while at < n:
        if text[at] == NEWLINE or (text[at] == RETURN and text[at + 1] == NEWLINE):
            at += 1  # of a blank line
            continue
        for field in range(last + 1):
            role = fields[field]
            if role == SKIPPED:
                at = _skipped(text, at, delimiter)
            elif role == USER:
                at, user[row] = _id(text, at)
            elif role == ITEM:
                at, item[row] = _id(text, at)
            elif role == RATING:
                at, rating[row] = _number(text, at, powers)
            else:
                at, time[row] = _number(text, at, powers)
            if at == NOT_PLAIN or (field < last and text[at] != delimiter):
                return NOT_PLAIN
            at += field < last
        at += text[at] == RETURN
        if text[at] != NEWLINE:
            return NOT_PLAIN
        at += 1
        row += 1
    return row


@register_jitable  # type: ignore[untyped-decorator]
def _skipped(text: Any, at: Any, delimiter: Any) -> Any:
    """Where a field ends."""
    while text[at] != delimiter and text[at] != NEWLINE and text[at] != RETURN:
        at += 1
    return at


@register_jitable  # type: ignore[untyped-decorator]
def _id(text: Any, at: Any) -> Any:
    """Where an id ends, or NOT_PLAIN, and the number that it is."""
    is_negative = text[at] == MINUS
    first = at + is_negative
    at, whole = _digits(text, first, np.int64(0))
    n_digits = at - first
    has_odd_zero = text[first] == ZERO and (n_digits > 1 or is_negative)
    if n_digits == 0 or n_digits > MOST_DIGITS or has_odd_zero or whole > LARGEST_ID:
        return NOT_PLAIN, np.int32(0)
    return at, np.int32(-whole if is_negative else whole)


@register_jitable  # type: ignore[untyped-decorator]
def _number(text: Any, at: Any, powers: Any) -> Any:
    """Where a number ends, or NOT_PLAIN, and the number."""
    is_negative = text[at] == MINUS
    first = at + is_negative
    at, whole = _digits(text, first, np.int64(0))
    n_digits, n_decimals = at - first, 0
    has_point = text[at] == POINT
    if has_point:
        first = at + 1
        at, whole = _digits(text, first, whole)
        n_decimals = at - first
    if n_digits == 0 or n_decimals < has_point or n_digits + n_decimals > MOST_DIGITS or whole > LARGEST:
        return NOT_PLAIN, 0.0
    value = whole / powers[n_decimals]
    return at, -value if is_negative else value


@register_jitable  # type: ignore[untyped-decorator]
def _digits(text: Any, at: Any, whole: Any) -> Any:
    """Where digits end, and the number that those make which follow those of `whole`; too many overflow."""
    digit = np.uint8(text[at] - ZERO)
    while digit <= NINE:
        whole = 10 * whole + digit
        at += 1
        digit = np.uint8(text[at] - ZERO)
    return at, whole
