"""What an attack has come to."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Counted by an attack as it goes on.

    Attributes:
        n_cases: faults that were injected.
        failures: what went wrong, each with the number of its case, which with the seed repeats it.
    """

    n_cases: int = 0
    failures: list[str] = field(default_factory=list)
