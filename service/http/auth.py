"""Authorization of writes: the configured token, in a header or in the body of a form.

A token in a URL would end up in logs and histories; a cookie could be sent by another site. Without
a token in the settings all writes are refused. The setting is the token itself or, better, its
digest: then a reader of the settings can check tokens but not make one.

    require_token(ctx.settings, request.headers, ctx.quota)     first in every view that writes
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from werkzeug.datastructures import Headers

from papers.config.checks import TOKEN_DIGEST_PREFIX
from papers.config.settings import Settings
from papers.errors import Unauthorized
from service.http.client_quota import ClientQuota

AUTH_HEADER: Final = "Authorization"
_AUTH_SCHEME: Final = "bearer"
_TOKEN_BYTES: Final = 32
_NO_TOKEN: Final = "writing is off: no token is set; `paperwire token` makes one"


def new_token() -> str:
    """Return a new token of 256 random bits, in characters that a header may have."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_digest(token: str) -> str:
    """Return what the setting may hold in place of a token: `sha256:` and 64 hexadecimal digits.

    One round of hashing is enough: 256 random bits cannot be guessed, however fast one tries.
    """
    return (
        TOKEN_DIGEST_PREFIX + hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
    )


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


def require_token(settings: Settings, headers: Headers, quota: ClientQuota) -> None:
    """Raise Unauthorized unless the headers have the token; the message says what to do.

    Raises TooManyRequests for a client that has sent too many wrong ones.
    """
    given = bearer_token(headers)
    _require(settings, given, quota, "this needs the token, as `Authorization: Bearer TOKEN`")


def require_form_token(settings: Settings, given: str, quota: ClientQuota) -> None:
    """Raise Unauthorized unless a form has the token, or TooManyRequests, as `require_token`."""
    _require(settings, given, quota, "this needs the token; the one given is wrong")


def _require(settings: Settings, given: str, quota: ClientQuota, message: str) -> None:
    if not settings.token:
        raise Unauthorized(_NO_TOKEN)
    quota.require_token_attempt()
    if not token_matches(settings.token, given):
        if given:
            quota.note_wrong_token()
        raise Unauthorized(message)
