"""The top-level group of commands: errors in one line, and exit codes.

0 success; 1 not found, or a source or the store failed; 2 invalid input; 130 interrupted.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from papers.command_name import (
    INSTALLED_NAME,
    command_line,
    is_clone,
    program_name,
    set_program,
)
from papers.errors import BadInput, PaperwireError, UnknownKeyword, UnknownSource
from paperwire.shell.usage_errors import describe_group, describe_usage_error

COMPLETE_VARIABLE: Final = "_PAPERWIRE_COMPLETE"
"""The environment variable by which a shell's completion calls the program."""

_LISTED_BY: Final = {UnknownKeyword: "keyword list", UnknownSource: "source list"}
"""Errors of names, and the commands that list the names."""

_INTERRUPTED: Final = 130
"""The exit code of a program that was ended by Ctrl-C, as shells have it."""


class CommandGroup(click.Group):
    """The top-level commands."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Name what only a clone has."""
        super().format_epilog(ctx, formatter)
        if is_clone():
            name = program_name()
            formatter.write_paragraph()
            formatter.write_text(f"In a clone also `{name} test` and `{name} check`.")

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command by the name that this program was called by."""
        if PurePath(sys.argv[0]).name == INSTALLED_NAME:
            set_program(installed_name(sys.argv[0]))
        run = super().main
        if not standalone_mode:
            return run(args, program_name(), standalone_mode=False, **extra)
        try:
            code = run(args, program_name(), COMPLETE_VARIABLE, standalone_mode=False, **extra)
        except NoArgsIsHelpError as error:
            if error.ctx.parent:
                _exit_with_error(describe_group(error.ctx), 2)
            click.echo(error.format_message())
            code = 0
        except click.UsageError as error:
            _exit_with_error(describe_usage_error(error), 2)
        except click.ClickException as error:
            _exit_with_error(error.format_message(), error.exit_code)
        except click.Abort:
            _exit_with_error("interrupted", _INTERRUPTED)
        except PaperwireError as error:
            _exit_with_error(_with_remedy(error), 2 if isinstance(error, BadInput) else 1)
        sys.exit(code if isinstance(code, int) else 0)


def installed_name(path: str) -> str:
    """Return how to call an installed program: by its name if it is on PATH, else by its path."""
    found = shutil.which(INSTALLED_NAME)
    on_path = found is not None and os.path.realpath(found) == os.path.realpath(path)
    return INSTALLED_NAME if on_path else shlex.quote(path)


def _with_remedy(error: PaperwireError) -> str:
    """Return the message; for an unknown name, with the command that lists the known ones."""
    listed_by = next((words for kind, words in _LISTED_BY.items() if isinstance(error, kind)), "")
    known = f"; `{command_line(listed_by)}` lists those that are"
    return f"{error}{known if listed_by and ';' not in str(error) else ''}"


def _exit_with_error(message: str, code: int) -> NoReturn:
    click.echo(f"{program_name()}: {' '.join(message.split())}", err=True)
    sys.exit(code)
