from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from redis import Redis

from papers.errors import BadParameter, ScopeMissing, StoreError
from papers.maintenance.backup import write_backup
from papers.maintenance.restore import restore_backup
from papers.redis_backend import keys
from papers.state.access import api_tokens
from papers.state.access.api_tokens import ApiToken, ApiTokens

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def tokens(redis: Redis) -> ApiTokens:
    return ApiTokens(redis)


def test_token_may_do_what_it_is_for_until_it_is_revoked(redis: Redis, tokens: ApiTokens) -> None:
    token = tokens.add("ci", ["keywords"], "sha256:1", now=NOW)
    assert token == ApiToken("ci", ("keywords",), NOW)
    assert tokens.authorize("sha256:1", "keywords", now=NOW) == token
    assert tokens.authorize("sha256:2", "keywords", now=NOW) is None
    with pytest.raises(ScopeMissing, match="'ci' is for keywords; this needs one for sources"):
        tokens.authorize("sha256:1", "sources", now=NOW)
    tokens.revoke("ci")
    assert not redis.exists(keys.API_TOKENS, keys.API_TOKEN_USES)
    assert tokens.authorize("sha256:1", "keywords", now=NOW) is None
    tokens.add("ci", ["keywords"], "sha256:3", now=NOW)
    assert [each.used_at for each in tokens.all()] == [None]


def test_last_use_is_written_once_a_minute(redis: Redis, tokens: ApiTokens) -> None:
    tokens.add("ci", ["keywords"], "sha256:1", now=NOW)
    for seconds, known in ((0, 0), (59, 0), (60, 60), (61, 60), (119, 60), (120, 120)):
        now = NOW + timedelta(seconds=seconds)
        tokens.authorize("sha256:1", "keywords", now=now)
        (token,) = tokens.all()
        assert token.used_at == NOW + timedelta(seconds=known), seconds


def test_refused_use_is_no_use(tokens: ApiTokens) -> None:
    tokens.add("ci", ["keywords"], "sha256:1", now=NOW)
    with pytest.raises(ScopeMissing):
        tokens.authorize("sha256:1", "metrics", now=NOW)
    assert [each.used_at for each in tokens.all()] == [None]


def test_number_of_tokens_is_bounded(tokens: ApiTokens) -> None:
    with mock.patch.object(api_tokens, "MAX_TOKENS", 2):
        tokens.add("a", ["keywords"], "sha256:1", now=NOW)
        tokens.add("b", ["keywords"], "sha256:2", now=NOW)
        with pytest.raises(BadParameter, match="revoke one first"):
            tokens.add("c", ["keywords"], "sha256:3", now=NOW)


def test_restore_brings_no_revoked_token_back(
    redis: Redis, tokens: ApiTokens, tmp_path: Path
) -> None:
    for name in ("kept", "revoked"):
        tokens.add(name, ["keywords"], f"sha256:{name}", now=NOW)
    write_backup(redis, tmp_path / "b", now=NOW)
    tokens.revoke("revoked")
    restore_backup(redis, tmp_path / "b", replace=True, now=NOW)
    assert [token.name for token in tokens.all()] == ["kept"]


def test_store_that_is_away_is_a_store_error(tmp_path: Path) -> None:
    away = ApiTokens(Redis.from_url(f"unix://{tmp_path}/nobody"))
    for ask in (
        away.all,
        away.exist,
        lambda: away.authorize("sha256:1", "keywords", now=NOW),
    ):
        with pytest.raises(StoreError):
            ask()
