"""Authorization of writes: the token of the settings or a saved one, in a header or in a form.

A token in a URL would end up in logs and histories; a cookie could be sent by another site. Without
any token all writes are refused. The setting is the token itself or, better, its digest: then a
reader of the settings can check tokens but not make one. Of saved tokens only digests are stored.

    ctx.token_guard.require(request.headers, "keywords")     first in every view that writes
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from redis import Redis
from werkzeug.datastructures import Headers

from papers.command_name import command_line
from papers.config.checks import TOKEN_DIGEST_PREFIX
from papers.config.settings import Settings
from papers.errors import ScopeMissing, StoreTooNew, Unauthorized
from papers.maintenance import migrations
from papers.state.access.api_tokens import ApiTokens
from papers.state.access.token_scopes import TokenScope
from papers.state.access.token_texts import token_digest
from service.http.client_quota import ClientQuota

AUTH_HEADER: Final = "Authorization"
_AUTH_SCHEME: Final = "bearer"


def token_matches(configured: str, given: str) -> bool:
    """Compare a token with the setting, in a time that does not depend on where they differ.

    `configured` is the token, its digest, or "", which matches no token.
    """
    known = (
        configured.lower()
        if configured.lower().startswith(TOKEN_DIGEST_PREFIX)
        else token_digest(configured)
    )
    same = hmac.compare_digest(known.encode(), token_digest(given).encode())
    return same and bool(configured) and bool(given)


def bearer_token(headers: Headers) -> str:
    """Return the token of a request's `Authorization: Bearer …`; "" if it has none."""
    scheme, _, token = headers.get(AUTH_HEADER, "").partition(" ")
    return token.strip() if scheme.lower() == _AUTH_SCHEME else ""


@dataclass(frozen=True, slots=True)
class TokenGuard:
    """What one request may do: all with the token of the settings, else what a saved one is for."""

    settings: Settings
    redis: Redis
    tokens: ApiTokens
    quota: ClientQuota
    now: datetime

    @property
    def is_writable(self) -> bool:
        """Whether any token may write."""
        return bool(self.settings.token) or self.tokens.exist()

    def require(self, headers: Headers, scope: TokenScope) -> None:
        """Raise Unauthorized unless the headers have a token; the message says what to do.

        Raises ScopeMissing for a token that is for something else, and TooManyRequests for a client
        that has sent too many wrong ones, and StoreTooNew while a newer release writes the store.
        """
        message = "this needs a token, as `Authorization: Bearer TOKEN`"
        self._require(bearer_token(headers), scope, message)
        self._require_own_release(scope)

    def require_form(self, given: str, headers: Headers, scope: TokenScope) -> None:
        """Raise what `require` raises unless a form or its headers have a token.

        A page that keeps the token in the browser sends it as a header.
        """
        token = given or bearer_token(headers)
        reason = "the one given is not valid here" if token else "none was given"
        self._require(token, scope, f"this needs a token; {reason}")
        self._require_own_release(scope)

    def require_known(self, headers: Headers) -> None:
        """Raise Unauthorized unless the headers have a token, whatever it is for."""
        with suppress(ScopeMissing):
            self.require(headers, "keywords")

    def _require_own_release(self, scope: TokenScope) -> None:
        """Raise StoreTooNew if a record that is written here may lack what a newer release has."""
        if scope != "metrics" and migrations.has_newer_writer(self.redis):
            raise StoreTooNew("a newer Paperwire writes this store: update this web server first")

    def _require(self, given: str, scope: TokenScope, message: str) -> None:
        if given:
            if token_matches(self.settings.token, given):
                self.quota.require_token_attempt()
                return  # which works without the store, too
            with self.quota.limiter.token_lock:  # none is compared before the others are counted
                self.quota.require_token_attempt()
                if self.tokens.authorize(token_digest(given), scope, now=self.now):
                    return
                self.quota.note_wrong_token()
        raise Unauthorized(message if self.is_writable else _no_token_message())


def _no_token_message() -> str:
    made_by = command_line("token add NAME --scope keywords")
    return f"nothing can be changed here yet, as there is no token: `{made_by}` makes one"
