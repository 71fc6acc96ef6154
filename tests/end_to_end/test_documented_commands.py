"""Every command and local URL of the documents, against one demo: simulated sources, real server.

The commands of a document run in order, in a folder of their own. Examples that are made up stand
for what the demo has: `2611.00001` for its newest paper, `https://example.org/papers.xml` for its
community feed, port 8000 for its server.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from unittest import mock
from urllib.parse import quote

import pytest
import requests
from click.testing import CliRunner
from redis import Redis

from papers.config.settings import Settings, load_settings
from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.cli import main
from paperwire.run import web
from paperwire.run.demo_runner import to_toml
from paperwire.run.ports import find_free_port
from paperwire.simulator import demo
from tests.conftest import running_store
from tests.end_to_end.documented_commands import (
    NOT_RUN,
    PAGES,
    ROOT,
    blocks,
    commands,
    looks_like_command,
    named_files,
    reason_not_to_run,
    without_commands,
)
from tests.end_to_end.wire import running_process, wait_for_web

SMALL: Final = demo.DemoOptions(seconds_per_day=3600, papers_per_day=40, history_weeks=1)
URL: Final = re.compile(r"http://127\.0\.0\.1:8000[^\s'\"`)|>]*")
OWN_STORE: Final = re.compile(r"restore |store (check|repair)")
"""Commands for which nothing else may run: they get an embedded store in the page's folder."""

MAY_EXIT: Final[Mapping[str, int]] = {"doctor": 1}
"""Exit codes that are no failure: the demo of this test has no scheduler, which doctor says."""

