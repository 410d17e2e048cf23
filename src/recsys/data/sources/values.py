"""Numbers and times as they stand in a file."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from recsys.core.arguments import instance
from recsys.core.checked import checked

Decimal = Literal[".", ","] | None

THOUSANDS = {
    ".": re.compile(r"[-+]?\d{1,3}(,\d{3})+([.]\d*)?", re.ASCII),
    ",": re.compile(r"[-+]?\d{1,3}([.]\d{3})+(,\d*)?", re.ASCII),
}
TRUTH_VALUES = ("true", "false", "yes", "no")
TRUTH_AS_NUMBERS = "write 1 for true and 0 for false"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LONGEST_SECONDS = 1e11  # in seconds the year 5138, in milliseconds March 1973
ISO = re.compile(
    r"\d{4}-\d\d-\d\d([ T]\d\d(:\d\d(:\d\d([.]\d{1,9})?)?)?)? ?(?P<zone>Z|UTC|GMT|[+-]\d\d(:?\d\d)?)?", re.ASCII
)


NAMED_ZONES = ("UTC", "GMT")
DATE_LENGTH = 10


def number(text: str) -> float | None:
    """The number that `text` is, possibly infinite or NaN; None if it is none."""
    if not text.isascii() or "_" in text:  # Python would read ３ and 1_000
        return None
    try:
        return float(text)
    except ValueError:
        return None


def number_with(decimal: Decimal, text: str) -> float | None:
    """The number that `text` is by a decimal mark; None if it is none.

    Args:
        decimal: the other mark may stand between thousands; None: a point, and none between thousands.
    """
    if decimal is None:
        return number(text)
    mark = "," if decimal == "." else "."
    if mark in text:
        if not THOUSANDS[decimal].fullmatch(text.strip()):
            return None
        text = text.replace(mark, "")
    return number(text.replace(decimal, "."))


@checked(text=instance(str, "a text"))
def moment(text: str) -> float | None:
    """Seconds since 1970-01-01 UTC of a time as ratings files have them; None if it is none.

    A number is seconds, or milliseconds above LONGEST_SECONDS; else it is an ISO date.
    """
    value = number(text)
    if value is None or not math.isfinite(value):
        return iso_seconds(text)
    return value / 1000 if abs(value) > LONGEST_SECONDS else value


def iso_seconds(text: str) -> float | None:
    """Seconds since 1970-01-01 UTC of an ISO date, perhaps with a time and a zone (else UTC); None if it is none."""
    match = ISO.fullmatch(text.strip())
    if match is None:
        return None
    zone = match["zone"] or ""
    local = match[0].removesuffix(zone).rstrip()
    if zone and len(local) == DATE_LENGTH:
        local += " 00:00"
    try:
        moment = datetime.fromisoformat(local + ("Z" if zone in NAMED_ZONES else zone))
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND / 1e6


def zone_of(text: str) -> str | None:
    """The zone as an ISO date writes it; None where it writes none."""
    match = ISO.fullmatch(text.strip())
    return None if match is None else match["zone"]
