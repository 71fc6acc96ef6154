"""The wheel and the source distribution: complete, and they run outside of a clone.

With `PAPERWIRE_COMMAND` in the environment, the command of an installation is tested instead of one
that is unpacked here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path
from typing import Final, NamedTuple

import click
import pytest

from paperwire.cli import main
from tests.paperwire.processes import becomes_true
from tests.promises.source_tree import PYPROJECT, ROOT, TOP_LEVEL, tracked_files

PROJECT: Final = PYPROJECT["project"]
VERSION: Final = PROJECT["version"]
BUILD: Final = (
    "import sys; from setuptools import build_meta as b; getattr(b, sys.argv[1])(sys.argv[2])"
)
IGNORED: Final = re.compile(r"/(__pycache__|node_modules|\.\w+_cache|\.venv|\.git|\.hypothesis)/")


class Distributions(NamedTuple):
    """The files that are published."""

    source: Path
    wheel: Path


def clean_environment(**values: str) -> dict[str, str]:
    unset = ("PAPERWIRE_", "PYTHON", "REDIS_URL", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", **values}


def build(kind: str, source: Path, target: Path) -> Path:
    """Build one distribution from a source folder, without a network."""
    target.mkdir()
    command = [sys.executable, "-c", BUILD, f"build_{kind}", str(target)]
    built = subprocess.run(
        command, cwd=source, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout[-2_000:] + built.stderr
    (file,) = target.iterdir()
    return file


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """Build the source distribution from this tree, and the wheel from that distribution."""
    folder = tmp_path_factory.mktemp("distributions")
    for path in tree_files():
        copy = folder / "tree" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copy.chmod(path.stat().st_mode)
    source = build("sdist", folder / "tree", folder / "source")
    return Distributions(source, build("wheel", unpacked(source, folder), folder / "wheel"))


def tree_files() -> list[Path]:
    """The files of the project: those under version control; outside of a clone, all."""
    if (ROOT / ".git").exists():
        return tracked_files()
    return [path for path in ROOT.rglob("*") if path.is_file() and not IGNORED.search(f"{path}/")]


def unpacked(source: Path, folder: Path) -> Path:
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"paperwire-{VERSION}"


def metadata(distributions: Distributions) -> Message:
    with zipfile.ZipFile(distributions.wheel) as wheel:
        return message_from_bytes(wheel.read(f"paperwire-{VERSION}.dist-info/METADATA"))


def test_metadata_of_the_wheel_is_complete(distributions: Distributions) -> None:
    found = metadata(distributions)
    assert (found["Name"], found["Version"]) == ("paperwire", VERSION)
    assert (found["Author"], found["License-Expression"]) == ("The Paperwire developers", "MIT")
    assert found["Summary"] == PROJECT["description"]
    assert found["Requires-Python"] == "<3.14,>=3.11"
    assert len(found.get_all("Requires-Dist", [])) == len(PROJECT["dependencies"])
    pythons = re.findall(r"Python :: (3\.\d+)", "\n".join(found.get_all("Classifier", [])))
    assert pythons == ["3.11", "3.12", "3.13"]
    assert found["Project-URL"] is found["Home-page"] is found["Author-email"] is None


def test_text_of_the_page_makes_sense_outside_of_a_clone(distributions: Distributions) -> None:
    found = metadata(distributions)
    text = str(found.get_payload())
    assert found["Description-Content-Type"] == "text/markdown"
    assert text.startswith("# Paperwire\n")
    links = re.findall(r"\]\(([^)\s]*)|(?:src|href)=[\"']([^\"']*)", text)
    assert [link for pair in links for link in pair if link and "://" not in link] == []
    assert "./run" not in text
    assert not re.search(r"\b[\w-]+\.(md|png|svg)\b", text.replace("refs.bib", ""))
    assert "environment of its own" in text


def test_commands_of_the_page_exist(distributions: Distributions) -> None:
    lines = re.findall(r"^paperwire .*$", str(metadata(distributions).get_payload()), re.MULTILINE)
    assert len(lines) >= 4
    for line in lines:
        _, *words = shlex.split(line, comments=True)
        command: click.Command = main
        while words and isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        if command is not main:
            command.make_context(line, words)


def test_wheel_has_the_packages_and_nothing_else(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as wheel:
        inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    paths = {str(path.relative_to(ROOT)) for path in tree_files()}
    assert inside == {path for path in paths if path.split("/")[0] in TOP_LEVEL}


def test_source_distribution_has_every_file_of_the_project(distributions: Distributions) -> None:
    with tarfile.open(distributions.source) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {str(path.relative_to(ROOT)) for path in tree_files()} <= inside


QUICK_TESTS: Final = (
    *("tests/promises/test_tables.py", "tests/papers/model/test_arxiv_id.py"),
    *("tests/papers/query/test_parser.py", "tests/service/pages/test_pages.py"),
)
"""Tests of documents, of the model and the keyword language, and of pages over a store."""


@pytest.mark.timeout(400)
def test_tests_of_the_source_distribution_pass(
    distributions: Distributions, tmp_path: Path
) -> None:
    folder = unpacked(distributions.source, tmp_path)
    quiet = ["-q", "-p", "no:cacheprovider", "-m", "not faults"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *quiet, *QUICK_TESTS],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3_000:] + ran.stderr
    assert int(re.findall(r"(\d+) passed", ran.stdout)[-1]) > 200


@pytest.fixture(scope="module")
def command(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The command in an environment that does not know this tree, as pip installs it.

    Dependencies are those of this environment, so that no network is needed.
    """
    if given := os.environ.get("PAPERWIRE_COMMAND"):
        return given
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(distributions.wheel) as wheel:
        wheel.extractall(packages)
    dependencies = distribution("flask").locate_file("")
    (packages / "dependencies.pth").write_text(f"{dependencies}\n")
    script = folder / "bin" / "paperwire"
    script.write_text(f"#!{folder}/bin/python\nfrom paperwire.cli import main\nmain()\n")
    script.chmod(0o755)
    return str(script)


