"""Dates as people write them, by the formats of strptime: which ones fit some texts, and the time of a text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product

from recsys.data.sources.values import EPOCH, MICROSECOND, number

DAYS = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y"),
    *("%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%m %d, %Y"),
    *("%d-%b-%Y", "%d-%b-%y", "%d-%B-%Y", "%d/%b/%Y", "%a, %d %b %Y", "%A, %B %d, %Y", "%Y %b %d", "%Y-%m", "%Y/%m"),
    *("%m/%Y", "%b %Y", "%B %Y"),
)
CLOCKS = (
    *(" %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p", ", %H:%M:%S", ", %H:%M", ", %I:%M:%S %p"),
    *(", %I:%M %p", " %H:%M:%S %z", " %H:%M:%S %Z", "T%H:%M:%S", ":%H:%M:%S", ":%H:%M:%S %z"),
)
OTHERS = (
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Z %Y", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ"),
    *("[%d/%b/%Y:%H:%M:%S %z]", "%H:%M %d.%m.%Y", "%H:%M:%S %d.%m.%Y", "%H:%M %d/%m/%Y"),
)


def formats_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The formats that all of some texts fit, blank ones aside; none for numbers."""
    written = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    if not written or any(number(text) is not None for text in written):
        return ()
    with_clock = [day + clock for day, clock in product(DAYS, CLOCKS)] if ":" in written[0] else []
    return fitting((*DAYS, *with_clock, *OTHERS), written)


def fitting(formats: Iterable[str], texts: Iterable[str]) -> tuple[str, ...]:
    """Those of the formats that all texts fit."""
    left = tuple(formats)
    for text in texts:
        left = tuple(form for form in left if seconds_of(text, form) is not None)
    return left


def seconds_of(text: str, form: str) -> float | None:
    """Seconds since 1970-01-01 UTC of a date in a format of strptime, without a zone in UTC; None if it is none."""
    try:
        moment = datetime.strptime(text.strip(), form)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND / 1e6
