"""Completion in real shells, as far as they are installed: of a clone's script, and installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.promises.source_tree import ROOT

CLONE_SCRIPT = f"""#!{sys.executable}
import os, sys
os.environ["_PAPERWIRE_COMMAND"] = sys.argv[0]
os.environ["PYTHONPATH"] = {str(ROOT)!r}
os.execv({sys.executable!r}, [{sys.executable!r}, "-m", "paperwire", *sys.argv[1:]])
"""
"""Calls the program as the script `run` does, without its setup."""

INSTALLED_SCRIPT = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from paperwire.cli import main
sys.exit(main())
"""
BASH = """
eval "$({program} completion bash)"
COMP_WORDS=({line} "") COMP_CWORD={position} COMPREPLY=()
_paperwire_complete {called}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a clone's script, an installed program, and a script of somebody else."""
    for name, text in {
        "run": CLONE_SCRIPT,
        "bin/paperwire": INSTALLED_SCRIPT,
        "other/run": "#!/bin/sh\ntouch was-started\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return tmp_path


def run_shell(folder: Path, shell: str, script: str) -> list[str]:
    """The lines that a script prints in a shell without any startup file."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    options = {"bash": ["--norc"], "fish": ["--no-config"], "zsh": ["-f"]}[shell]
    ran = subprocess.run(
        [program, *options, "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split("\n")[:-1]


def complete_in_bash(folder: Path, program: str, line: str, called: str = "") -> list[str]:
    """The completions of the last word of a line."""
    words = line.split(" ")
    script = BASH.format(
        program=program, line=line, position=len(words) - 1, called=called or words[0]
    )
    return [word for word in run_shell(folder, "bash", script) if word]


@pytest.mark.parametrize("program", ["./run", "paperwire"])
def test_bash_completes_commands_and_options(folder: Path, program: str) -> None:
    assert complete_in_bash(folder, program, f"{program} sea") == ["search"]
    names = complete_in_bash(folder, program, f"{program} keyword re")
    assert names == ["remove", "rename", "restore"]
    assert complete_in_bash(folder, program, f"{program} search --j") == ["--json"]


def test_bash_starts_no_other_script_of_that_name(folder: Path) -> None:
    assert complete_in_bash(folder, "./run", "other/run sea") == []
    assert not (folder / "was-started").exists()
    assert complete_in_bash(folder, "./run", f"{folder}/run sea") == ["search"]


@pytest.mark.parametrize("program", ["./run", "paperwire"])
def test_fish_completes_commands_with_what_they_do(folder: Path, program: str) -> None:
    script = f"{program} completion fish | source; complete -C '{program} keyword re'"
    lines = run_shell(folder, "fish", script)
    assert [line.split("\t")[0] for line in lines] == ["remove", "rename", "restore"]
    assert "Remove a saved keyword" in lines[0]


@pytest.mark.parametrize("program", ["./run", "paperwire"])
def test_zsh_accepts_the_script(folder: Path, program: str) -> None:
    script = f'compdef() {{ print -- "$@"; }}; eval "$({program} completion zsh)"'
    name = program.removeprefix("./")
    assert run_shell(folder, "zsh", script) == [f"_paperwire_complete {name}"]


def test_script_says_where_it_belongs(folder: Path) -> None:
    lines = run_shell(folder, "bash", "./run completion bash; paperwire completion fish")
    assert lines[0] == f'# In ~/.bashrc:  eval "$({folder}/run completion bash)"'
    assert "# In ~/.config/fish/config.fish:  paperwire completion fish | source" in lines
