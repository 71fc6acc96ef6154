"""The command line's name, as it was called: `./run` in a clone, `paperwire` where it is installed.

Messages name commands by `command_line("token list")`. The script `run` and the entry points put
the name into the environment, which the processes that they start inherit; with it a
`--config FILE` that was given, without which a command would act on another store.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, MutableMapping
from pathlib import Path, PurePath
from typing import Final

NAME_VARIABLE: Final = "_PAPERWIRE_COMMAND"
"""The name, as a shell takes it. It is not called `PAPERWIRE_…`: that would be a setting."""

OPTIONS_VARIABLE: Final = "_PAPERWIRE_OPTIONS"
"""The options before the command's words, as a shell takes them."""

INSTALLED_NAME: Final = "paperwire"
CLONE_NAME: Final = "./run"
_CLONE_SCRIPT: Final = "run"


def command_line(words: str = "", environ: Mapping[str, str] = os.environ) -> str:
    """Return a command as it is called here, such as `./run token list`."""
    return " ".join(filter(None, (program_name(environ), environ.get(OPTIONS_VARIABLE), words)))


def program_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name alone, without options: messages begin with it."""
    return environ.get(NAME_VARIABLE) or INSTALLED_NAME


def is_clone(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the script of a clone was called."""
    return PurePath(shlex.split(program_name(environ))[0]).name == _CLONE_SCRIPT


def set_program(name: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """Record the name that the program was called by."""
    environ[NAME_VARIABLE] = name
    environ.pop(OPTIONS_VARIABLE, None)


def set_config_option(config: Path, environ: MutableMapping[str, str] = os.environ) -> None:
    """Record that the settings are those of a `--config`; messages include that option."""
    here = Path.cwd()
    shown = config.relative_to(here) if config.is_relative_to(here) else config
    environ[OPTIONS_VARIABLE] = f"--config {shlex.quote(str(shown))}"


def hide_folders(environ: MutableMapping[str, str] = os.environ) -> None:
    """Take this machine's folders out of the name: pages and the API show it to everyone."""
    if os.sep in program_name(environ):
        called = PurePath(shlex.split(program_name(environ))[0]).name
        environ[NAME_VARIABLE] = CLONE_NAME if called == _CLONE_SCRIPT else shlex.quote(called)
    words = shlex.split(environ.get(OPTIONS_VARIABLE, ""))
    if any(map(os.path.isabs, words)):
        environ[OPTIONS_VARIABLE] = "--config FILE"
