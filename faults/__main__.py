"""Attack real commands and files, and report each case that ends in anything but the right result or a clear error.

Example: python -m faults kills --seed 3 --seconds 600
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

from faults.outcome import Outcome

Attack = Callable[[int, float, Callable[[str], None]], Outcome]

ATTACKS: dict[str, str] = {
    "bytes": "faults.damaged_files",
    "config": "faults.config",
    "csv": "faults.csv",
    "kills": "faults.kills",
    "manifests": "faults.manifests",
    "stores": "faults.stores",
    "writes": "faults.writes",
    "serving": "faults.serving",
    "ids": "faults.ids",
    "ranks": "faults.ranks",
}
"""Name → the module whose `attack(seed, seconds, say)` it is."""


def main() -> int:
    """The exit code: 0 if every case ended well, 1 if one did not."""
    arguments = parse_arguments()
    n_failures = 0
    for name in arguments.attacks or ATTACKS:
        outcome = attack_named(name)(arguments.seed, arguments.seconds, _progress)
        for failure in outcome.failures:
            print(f"{name}: {failure}")
        print(
            f"{name}, seed {arguments.seed}: {outcome.n_cases:,} cases, {len(outcome.failures):,} failures", flush=True
        )
        n_failures += len(outcome.failures)
    return 1 if n_failures else 0


def attack_named(name: str) -> Attack:
    """The function that attacks."""
    return import_module(ATTACKS[name]).attack  # type: ignore[no-any-return]


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        "python -m faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("attacks", metavar="NAME", nargs="*", help=f"{', '.join(ATTACKS)} [all]")
    parser.add_argument("--seed", type=int, default=0, help="of the cases [0]")
    parser.add_argument("--seconds", type=float, default=3600, help="for each attack [3600]")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.attacks if name not in ATTACKS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    return arguments


def _progress(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
