"""The command names itself as it was called, in every message."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from papers.command_name import (
    NAME_VARIABLE,
    OPTIONS_VARIABLE,
    command_line,
    hide_folders,
    is_clone,
    program_name,
    set_config_option,
    set_program,
)
from tests.promises.source_tree import ROOT, source_files, syntax_tree

FIXED_NAME = re.compile(r"`(paperwire|\./run)( |`)|\b(use|run) (paperwire|\./run)\b")


def messages(path: Path) -> list[str]:
    """The texts of a module that are no docstrings, of an f-string its fixed parts."""
    tree = syntax_tree(path)
    bare = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare
    ]


def test_no_message_has_a_name_of_the_command_in_it() -> None:
    fixed = {
        str(path.relative_to(ROOT)): text
        for path in source_files()
        for text in messages(path)
        if FIXED_NAME.search(text)
    }
    assert fixed == {}


def test_no_page_has_a_name_of_the_command_in_it() -> None:
    for path in (ROOT / "service").rglob("*.html"):
        assert not re.search(r"<code>(paperwire|\./run)[ <]", path.read_text("utf-8")), path


def test_installed_command_is_paperwire_unless_it_says_otherwise() -> None:
    assert command_line("token list", {}) == "paperwire token list"
    environ: dict[str, str] = {}
    set_program("./run", environ)
    assert (command_line("token", environ), is_clone(environ)) == ("./run token", True)
    set_program("bin/paperwire", environ)
    assert (program_name(environ), is_clone(environ)) == ("bin/paperwire", False)
    set_program("python -m paperwire", environ)
    assert command_line("up", environ) == "python -m paperwire up"
    assert not is_clone(environ)


def test_config_option_is_part_of_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {NAME_VARIABLE: "./run"}
    set_config_option(tmp_path / "a lab" / "x.toml", environ)
    assert command_line("status", environ) == "./run --config 'a lab/x.toml' status"
    assert program_name(environ) == "./run"
    set_config_option(Path("/etc/paperwire.toml"), environ)
    assert command_line("status", environ) == "./run --config /etc/paperwire.toml status"


@pytest.mark.parametrize(
    ("name", "options", "shown"),
    [
        ("/home/ada/paperwire/run", "", "./run token"),
        (
            "'/home/ada/a b/run'",
            "--config demo-data/x.toml",
            "./run --config demo-data/x.toml token",
        ),
        (
            "/opt/paperwire/bin/paperwire",
            "--config /home/ada/x.toml",
            "paperwire --config FILE token",
        ),
        ("python -m paperwire", "", "python -m paperwire token"),
        ("./run", "", "./run token"),
    ],
)
def test_pages_show_no_folders_of_this_machine(name: str, options: str, shown: str) -> None:
    environ = {NAME_VARIABLE: name, OPTIONS_VARIABLE: options}
    hide_folders(environ)
    assert command_line("token", environ) == shown
