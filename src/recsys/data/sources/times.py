"""Times of a dataset: one unit, decided once by all rows of all its files, and refused where it cannot be right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

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


def in_seconds(tables: Sequence[Table], locate: Callable[[int], str]) -> list[Table]:
    """The tables with times in seconds since 1970.

    Numbers are seconds, milliseconds, microseconds or nanoseconds, as most rows have them; days as Excel counts them;
    years; or dates as digits: YYYYMMDD, YYYYMMDDhhmm or YYYYMMDDhhmmss.

    Args:
        locate: where a row stands, by its number in all tables.

    Raises:
        DataError: a time is before 1900 or after 2100 in the unit of the others.
    """
    numbers = [table.timestamp for table in tables if _has_numbers(table) and table.n_rows]
    times = [values for values in numbers if values is not None]
    unit = _unit(times) if times else None
    converted = []
    n_before = 0
    for table in tables:
        if unit is not None and _has_numbers(table) and table.timestamp is not None:
            table = replace(table, timestamp=_seconds(table.timestamp, unit), time_unit=unit)
        if table.timestamp is not None and table.time_unit is not None:
            _check(table.timestamp, table.time_unit, lambda row, start=n_before: locate(start + row))  # type: ignore[misc]
        converted.append(table)
        n_before += table.n_rows
    return converted


def _has_numbers(table: Table) -> bool:
    return table.timestamp is not None and table.time_unit not in IN_SECONDS


def _unit(times: Sequence[Times]) -> TimeUnit:
    low, high = min(float(values.min()) for values in times), max(float(values.max()) for values in times)
    if low >= EXCEL[0] and high <= EXCEL[1]:
        return "Excel days"
    if low >= YEARS[0] and high <= YEARS[1] and all((values == np.rint(values)).all() for values in times):
        return "years"
    for unit, n_digits in CLOCK_DIGITS.items():
        is_in_range = low >= 19000101 * 10**n_digits and high < 21010101 * 10**n_digits
        if is_in_range and all(_are_dates(values, unit) for values in times):
            return unit
    if max(-low, high) <= LONGEST_SECONDS:
        return "seconds"
    n = sum(map(len, times))
    fitting: list[TimeUnit] = [
        unit
        for unit, per_second in FINER
        if 2 * sum(int(np.count_nonzero(np.abs(values) > LONGEST_SECONDS * per_second / 1e3)) for values in times) > n
    ]
    return fitting[-1] if fitting else "seconds"


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


def _check(seconds: Times, unit: TimeUnit, locate: Callable[[int], str]) -> None:
    is_wrong = (seconds < EARLIEST) | (seconds > LATEST)
    if unit in dict(FINER):
        is_wrong |= (seconds < EARLIEST_FINE) & (seconds != 0)
    if is_wrong.any():
        row = int(np.flatnonzero(is_wrong)[0])
        year = 1970 + int(seconds[row] // YEAR)
        written = seconds[row] * dict(FINER).get(unit, 1)
        what = f"the time {written:.15g} is in the year {year} if it is in {unit}"
        what = f"the time is in the year {year}" if unit in IN_SECONDS else f"{what}, as in most rows"
        hint = "write the times as seconds since 1970, or as dates" if is_wrong.all() else "mend or leave out such rows"
        raise DataError(
            what,
            where=locate(row),
            expected="times in one unit in all rows, from 1900 to 2100",
            hint=f"{hint}; {NO_TIMES}",
        )


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
