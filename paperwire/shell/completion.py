"""`paperwire completion`: the scripts by which bash, zsh and fish complete commands and options.

A script belongs to the program that printed it. For the script `run` of a clone it first checks
that the `run` on the line is that very file: to complete a line would otherwise start any program
of that name.
"""

from __future__ import annotations

import os
import shlex
import shutil
from typing import Any, Final

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ZshComplete,
    add_completion_class,
)

from papers.command_name import is_clone, program_name

_BASH: Final = """\
_paperwire_complete() {
    %(guard)s
    local IFS=$'\\n' reply
    reply=$(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \
_PAPERWIRE_COMPLETE=bash_complete "$1")
    COMPREPLY=()
    for reply in $reply; do
        case ${reply%%%%,*} in
            plain) COMPREPLY+=("${reply#*,}") ;;
            file) compopt -o default 2>/dev/null ;;
            dir) compopt -o dirnames 2>/dev/null ;;
        esac
    done
}
complete -o nosort -F _paperwire_complete %(name)s 2>/dev/null ||
    complete -F _paperwire_complete %(name)s
"""
_ZSH: Final = """\
#compdef %(name)s
_paperwire_complete() {
    %(guard)s
    local -a reply described
    reply=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \
_PAPERWIRE_COMPLETE=zsh_complete "${words[1]}")}")
    local kind word about
    for kind word about in "${reply[@]}"; do
        case $kind in
            plain) [[ $about == _ ]] && described+=("$word") || described+=("$word:$about") ;;
            file) _path_files -f ;;
            dir) _path_files -/ ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
}
compdef _paperwire_complete %(name)s
"""
_FISH: Final = """\
function _paperwire_complete
    set -l line (commandline -opc)
    for reply in (env _PAPERWIRE_COMPLETE=fish_complete COMP_WORDS=(commandline -cp) \
COMP_CWORD=(commandline -t) $line[1])
        set -l parts (string split -m 1 "," -- $reply)
        switch $parts[1]
            case plain
                echo $parts[2]
            case file
                __fish_complete_path (commandline -t)
            case dir
                __fish_complete_directories (commandline -t)
        end
    end
end
complete --no-files %(option)s --arguments "(_paperwire_complete)"
"""
_GUARDS: Final = {
    "bash": '[[ "$1" -ef %s ]] || return',
    "zsh": '[[ "${words[1]}" -ef %s ]] || return',
}
_SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_STARTUP_FILES: Final = {
    "bash": "~/.bashrc",
    "zsh": "~/.zshrc, after compinit",
    "fish": "~/.config/fish/config.fish",
}


class BashReply(BashComplete):
    """Completions as the script for bash reads them; click's own replies vary by its version."""

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return kind and word."""
        return f"{item.type},{item.value}"


class ZshReply(ZshComplete):
    """Completions as the script for zsh reads them."""

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return kind, word and description in a line each; a colon ends the word in zsh."""
        word = item.value.replace(":", r"\:") if item.help else item.value
        return f"{item.type}\n{word}\n{item.help or '_'}"


class FishReply(FishComplete):
    """Completions as the script for fish reads them."""

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return kind and word, and the description after a tab."""
        about = " ".join((item.help or "").split())
        return f"{item.type},{item.value}\t{about}" if about else f"{item.type},{item.value}"


for _reply in (BashReply, ZshReply, FishReply):
    add_completion_class(_reply)


@click.command()
@click.argument("shell", type=click.Choice(list(_SCRIPTS)))
def completion(shell: str) -> None:
    """Print the script that completes commands in a shell.

    SHELL is bash (4.4 or later), zsh or fish. Put one line into the shell's startup file: in bash
    and zsh eval "$(… completion SHELL)", in fish … completion fish | source.
    """
    click.echo(completion_script(shell), nl=False)


def completion_script(shell: str) -> str:
    """Return the script for a shell, with how to install it in the first lines."""
    program = os.path.realpath(shutil.which(_program()) or _program())
    called = program if is_clone() else program_name()
    load = (
        f"{called} completion {shell} | source"
        if shell == "fish"
        else f'eval "$({called} completion {shell})"'
    )
    file, name = shlex.quote(program), os.path.basename(_program())
    script = _SCRIPTS[shell] % {
        "name": name,
        "guard": _GUARDS[shell] % file if is_clone() and shell in _GUARDS else "true",
        "option": f"--path {file}" if is_clone() else f"--command {name}",  # fish
    }
    return f"# In {_STARTUP_FILES[shell]}:  {load}\n{script}"


def _program() -> str:
    return shlex.split(program_name())[0]
