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
from papers.errors import NotAllowed

HEADER: Final = "Authorization"
_SCHEME: Final = "bearer"
_DIGEST: Final = "sha256:"
_BYTES: Final = 32
_NO_TOKEN: Final = "nothing is written here: no token is set; `paperwire token` makes one"


def made() -> str:
    """A new token, fit for a header: 256 bits by chance."""
    return secrets.token_urlsafe(_BYTES)


def digest(token: str) -> str:
    """What the setting may hold in a token's place: `sha256:` and 64 hexadecimal digits.

    One round is enough: nobody guesses 256 bits, however quick the guesses are.
    """
    return _DIGEST + hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def is_right(configured: str, given: str) -> bool:
    """Whether this is the token of the settings, in a time that does not tell how much of it is.

    `configured` is the setting: the token, its digest, or "", which no token is right for.
    """
    known = configured.lower() if configured.lower().startswith(_DIGEST) else digest(configured)
    same = hmac.compare_digest(known.encode(), digest(given).encode())
    return same and bool(configured) and bool(given)


def bearer(headers: Headers) -> str:
    """The token of a request's `Authorization: Bearer …`; "" where there is none."""
    scheme, _, token = headers.get(HEADER, "").partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else ""


def require(settings: Settings, headers: Headers) -> None:
    """Return if this request may write. Raises NotAllowed, with the mend."""
    if not settings.token:
        raise NotAllowed(_NO_TOKEN)
    if not is_right(settings.token, bearer(headers)):
        raise NotAllowed("this needs the token, as `Authorization: Bearer TOKEN`")


def require_in_form(settings: Settings, given: str) -> None:
    """Return if a form with this token may write. Raises NotAllowed, with the mend."""
    if not settings.token:
        raise NotAllowed(_NO_TOKEN)
    if not is_right(settings.token, given):
        raise NotAllowed("this needs the token; it is not what was given")
