"""Usage errors are one line that names thing, reason and remedy; both names of the command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import click
import pytest
from click.testing import CliRunner

from papers.command_name import NAME_VARIABLE
from paperwire.cli import main

NAMES = ("./run", "paperwire")
ERRORS = [
    ("serch x", "there is no command 'serch'; did you mean `NAME search`"),
    ("keyword", "keyword: a command is missing; there are add, import, list"),
    ("search", "search: QUERY is missing; write `NAME search QUERY`"),
    ("search x --jsn", "search: there is no option --jsn; did you mean --json?"),
    ("search x -n 0", "search: -n: '0' is no whole number from 1 to 1,000"),
    ("search x -n many", "search: -n: 'many' is no whole number from 1 to 1,000"),
    ("search x --config f", "search: --config goes before the command: `NAME --config … search`"),
    ("keyword add A b c", "keyword add: unexpected extra argument (c); write `NAME keyword add"),
    ("backfill --from 2026", "backfill: --from: '2026' is no day; write it as 2026-11-21"),
    ("backfill", "backfill: use either --from DATE to start, or --stop; `NAME backfill --help`"),
    ("health all", "health: PART: 'all' is none of web, worker, scheduler; choose one"),
    ("token add x", "token add: --scope is missing; write `NAME token add NAME --scope"),
    ("demo --day soon", "demo: --day: 'soon' is no number"),
    ("source add", "source add: a NAME and a URL are needed, or --preset"),
    ("--config x.toml", "a command is missing; there are backfill"),
    ("papers -n", "papers: there is no option -n"),
]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """The program's name, as the script of a clone or an entry point sets it."""
    with mock.patch.dict(os.environ, {NAME_VARIABLE: request.param}):
        yield request.param


@pytest.mark.parametrize(("line", "message"), ERRORS)
def test_usage_error_is_one_line_with_a_remedy(
    name: str, line: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, line.split())
    assert (result.exit_code, result.stdout) == (2, "")
    (shown,) = result.stderr.splitlines()
    assert shown.startswith(f"{name}: {message.replace('NAME', name, 1)}") or shown.startswith(
        f"{name}: {message.replace('`NAME', f'`{name}')}"
    )


def test_program_without_a_command_prints_its_help(name: str) -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: {name} [OPTIONS] COMMAND")
    assert ("./run test" in result.stdout) == (name == "./run")


def commands(group: click.Group, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for word, command in group.commands.items():
        yield (*words, word), command
        if isinstance(command, click.Group):
            yield from commands(command, *words, word)


@pytest.mark.parametrize("words", [words for words, _ in commands(main)], ids=" ".join)
def test_help_names_the_program_as_it_was_called(name: str, words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0
    assert f"Usage: {name} {' '.join(words)}" in " ".join(result.stdout.split())
    other = next(each for each in NAMES if each != name)
    assert f"{other} " not in result.stdout.replace("./paperwire.toml", "")


def test_every_command_takes_json_but_those_that_documents_name() -> None:
    without = {
        " ".join(words)
        for words, command in commands(main)
        if not isinstance(command, click.Group)
        and "as_json" not in {p.name for p in command.params}
    }
    assert without == {"web", "health", "completion"}


def run_program(
    arguments: list[str], environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key != NAME_VARIABLE}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**inherited, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_module_and_entry_point_name_themselves(tmp_path: Path) -> None:
    entry = tmp_path / "paperwire"
    entry.write_text("import sys\nfrom paperwire.cli import main\nsys.exit(main())\n")
    module = run_program(["-m", "paperwire", "frob"], {})
    assert module.stderr.startswith("python -m paperwire: there is no command 'frob'")
    clone = run_program(["-m", "paperwire", "frob"], {NAME_VARIABLE: "../run"})
    assert clone.stderr.startswith("../run: there is no command 'frob'")
    beside = run_program([str(entry), "frob"], {NAME_VARIABLE: "./run", "PATH": "/usr/bin"})
    assert beside.stderr.startswith(f"{entry}: there is no command 'frob'")
    entry.chmod(0o755)
    on_path = run_program([str(entry), "frob"], {"PATH": str(tmp_path)})
    assert on_path.stderr.startswith("paperwire: there is no command 'frob'")
