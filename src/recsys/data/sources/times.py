"""Times of a dataset: one unit, decided once by all rows of all its files, and refused where it cannot be right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from recsys.core.collectives import is_so_on_any, number_of_each
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import DataError
from recsys.core.types import Array, BoolArray, Times
from recsys.data.sources.table import IN_SECONDS, Table, TimeUnit
from recsys.data.sources.values import LONGEST_SECONDS

FINER: tuple[tuple[TimeUnit, float], ...] = (("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9))
"""Units, and how many are a second."""

EARLIEST, LATEST = -2.2e9, 4.2e9  # seconds: the years 1900 and 2103
EARLIEST_FINE = 6.6e8  # seconds: December 1990, before which milliseconds may be seconds, and nanoseconds ticks
EXCEL = (32_874, 73_050)  # days: the years 1990 to 2100
YEARS = (1950, 2100)
CLOCK_DIGITS: dict[TimeUnit, int] = {"YYYYMMDD": 0, "YYYYMMDDhhmm": 4, "YYYYMMDDhhmmss": 6}
"""How many of the digits of a date are of a clock."""
EXCEL_EPOCH = 25_569  # days: 1970-01-01
DAY = 86_400
YEAR = 31_556_952
NO_TIMES = "without times: data.columns.timestamp: false (init: --no-timestamp)"


def in_seconds(
    tables: Sequence[Table], locate: Callable[[int], str], communicator: Communicator = ALONE
) -> list[Table]:
    """The tables with times in seconds since 1970.

    Numbers are seconds, milliseconds, microseconds or nanoseconds, as most rows have them; days as Excel counts them;
    years; or dates as digits: YYYYMMDD, YYYYMMDDhhmm or YYYYMMDDhhmmss.

    Args:
        locate: where a row stands, by its number in all tables.
        communicator: of ranks with tables of their own, perhaps none, whose numbers are in one unit.

    Raises:
        DataError: a time is before 1900 or after 2100 in the unit of the others.
    """
    numbers = [table.timestamp for table in tables if _has_numbers(table) and table.n_rows]
    unit = _unit([values for values in numbers if values is not None], communicator)
    converted = []
    for table in tables:
        if unit is not None and _has_numbers(table) and table.timestamp is not None:
            table = replace(table, timestamp=_seconds(table.timestamp, unit), time_unit=unit)
        converted.append(table)
    _check(converted, locate)
    return converted


def _has_numbers(table: Table) -> bool:
    return table.timestamp is not None and table.time_unit not in IN_SECONDS


def _unit(times: Sequence[Times], communicator: Communicator) -> TimeUnit | None:
    """The unit of the numbers of all ranks; None: there are none."""
    own_ends = [(float(values.min()), float(values.max())) for values in times]
    ends = np.concatenate(communicator.all_gather(np.array(own_ends).reshape(-1, 2)))
    if not len(ends):
        return None
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())

    def are_all(is_so: Callable[[Times], bool]) -> bool:
        return not is_so_on_any(not all(map(is_so, times)), communicator)

    if low >= EXCEL[0] and high <= EXCEL[1]:
        return "Excel days"
    if low >= YEARS[0] and high <= YEARS[1] and are_all(lambda values: bool((values == np.rint(values)).all())):
        return "years"
    for unit, n_digits in CLOCK_DIGITS.items():
        is_in_range = low >= 19000101 * 10**n_digits and high < 21010101 * 10**n_digits
        if is_in_range and are_all(partial(_are_dates, unit=unit)):
            return unit
    if max(-low, high) <= LONGEST_SECONDS:
        return "seconds"
    n = sum(number_of_each(sum(map(len, times)), communicator))
    fitting: list[TimeUnit] = [
        unit for unit, per_second in FINER if 2 * _n_beyond(LONGEST_SECONDS * per_second / 1e3, times, communicator) > n
    ]
    return fitting[-1] if fitting else "seconds"


def _n_beyond(limit: float, times: Sequence[Times], communicator: Communicator) -> int:
    return sum(number_of_each(sum(int(np.count_nonzero(np.abs(values) > limit)) for values in times), communicator))


def _seconds(values: Times, unit: TimeUnit) -> Times:
    if unit in CLOCK_DIGITS:
        return _of_dates(values, unit)
    if unit == "years":
        return _of_dates(values * 10_000 + 101, "YYYYMMDD")
    if unit == "Excel days":
        return (values - EXCEL_EPOCH) * DAY
    if unit in dict(FINER):
        values /= dict(FINER)[unit]  # in place: no second copy
    return values


def _check(tables: Sequence[Table], locate: Callable[[int], str]) -> None:
    """Raises DataError for the first time that cannot be right."""
    wrong = [_is_wrong(table) for table in tables]
    n_before = 0
    for table, is_wrong in zip(tables, wrong, strict=True):
        if is_wrong.any():
            assert table.timestamp is not None
            assert table.time_unit is not None
            row, unit = int(np.argmax(is_wrong)), table.time_unit
            year = 1970 + int(table.timestamp[row] // YEAR)
            written = table.timestamp[row] * dict(FINER).get(unit, 1)
            what = f"the time {written:.15g} is in the year {year} if it is in {unit}"
            what = f"the time is in the year {year}" if unit in IN_SECONDS else f"{what}, as in most rows"
            are_all = all(others.all() for others in wrong)
            hint = "write the times as seconds since 1970, or as dates" if are_all else "mend or leave out such rows"
            raise DataError(
                what,
                where=locate(n_before + row),
                expected="times in one unit in all rows, from 1900 to 2100",
                hint=f"{hint}; {NO_TIMES}",
            )
        n_before += table.n_rows


def _is_wrong(table: Table) -> BoolArray:
    """Which times are out of range; no rows where the table has no times."""
    seconds, unit = table.timestamp, table.time_unit
    if seconds is None or unit is None:
        return np.zeros(0, dtype=bool)
    is_wrong: BoolArray = (seconds < EARLIEST) | (seconds > LATEST)
    if unit in dict(FINER):
        is_wrong |= (seconds < EARLIEST_FINE) & (seconds != 0)
    return is_wrong


def _digits(values: Times, unit: TimeUnit) -> tuple[Array, Array]:
    """The date, and the seconds of the day, of numbers whose digits are a date."""
    whole = values.astype(np.int64)
    n_digits = CLOCK_DIGITS[unit]
    return whole // 10**n_digits, whole % 10**n_digits * 10 ** (6 - n_digits) * (n_digits > 0)


def _are_dates(values: Times, unit: TimeUnit) -> bool:
    if (values != np.rint(values)).any():
        return False
    date, clock = _digits(values, unit)
    month, day = date // 100 % 100, date % 100
    is_date: BoolArray = (month >= 1) & (month <= 12) & (day >= 1) & (clock < 240_000) & (clock // 100 % 100 < 60)
    if not (is_date & (clock % 100 < 60)).all():
        return False
    months = _months(date)
    n_days = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    return bool((day <= n_days).all())


def _of_dates(values: Times, unit: TimeUnit) -> Times:
    date, clock = _digits(values, unit)
    days = _months(date).astype("datetime64[D]").astype(np.int64) + date % 100 - 1
    seconds: Times = (days * DAY + clock // 10_000 * 3600 + clock // 100 % 100 * 60 + clock % 100).astype(np.float64)
    return seconds


def _months(date: Array) -> Array:
    months: Array = ((date // 10_000 - 1970) * 12 + date // 100 % 100 - 1).astype("datetime64[M]")
    return months