def test_entry_point_is_the_command(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as wheel:
        points = wheel.read(f"paperwire-{VERSION}.dist-info/entry_points.txt").decode()
    assert points.split() == ["[console_scripts]", "paperwire", "=", "paperwire.cli:main"]


def outside(folder: Path) -> dict[str, str]:
    """An environment as of a new user, whose HOME is an empty folder."""
    return clean_environment(HOME=str(folder))


def test_installed_command_runs_from_its_own_packages(command: str, tmp_path: Path) -> None:
    for words, expected in ((["--version"], f"paperwire, version {VERSION}\n"), ([], "Usage: ")):
        ran = subprocess.run(
            [command, *words], cwd=tmp_path, env=outside(tmp_path), capture_output=True, text=True
        )
        assert (ran.stdout + ran.stderr).startswith(expected)
    python = Path(command).with_name("python")
    where = subprocess.run(
        [python, "-c", "import papers, workers, service; print(papers.__file__)"],
        cwd=tmp_path,
        env=outside(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert not Path(where.stdout).is_relative_to(ROOT)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def address(command: str, tmp_path: Path) -> Iterator[str]:
    """The address of a demo that runs in an empty folder."""
    with subprocess.Popen(
        [command, "demo", "--day", "6", "--json"],
        cwd=tmp_path,
        env=outside(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as demo:
        try:
            assert demo.stdout is not None
            yield json.loads(demo.stdout.readline())["address"]
        finally:
            demo.terminate()
            assert demo.wait(30) == 0


def test_demo_of_an_installation_serves_feeds_and_pages(address: str) -> None:
    def read(path: str) -> bytes:
        with urllib.request.urlopen(address + path, timeout=20) as answer:
            return bytes(answer.read())

    def has_papers() -> bool:
        with suppress(OSError):  # the server is still starting
            return b"<entry>" in read("/feeds/search.atom?q=model")
        return False

    assert becomes_true(has_papers, within=90)
    assert b"paperwire.css" in read("/")
    assert read("/static/paperwire.css")
