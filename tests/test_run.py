"""The script `run`, which must work before anything is installed; tested with empty lock files."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "run"
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-test.lock")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose `paperwire` prints its arguments, with empty lock files."""
    folder = tmp_path / "a checkout"
    (folder / "paperwire").mkdir(parents=True)
    (folder / "paperwire" / "__main__.py").write_text("import sys; print(sys.argv[1:])\n")
    (folder / "pytest.py").write_text("import sys; print('pytest', sys.argv[1:])\n")
    for lock in LOCKS:
        (folder / lock).write_text("# nothing\n")
    shutil.copy(SCRIPT, folder)
    return folder


@pytest.fixture
def script(checkout: Path) -> ModuleType:
    loader = SourceFileLoader("run_script", str(checkout / "run"))
    spec = importlib.util.spec_from_loader("run_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(checkout / "run"), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        cwd=checkout.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_environment_is_created_once_and_commands_run_in_it(checkout: Path) -> None:
    first = run(checkout)
    assert first.stdout == "['up']\n", first.stderr
    assert "Setting up .venv" in first.stderr
    python = checkout / ".venv" / "bin" / "python"
    created = python.lstat()
    for arguments, output in [
        (("status", "--json"), "['status', '--json']\n"),
        (("paperwire", "search", "a b"), "['search', 'a b']\n"),
        (("--help",), "['--help']\n"),
        (("test", "-k", "x"), "pytest ['-m', 'not faults', '-k', 'x']\n"),
        (("test", "faults", "-x"), "pytest ['-m', 'faults or row', '-x']\n"),
    ]:
        again = run(checkout, *arguments)
        assert (again.stdout, again.stderr) == (output, "")
    assert python.lstat() == created


def test_changed_lock_file_recreates_the_environment(checkout: Path) -> None:
    run(checkout)
    (checkout / ".venv" / "left-behind").touch()
    (checkout / "requirements.lock").write_text("# nothing else\n")
    assert "Setting up .venv" in run(checkout).stderr
    assert not (checkout / ".venv" / "left-behind").exists()


def test_failed_setup_is_retried(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text("not-there @ file:///not/there\n")
    for _ in range(2):
        failed = run(checkout)
        assert failed.returncode == 1
        assert failed.stderr.splitlines()[-1].startswith("Setup failed")
        assert failed.stdout == ""


def test_old_versions_of_python_can_parse_it() -> None:
    ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (3, 14)])
def test_unsupported_python_exits_with_one_line(
    script: ModuleType, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SystemExit, match=rf"needs Python 3.11.*this is Python 3\.{version[1]}\.$"):
        script.main([])


def test_suitable_python_is_found_on_path(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, code in [
        ("python3.13", "exit 127"),
        ("python3.12", "exit 0"),
        ("python3.11", "exit 0"),
    ]:
        (tmp_path / name).write_text(f"#!/bin/sh\n{code}\n")
        (tmp_path / name).chmod(0o755)
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(sys, "version_info", (3, 9))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "execv", lambda program, arguments: commands.append(arguments))
    with pytest.raises(SystemExit):
        script.main(["status"])
    assert commands[0][0] == str(tmp_path / "python3.12")
    assert commands[0][-1] == "status"


def test_missing_pip_exits_with_instructions(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "succeeds", lambda *command: False)
    with pytest.raises(SystemExit, match="install python3-pip or python3-venv"):
        script.pip_command()


def test_program_learns_how_the_script_was_called(checkout: Path) -> None:
    """As it was typed: by a path, by `python run`, or through a link elsewhere."""
    shown = "import os; print(os.environ['_PAPERWIRE_COMMAND'])\n"
    (checkout / "paperwire" / "__main__.py").write_text(shown)
    run(checkout)
    link = checkout.parent / "bin" / "paperwire-run"
    link.parent.mkdir()
    link.symlink_to(checkout / "run")
    for called, cwd, name in [
        ("./run", checkout, "./run"),
        ("run", checkout, "./run"),
        (str(checkout / "run"), checkout.parent, f"'{checkout}/run'"),
        ("bin/paperwire-run", checkout.parent, "bin/paperwire-run"),
    ]:
        ran = subprocess.run(
            [sys.executable, called, "status"],
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=True,
        )
        assert (ran.stdout, ran.stderr) == (f"{name}\n", "")


def test_completion_never_waits_for_a_setup(checkout: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(checkout / "run")],
        env={"PATH": os.environ["PATH"], "_PAPERWIRE_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ran.stdout, ran.stderr) == ("", "")
    assert not (checkout / ".venv").exists()
