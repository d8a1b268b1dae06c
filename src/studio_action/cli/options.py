"""Inputs as options: their help, in groups, and what a shell completes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from studio_action.inputs.groups import SHORT, grouped, help_text, is_usual, takes
from studio_action.inputs.table import BY_NAME, Input

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_SHOWS_ALL = "studio_action.help_all"


class LateCommand(click.Command):
    """A command whose options are made when they are asked for: of most commands, none are."""

    def __init__(
        self, name: str, *, options: Callable[[], list[click.Parameter]], **settings: Any
    ) -> None:
        super().__init__(name, **settings)
        self._options = options

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        self.params = self.params or self._options()
        return super().get_params(ctx)


class GroupedCommand(LateCommand):
    """A command whose `--help` shows the usual inputs in groups; `--help-all` shows all."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), _HELP_ALL]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        every = ctx.meta.get(_SHOWS_ALL, False)
        lines = {
            (each.name or "").replace("_", "-"): record
            for each in self.get_params(ctx)
            if (record := each.get_help_record(ctx))
        }
        names = [name for name in lines if every or name not in BY_NAME or is_usual(name)]
        for title, members in grouped(names):
            with formatter.section(title):
                formatter.write_dl([lines[name] for name in members])


def _show_all(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        ctx.meta[_SHOWS_ALL] = True
        click.echo(ctx.get_help())
        ctx.exit()


_HELP_ALL = click.Option(
    ["--help-all"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    help="Show every option, and exit.",
    callback=_show_all,
)


def text_of(value: str | tuple[str, ...] | None) -> str:
    return "\n".join(value) if isinstance(value, tuple) else value or ""


def _completions(each: Input, begun: str) -> list[CompletionItem]:
    """Return what a shell offers for the value of an input that begins like this."""
    from click.shell_completion import CompletionItem

    if takes(each) in ("FILE", "FOLDER"):
        return [CompletionItem(begun, type="dir" if takes(each) == "FOLDER" else "file")]
    return [CompletionItem(choice) for choice in each.choices if choice.startswith(begun)]


def option_for(each: Input, command: str) -> click.Option:
    """Make one option. Its text is judged in inputs/config.py, like that of every other origin."""
    shown = help_text(each, command)
    names = [f"--{each.name}"] + ([SHORT[each.name]] if each.name in SHORT else [])
    metavar = takes(each)
    match each.kind:
        case "flag":
            return click.Option(
                names, is_flag=False, flag_value="true", help=shown, metavar=metavar
            )
        case "list":
            return click.Option(names, multiple=True, help=shown, metavar=metavar)
        case "text":
            return click.Option(
                names,
                help=shown,
                metavar=metavar,
                shell_complete=lambda _, __, begun: _completions(each, begun),
            )
