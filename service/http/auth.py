"""Who may write: whoever sends the configured token, in a header or in the body of a form.

A token in a URL would stand in logs and histories; one that a browser sends by itself could be
sent by another site. Without one in the settings nobody may write.
The setting holds the token itself or, better, its digest: then what reads the settings can check
tokens and make none.

    require(desk().settings, request.headers)     at the beginning of every view that writes
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from werkzeug.datastructures import Headers

from papers.config.settings import Settings
from papers.errors import Unauthorized

AUTH_HEADER: Final = "Authorization"
_AUTH_SCHEME: Final = "bearer"
_DIGEST_PREFIX: Final = "sha256:"
_TOKEN_BYTES: Final = 32
_NO_TOKEN: Final = "nothing is written here: no token is set; `paperwire token` makes one"


def new_token() -> str:
    """A new token, fit for a header: 256 bits by chance."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_digest(token: str) -> str:
    """What the setting may hold in a token's place: `sha256:` and 64 hexadecimal digits.

    One round is enough: nobody guesses 256 bits, however quick the guesses are.
    """
    return _DIGEST_PREFIX + hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def token_matches(configured: str, given: str) -> bool:
    """Whether this is the token of the settings, in a time that does not tell how much of it is.

    `configured` is the setting: the token, its digest, or "", which no token is right for.
    """
    known = (
        configured.lower()
        if configured.lower().startswith(_DIGEST_PREFIX)
        else token_digest(configured)
    )
    same = hmac.compare_digest(known.encode(), token_digest(given).encode())
    return same and bool(configured) and bool(given)


def bearer_token(headers: Headers) -> str:
    """The token of a request's `Authorization: Bearer …`; "" where there is none."""
    scheme, _, token = headers.get(AUTH_HEADER, "").partition(" ")
    return token.strip() if scheme.lower() == _AUTH_SCHEME else ""


def require_token(settings: Settings, headers: Headers) -> None:
    """Return if this request may write. Raises NotAllowed, with the mend."""
    if not settings.token:
        raise Unauthorized(_NO_TOKEN)
    if not token_matches(settings.token, bearer_token(headers)):
        raise Unauthorized("this needs the token, as `Authorization: Bearer TOKEN`")


def require_form_token(settings: Settings, given: str) -> None:
    """Return if a form with this token may write. Raises NotAllowed, with the mend."""
    if not settings.token:
        raise Unauthorized(_NO_TOKEN)
    if not token_matches(settings.token, given):
        raise Unauthorized("this needs the token; it is not what was given")
