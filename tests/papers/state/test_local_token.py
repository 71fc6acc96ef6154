"""The token that a machine makes for itself."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from papers.config.settings import Settings
from papers.errors import BadSettings
from papers.state.access.local_token import (
    LOCAL_TOKEN_FILE,
    address_with_key,
    ensure_local_token,
    is_local_token,
    needs_local_token,
    read_local_token,
)
from papers.state.access.token_texts import token_digest

pytestmark = pytest.mark.row("tokens")


def test_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    assert read_local_token(tmp_path) == ""
    token = ensure_local_token(tmp_path)
    path = tmp_path / LOCAL_TOKEN_FILE
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [LOCAL_TOKEN_FILE]
    assert ensure_local_token(tmp_path) == read_local_token(tmp_path) == token
    assert ensure_local_token(tmp_path / "..") != token
    assert address_with_key("http://h", token) == f"http://h/#key={token}"


def test_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    token = ensure_local_token(tmp_path)
    path = tmp_path / LOCAL_TOKEN_FILE
    path.chmod(0o644)
    assert ensure_local_token(tmp_path) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("left", ["", "\n"])
def test_empty_file_and_unfinished_draft_are_replaced(tmp_path: Path, left: str) -> None:
    for name in (LOCAL_TOKEN_FILE, f"{LOCAL_TOKEN_FILE}.new"):
        (tmp_path / name).write_text(left)
    assert len(ensure_local_token(tmp_path)) >= 43


@pytest.mark.parametrize("content", [b"short", b"a" * 40, b"\xff" * 40, b"two lines of\n" * 3])
def test_weak_or_damaged_token_is_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LOCAL_TOKEN_FILE).write_bytes(content)
    with pytest.raises(BadSettings, match=LOCAL_TOKEN_FILE):
        ensure_local_token(tmp_path)
    assert (tmp_path / LOCAL_TOKEN_FILE).read_bytes() == content


@pytest.mark.parametrize(
    ("settings", "needs"),
    [
        ({}, True),
        ({"host": "::1"}, True),
        ({"public_url": "http://localhost:9"}, True),
        ({"token": "a token that was chosen"}, False),
        ({"host": "0.0.0.0"}, False),
        ({"host": "0.0.0.0", "public_url": "http://localhost:9"}, False),
        ({"public_url": "https://papers.example"}, False),
        ({"host": "192.0.2.1"}, False),
    ],
)
def test_only_a_server_for_this_machine_makes_one(settings: dict[str, Any], needs: bool) -> None:
    assert needs_local_token(Settings(**settings)) == needs


def test_configured_token_is_not_that_of_the_machine(tmp_path: Path) -> None:
    token = ensure_local_token(tmp_path)
    for configured, is_local in ((token_digest(token), True), ("another token of ours", False)):
        settings = Settings(token=configured, data_dir=str(tmp_path))
        assert is_local_token(settings) == is_local
    assert not is_local_token(Settings(data_dir=str(tmp_path / "nowhere")))
