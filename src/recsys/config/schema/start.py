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
    repeat: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """How often each new rating is seen in an epoch, where a replayed one is seen once."""
    like_run: bool = False
    """Whether the file is like that run's: columns of other names are found by common ones, and times may lack."""
    hold_out_from: Annotated[int, Field(ge=0, le=10**12)] = 0
    """With fewer new ratings, none are held out: what that run held out decides how good this one is."""