TYPES: Final = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "md": "text/markdown",
    "opml": "text/x-opml",
    "papers": "application/json",
}
"""The end of a URL's path, and the media type that it promises."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo that documents are tested against."""

    settings: Settings
    folder: Path
    paper: str

    def adapt(self, command: str) -> str:
        """Replace made-up examples by what this demo has."""
        command = re.sub(r"(http://127\.0\.0\.1|localhost):8000", self.settings.base_url, command)
        command = command.replace("2611.00001", self.paper)
        return command.replace(
            "https://example.org/papers.xml", self.settings.communities[demo.COMMUNITY]
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose sources have been fetched once, with a web server."""
    folder = tmp_path_factory.mktemp("demo")
    with ExitStack() as stack:
        url = stack.enter_context(running_store())
        upstream = stack.enter_context(demo.running_demo(SMALL, lambda: datetime.now(UTC)))
        port = find_free_port("127.0.0.1", 0)
        fields = demo.demo_settings(upstream, redis_url=url, data_dir=str(folder), port=port)
        fields |= {"arxiv_interval": 0.01, "web_processes": 1, "backup_dir": "backups"}
        settings = Settings(**fields)
        config = folder / "demo-data" / "paperwire.toml"
        config.parent.mkdir()
        config.write_text(to_toml(fields), "utf-8")
        redis = stack.enter_context(Redis.from_url(url))
        for name, query in settings.keywords.items():
            Keywords(redis).add(name, query, now=datetime.now(UTC))
        with mock.patch.dict(os.environ, {"PAPERWIRE_CONFIG": str(config)}):
            for source in ("arxiv", "hf", demo.COMMUNITY):
                assert CliRunner().invoke(main, ["fetch", source]).exit_code == 0
        stack.enter_context(running_process(web.web_command(settings), config))
        wait_for_web(settings.base_url)
        yield Demo(settings, config.parent, str(next(Store(redis).iter_newest()).id))


@pytest.fixture
def shell(site: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A reader's shell, in a folder with the files that documents take for granted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo-data").symlink_to(site.folder)
    (tmp_path / "deploy" / "kubernetes").mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "store.acl", tmp_path / "deploy")
    record = {"id": "2101.00001", "title": "A", "abstract": "B", "categories": "cs.CL"}
    record |= {"authors": "A. B.", "update_date": "2021-01-05"}
    versions = [{"version": "v1", "created": "Mon, 4 Jan 2021 10:00:00 GMT"}]
    with gzip.open("arxiv-metadata-oai-snapshot.json.gz", "wt") as file:
        file.write(json.dumps({**record, "versions": versions}) + "\n")
    for name in ("run", "paperwire"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m paperwire "$@"\n')
        program.chmod(0o755)
    variables = {
        "PAPERWIRE_CONFIG": str(site.folder / "paperwire.toml"),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
    }
    with mock.patch.dict(os.environ, variables):
        yield Shell(site, tmp_path)
    with Redis.from_url(site.settings.redis_url) as redis:
        redis.delete("communities", "blocks", "backfill")  # or the next document would meet them


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands as a reader would, those of Paperwire in this process."""

    site: Demo
    folder: Path

    def run(self, command: str) -> None:
        """Run a command of a document. Raises AssertionError if it fails."""
        command = self.site.adapt(command)
        words = shlex.split(command)
        ours = words[0] in ("./run", "paperwire") and not {"|", ">"} & {*words}
        if words[0] == "curl":
            check_curl(words[1 : words.index("|")] if "|" in words else words[1:])
        elif ours:
            self._run_paperwire(words[1:])
        elif words[0] != "newsboat" or shutil.which("newsboat"):
            done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr

    def _run_paperwire(self, arguments: list[str]) -> None:
        own = {"PAPERWIRE_CONFIG": "", "PAPERWIRE_DATA_DIR": str(self.folder / "own")}
        (self.folder / "own" / "store").mkdir(parents=True, exist_ok=True)
        with mock.patch.dict(os.environ, own if OWN_STORE.match(" ".join(arguments)) else {}):
            if not os.environ["PAPERWIRE_CONFIG"]:
                del os.environ["PAPERWIRE_CONFIG"]
            result = CliRunner().invoke(main, arguments)
        allowed = {0, MAY_EXIT.get(arguments[0], 0)}
        assert result.exit_code in allowed, result.output or result.exception


def check_curl(arguments: list[str]) -> None:
    """Request what a curl command would, and check status and type of the response."""
    (url,) = (word for word in arguments if word.startswith("http"))
    options = {*arguments} - {url}
    query = ""
    headers: dict[str, str] = {}
    for option, value in pairwise(arguments):
        if option == "-H":
            headers[value.partition(": ")[0]] = value.partition(": ")[2]
            options -= {option, value}
        if option == "--data-urlencode":
            name, _, text = value.partition("=")
            query = f"?{name}={quote(text)}"
            options -= {option, value}
    assert options <= {"-L", "-LG", "-I", "-s", "--compressed"}, f"unknown options: {options}"
    follows = bool({"-L", "-LG"} & options)
    method = "HEAD" if "-I" in options else "GET"
    got = requests.request(method, url + query, headers=headers, allow_redirects=follows, timeout=9)
    assert got.status_code == (304 if headers else 200), f"{got.status_code} {got.text[:300]}"
    path = got.url.partition("?")[0]
    name = re.split(r"[./]", path)[-1]
    if not headers and name in TYPES and ".csl." not in path and "/sources" not in path:
        assert got.headers["Content-Type"].partition(";")[0] == TYPES[name]


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_local_urls_of_a_document_work(page: str, shell: Shell) -> None:
    for command in commands(page):
        if reason_not_to_run(command):
            assert [name for name in named_files(command) if not any(ROOT.glob(name))] == []
            continue
        try:
            shell.run(command)
        except AssertionError as error:
            raise AssertionError(f"{page}: {command}\n{error}") from error
    for url in {*URL.findall(without_commands(page))}:
        if "…" not in url:
            got = requests.get(shell.site.adapt(url), timeout=9)
            assert got.status_code == 200, url


def test_every_exception_is_needed() -> None:
    every = [command for page in PAGES for command in commands(page)]
    unused = [row for row in NOT_RUN if not any(re.fullmatch(row.pattern, c) for c in every)]
    assert unused == []
    assert sum(not reason_not_to_run(command) for command in every) > 80


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_blocks_that_are_tested(page: str) -> None:
    """A block of another language, or of none, has no line to paste into a shell."""
    others = [block for block in blocks(page) if block.language not in ("sh", "console")]
    assert [line for block in others for line in block.lines if looks_like_command(line)] == []


@pytest.mark.parametrize("page", [p for p in PAGES if any(b.language == "toml" for b in blocks(p))])
def test_settings_of_a_document_are_valid(page: str, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language == "toml":
            file = tmp_path / "paperwire.toml"
            file.write_text("\n".join(block.lines), "utf-8")
            load_settings(file, {})


def missing(shown: Any, real: Any, at: str = "") -> list[str]:
    """Return the members that an example shows and a response lacks; `…` stands for others."""
    if isinstance(shown, list) and isinstance(real, list):
        return missing(shown[0], real[0], f"{at}[]") if shown and real else []
    if not isinstance(shown, dict):
        return []
    names = [name for name in shown if name != "…"]
    absent = [f"{at}.{name}" for name in names if name not in real]
    extra = [] if "…" in shown else [f"{at}.{name}" for name in real if name not in shown]
    inner = [x for n in names if n in real for x in missing(shown[n], real[n], f"{at}.{n}")]
    return [*absent, *extra, *inner]


def test_json_example_of_the_readme_is_what_the_api_answers(site: Demo) -> None:
    (example,) = (block for block in blocks("README.md") if block.language == "json")
    url = f"{site.settings.base_url}/api/v1/papers?q=reward&n=1"
    assert missing(json.loads("\n".join(example.lines)), requests.get(url, timeout=9).json()) == []
