"""Usage errors in one line each: what is wrong with which command, and what to write instead."""

from __future__ import annotations

import re
from typing import Final

import click
from click.exceptions import NoSuchCommand, NoSuchOption

from papers.command_name import command_line

_REFUSED_VALUE: Final = re.compile(r"^'?(.*?)'? (?:is not|does not) ", re.DOTALL)
_MAX_SHOWN_VALUE: Final = 80


def describe_usage_error(error: click.UsageError) -> str:
    """Return `search: QUERY is missing; write `./run search QUERY``, and its like."""
    ctx = error.ctx
    if ctx is None:
        return f"{_sentence(error.format_message())}; `{command_line('--help')}` explains it"
    where = _words(ctx)
    return f"{where}: {_describe(error, ctx)}" if where else _describe(error, ctx)


def _describe(error: click.UsageError, ctx: click.Context) -> str:
    if isinstance(error, NoSuchCommand):
        return _describe_command(error, ctx)
    if isinstance(error, NoSuchOption):
        return _describe_option(error, ctx)
    if isinstance(error, click.MissingParameter) and error.param:
        return f"{_name(error.param)} is missing; write `{_usage(ctx, error.param)}`"
    if isinstance(error, click.BadParameter) and error.param:
        return f"{_name(error.param)}: {_describe_value(error, error.param)}"
    message = _sentence(error.format_message())
    if message == "missing command":
        return f"a command is missing; there are {_commands(ctx)}"
    if message.startswith("got unexpected extra argument"):
        return f"{message[4:]}; write `{_usage(ctx)}`, and a text with spaces in quotes"
    return message if ";" in message else f"{message}; `{_path(ctx)} --help` explains it"


def describe_group(ctx: click.Context) -> str:
    """Return the error for a group of commands that is called without one of them."""
    return f"{_words(ctx)}: a command is missing; there are {_commands(ctx)}"


def _describe_command(error: NoSuchCommand, ctx: click.Context) -> str:
    name = error.command_name[:_MAX_SHOWN_VALUE]
    if error.possibilities:
        guesses = " or ".join(f"`{_path(ctx)} {guess}`" for guess in error.possibilities[:3])
        return f"there is no command {name!r}; did you mean {guesses}?"
    return f"there is no command {name!r}; there are {_commands(ctx)}"


def _describe_option(error: NoSuchOption, ctx: click.Context) -> str:
    name = error.option_name[:_MAX_SHOWN_VALUE]
    root = ctx.find_root()
    if ctx is not root and any(name in param.opts for param in root.command.params):
        return f"{name} goes before the command: `{root.info_name} {name} … {_words(ctx)}`"
    if error.possibilities:
        return f"there is no option {name}; did you mean {' or '.join(error.possibilities[:3])}?"
    return f"there is no option {name}; `{_path(ctx)} --help` lists those there are"


def _describe_value(error: click.BadParameter, param: click.Parameter) -> str:
    """Return why a value is refused; click's words for ranges and days are formulas."""
    refused = _REFUSED_VALUE.match(error.message)
    value = refused[1][:_MAX_SHOWN_VALUE] if refused else ""
    if isinstance(param.type, click.IntRange):
        low, high = param.type.min, param.type.max
        return f"{value!r} is no whole number from {low:,} to {high:,}; give one"
    if isinstance(param.type, click.DateTime):
        return f"{value!r} is no day; write it as 2026-11-21"
    if isinstance(param.type, click.types.FloatParamType):
        return f"{value!r} is no number; give one, such as 60"
    if isinstance(param.type, click.Choice):
        return f"{value!r} is none of {', '.join(map(str, param.type.choices))}; choose one"
    return _sentence(error.message)


def _name(param: click.Parameter) -> str:
    """Return an argument's name as in the usage, an option's as it is typed."""
    if isinstance(param, click.Argument):
        return (param.metavar or (param.name or "").upper()).strip(".")
    return max(param.opts, key=len)


def _usage(ctx: click.Context, option: click.Parameter | None = None) -> str:
    """Return what to type: the command with its arguments, and an option if it is required."""
    pieces = [piece for piece in ctx.command.collect_usage_pieces(ctx) if piece != "[OPTIONS]"]
    if isinstance(option, click.Option):
        pieces.append(f"{_name(option)} {option.make_metavar(ctx)}")
    return " ".join([_path(ctx), *pieces])


def _words(ctx: click.Context) -> str:
    """Return the words of a command without the program's name: `keyword add`."""
    words = []
    while ctx.parent:
        words.append(ctx.info_name or "")
        ctx = ctx.parent
    return " ".join(reversed(words))


def _path(ctx: click.Context) -> str:
    return command_line(_words(ctx))


def _commands(ctx: click.Context) -> str:
    group = ctx.command
    return ", ".join(group.list_commands(ctx)) if isinstance(group, click.Group) else ""


def _sentence(message: str) -> str:
    """Return a message of click in our style: no capital at its begin, no full stop, one line."""
    text = " ".join(message.split()).rstrip(".")
    return text[:1].lower() + text[1:]
