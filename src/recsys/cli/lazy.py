"""A group that imports the module of a command when that command is invoked, and none for the help."""

from __future__ import annotations

import inspect
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from recsys.cli.arguments import check_options, check_values, refuse_extra
from recsys.cli.commands import COMMANDS, Command
from recsys.core.resolve import resolve


class LazyGroup(TyperGroup):
    """The commands of the table by name and help, for the help, for completion and for what was mistyped."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._table = {command.name: command for command in COMMANDS}
        self.commands = {
            command.name: TyperCommand(command.name, help=command.help, rich_help_panel=command.panel)
            for command in COMMANDS
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Name, command and its arguments; from here on the real command takes the place of the one listed."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name in self._table else command, rest

    def load(self, name: str) -> Any:
        """The command itself, from its module."""
        command = self._table[name]
        target = resolve(command.target)
        if isinstance(target, typer.Typer):
            group = typer.main.get_command(target)
            group.help = command.help
            return group
        return typer.main.get_command(_app(command, target))


class CheckedCommand(TyperCommand):
    """A command that takes none of its own options for the value of another one, and says what is too much."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        check_values(self, args)
        ctx.allow_extra_args = True
        given = [*args]  # which click empties
        rest = super().parse_args(ctx, args)
        refuse_extra(ctx, given)
        return rest


class IdsCommand(CheckedCommand):
    """A command whose arguments may look like options: it passes on what it does not know, but nothing mistyped."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        check_options(self, args)
        return super().parse_args(ctx, args)


def _app(command: Command, function: Any) -> typer.Typer:
    """An app of this one command, which typer then builds."""
    app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    app.command(
        command.name,
        cls=IdsCommand if command.takes_ids else CheckedCommand,
        help="\n\n".join(part for part in (command.help, inspect.getdoc(function)) if part),
        context_settings={"ignore_unknown_options": command.takes_ids},
    )(function)
    return app
