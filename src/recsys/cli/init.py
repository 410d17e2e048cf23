"""recsys init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(ratings: Annotated[Path, typer.Argument(metavar="RATINGS", help="A ratings file.")]) -> None:
    """Look at a ratings file and write a config for it."""
