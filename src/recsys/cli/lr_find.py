"""recsys lr-find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import ConfigArgument, ConfigOption, JsonOption, SetOption, needed_config
from recsys.cli.progress import watching
from recsys.cli.render import echo, paragraph, print_json, signed
from recsys.cli.threads import leave_cores_to_training
from recsys.core.words import counted, shell_command

if TYPE_CHECKING:
    from recsys.training.rates import AutoRates
    from recsys.workflows.lr_find import LrFinding
    from recsys.workflows.lr_trial import LrComparison, LrTrial


def lr_find(
    position: ConfigArgument = None,
    named: ConfigOption = None,
    overrides: SetOption = None,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Plot the curve, as PNG.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys lr-find --config config.yaml --output lr.png"""
    config = needed_config(position, named)
    leave_cores_to_training()
    if output is not None:
        api.check_output(output, [config])
    resolved = api.load_config(config, overrides or [])
    with watching() as observe:
        found = api.lr_find(resolved, figure=output, observe=observe)
    if as_json:
        print_json({**found.to_dict(), "output": None if output is None else str(output)})
        return
    lines = [*_lines(found), *([] if output is None else [f"plot: {output}"])]
    echo("\n".join(line for text in lines for line in paragraph(text)))
    if found.suggestion is not None:
        kept = [each for each in overrides or () if not each.startswith("training.lr_max=")]
        changes = [part for each in (*kept, f"training.lr_max={_rates(found.suggestion)}") for part in ("--set", each)]
        echo(f"\nNext: {shell_command(['recsys', 'train', '--config', str(config), *changes])}")


def _lines(found: LrFinding) -> list[str]:
    """The range, the rate of the config beside it, and which to take."""
    curve = found.curve
    if curve.says_little:
        return [
            f"{_current(found)}",
            f"the loss falls by at most {curve.fall:.0%}: too few ratings to tell a range; keep the config's rate",
        ]
    low, high = (f"{rate:.2g}" for rate in curve.range)
    where = "in the range" if found.is_in_range else "outside the range"
    return [
        f"range of lr_max: {low} to {high}, from the steepest descent of the loss to a third of"
        f" {curve.minimum:.2g}, where it is lowest",
        f"{_current(found)}, {where}",
        *(["keep it"] if found.is_in_range else _compared(found.comparison)),
    ]


def _current(found: LrFinding) -> str:
    if found.is_auto:
        return f"the config's lr_max: auto, here {found.auto:.2g}"
    return f"the config's lr_max: {found.lr_max:.2g} (auto: {found.auto:.2g})"


def _compared(comparison: LrComparison | None) -> list[str]:
    """All rates trained, and which is best."""
    if comparison is None:
        return ["nothing is held out to compare rates on (split.valid_fraction); keep the config's rate"]
    metric = comparison.objective.deciding_metric
    best = comparison.suggestion
    rows = counted(comparison.n_ratings, "rating")
    return [
        f"validation {metric}, {rows}: {_value(comparison.of_config)} with the config's rate",
        *(f"  {_value(trial.value)} with {_rates(trial.lr_max)}{_interval(trial)}" for trial in comparison.trials),
        "not better: keep the config's rate" if best is None else f"better: {_rates(best)}",
    ]


def _value(value: float | None) -> str:
    return "diverged" if value is None else f"{value:.4f}"


def _interval(trial: LrTrial) -> str:
    if trial.difference is None:
        return ""
    low, high = signed(trial.difference.low, 4), signed(trial.difference.high, 4)
    return f"; difference {low} to {high} (95% interval)"


def _rates(rates: AutoRates) -> str:
    return f"[{', '.join(f'{rate:.2g}' for rate in rates)}]" if isinstance(rates, tuple) else str(rates)
