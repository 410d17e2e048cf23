"""What training starts from, when not from scratch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from recsys.core.section import Section


class Start(Section):
    """Another run to start from, as `recsys finetune` and `recsys update` do."""

    run: Path
    """The run whose parameters, users and items training starts from."""
    replay: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of that run's training ratings that are trained on again beside the new ones."""
    only: Literal["ranking"] | None = None
    """ranking: only the ranking scorer is trained; that of ratings stays the run's. Left out: all are."""
    repeat: Annotated[int, Field(ge=1)] = 1
    """How often each new rating is seen in an epoch, where a replayed one is seen once."""
