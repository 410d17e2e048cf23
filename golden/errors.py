"""What ends a comparison before it has a table."""

from __future__ import annotations


class GoldenError(Exception):
    """The comparison cannot be made; the message says why."""
