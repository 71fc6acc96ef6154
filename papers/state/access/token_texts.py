"""Tokens as texts: a new one, and the digest that is kept in its place."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from papers.config.checks import TOKEN_DIGEST_PREFIX

_TOKEN_BYTES: Final = 32


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
