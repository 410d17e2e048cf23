"""The run that a command uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recsys import api
from recsys.cli.render import paragraph, say
from recsys.core.words import shell_word

if TYPE_CHECKING:
    from recsys.artifacts.standing import BetterRun


def used_run(run: Path | None) -> Path:
    """The run that is named, else the default one, which is then named on stderr."""
    if run is not None:
        return run
    default = api.default_run()
    say(f"run: {default} ({default_reason()})")
    return default


def default_reason() -> str:
    """Why the default run is the default one."""
    return "newest finished" if api.promoted_run() is None else "promoted"


def worse_lines(run: str, better: Sequence[BetterRun]) -> list[str]:
    """That a run is worse than earlier ones on the same test ratings, a line for each objective; and what to do."""
    lines = [
        f"{run} is worse than {other['run']} on the same test ratings:"
        f" {other['metric']} {other['own']:.4f} against {other['value']:.4f}"
        for other in better
    ]
    others = [
        name for name in dict.fromkeys(other["run"] for other in better) if not api.is_default(api.runs_root() / name)
    ]
    return [
        *(line for text in lines for line in paragraph(text)),
        *(f"  to make {name} the default: recsys promote {shell_word(name)}" for name in others),
    ]
