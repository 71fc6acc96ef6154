"""The fixture `command`, shared by the tests of the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner
from redis import Redis

from paperwire.cli import main
from tests.paperwire.command_line import RunCommand


@pytest.fixture
def command(
    store_url: str, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunCommand]:
    """Run a command on the empty test store, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict(os.environ, {"REDIS_URL": store_url}):
        yield lambda *arguments: CliRunner().invoke(main, arguments)
