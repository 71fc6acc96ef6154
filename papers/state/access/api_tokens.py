"""Named tokens for writing over HTTP: what each may change, and when it was last used.

A token itself is stored nowhere, only its digest. A request with one costs a single round trip;
when it was used is written once a minute at most.

Backups do not have the tokens, and a restore leaves them as they are: else one that was revoked
would be valid again.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from redis import Redis

from papers.command_name import command_line
from papers.errors import BadParameter, ScopeMissing, UnknownToken
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.access.token_scopes import TOKEN_SCOPES, TokenScope
from papers.state.record_codec import FieldDecoders, decode_record, encode_record

MAX_TOKENS: Final = 100
LAST_USE_PRECISION: Final = timedelta(minutes=1)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_DECODERS: Final[FieldDecoders] = {"scopes": tuple, "created_at": datetime.fromisoformat}


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A saved token; `used_at` is None before its first use. Times are aware UTC."""

    name: str
    scopes: tuple[TokenScope, ...]
    created_at: datetime
    used_at: datetime | None = None


class ApiTokens:
    """The named tokens in Redis, by digest. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def all(self) -> list[ApiToken]:
        """Return every token, sorted by name."""
        return sorted(self._by_digest().values(), key=lambda token: token.name)

    def exist(self) -> bool:
        """Return whether there is any token."""
        with translate_store_errors(self._redis):
            return bool(self._redis.exists(keys.API_TOKENS))

    def add(self, name: str, scopes: Collection[str], digest: str, *, now: datetime) -> ApiToken:
        """Save a token by its digest.

        Raises BadParameter for a name that is invalid or taken, a scope that there is not, or no
        scope, and if too many tokens are saved.
        """
        if not _NAME.fullmatch(name):
            reason = "may have a-z, 0-9, '.', '_' and '-', begins with a letter or digit, and has"
            raise BadParameter("name", f"{name[:80]!r} is no name: one {reason} at most 40 of them")
        known = self._by_digest().values()
        if any(token.name == name for token in known):
            raise BadParameter("name", f"{name!r} is taken; choose another, or revoke it first")
        if len(known) >= MAX_TOKENS:
            raise BadParameter("name", f"{MAX_TOKENS} tokens are saved, the most; revoke one first")
        token = ApiToken(name, _check_scopes(scopes), now)
        with translate_store_errors(self._redis):
            self._redis.hset(keys.API_TOKENS, digest, encode_record(token))
        return token

    def revoke(self, name: str) -> ApiToken:
        """Delete a token: from then on it is refused. Raises UnknownToken."""
        for digest, token in self._by_digest().items():
            if token.name == name:
                with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
                    pipe.hdel(keys.API_TOKENS, digest)
                    pipe.hdel(keys.API_TOKEN_USES, digest)
                    pipe.execute()
                return token
        raise UnknownToken(f"there is no token {name[:80]!r}; see `{command_line('token list')}`")

    def authorize(self, digest: str, scope: TokenScope, *, now: datetime) -> ApiToken | None:
        """Return the token with a digest, None if there is none; note that it was used.

        Raises ScopeMissing if it is for something else.
        """
        with translate_store_errors(self._redis):
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.hget(keys.API_TOKENS, digest)
                pipe.hget(keys.API_TOKEN_USES, digest)
                stored, used = pipe.execute()
            if stored is None:
                return None
            token = _decode(stored, used)
            if scope not in token.scopes:
                raise ScopeMissing(
                    f"the token {token.name!r} is for {', '.join(token.scopes)}; this needs one "
                    f"for {scope}: `{command_line(f'token add NAME --scope {scope}')}` makes it"
                )
            if token.used_at is None or now - token.used_at >= LAST_USE_PRECISION:
                self._redis.hset(keys.API_TOKEN_USES, digest, now.astimezone(UTC).isoformat())
        return token

    def _by_digest(self) -> dict[bytes, ApiToken]:
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            pipe.hgetall(keys.API_TOKENS)
            pipe.hgetall(keys.API_TOKEN_USES)
            found, uses = pipe.execute()
        return {digest: _decode(stored, uses.get(digest)) for digest, stored in found.items()}


def _check_scopes(scopes: Collection[str]) -> tuple[TokenScope, ...]:
    """Return scopes in the order of the table, each once. Raises BadParameter."""
    if not scopes or not set(scopes) <= set(TOKEN_SCOPES):
        raise BadParameter("scope", f"must be one or more of {', '.join(TOKEN_SCOPES)}")
    return tuple(scope for scope in TOKEN_SCOPES if scope in scopes)


def _decode(stored: bytes, used: bytes | None) -> ApiToken:
    token: ApiToken = decode_record(ApiToken, keys.API_TOKENS, stored, _DECODERS)
    return replace(token, used_at=datetime.fromisoformat(used.decode())) if used else token
