"""Times of a dataset: seconds or milliseconds, decided once for all its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recsys.data.sources.table import IN_SECONDS, Table
from recsys.data.sources.values import LONGEST_SECONDS


def in_seconds(tables: Sequence[Table]) -> list[Table]:
    """The tables with times in seconds: numbers are milliseconds, in all files, if any is above 1e11."""
    numbers = [table.timestamp for table in tables if table.timestamp is not None and table.time_unit not in IN_SECONDS]
    if not any(len(times) and np.abs(times).max() > LONGEST_SECONDS for times in numbers):
        return list(tables)
    for times in numbers:
        times /= 1000
    return [table if table.time_unit in IN_SECONDS else replace(table, time_unit="milliseconds") for table in tables]
