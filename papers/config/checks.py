"""Validation of settings: each error is a line with the setting, the reason and the remedy."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from papers.command_name import command_line
from papers.config.networks import parse_cidrs
from papers.config.sources import check_community
from papers.config.url_secrets import hide_credentials

if TYPE_CHECKING:
    from papers.config.settings import Settings

MIN_TOKEN_LENGTH: Final = 20
"""Characters; a shorter token could be guessed."""

MIN_TOKEN_CHARACTERS: Final = 8
"""Different characters; `aaaaaaaaaaaaaaaaaaaa` could be guessed too."""

_WEB_SCHEMES: Final = ("http://", "https://")
TOKEN_DIGEST_PREFIX: Final = "sha256:"
_DIGEST: Final = re.compile(rf"{TOKEN_DIGEST_PREFIX}[0-9a-f]{{64}}")
_WEAK_DIGESTS: Final = frozenset(
    TOKEN_DIGEST_PREFIX + hashlib.sha256(word.encode()).hexdigest()
    for word in ("", "\n", "TOKEN", "token", "secret", "password", "paperwire", "changeme")
)


def find_settings_errors(settings: Settings) -> Iterator[str]:
    """Yield every error, in a fixed order."""
    for field in dataclasses.fields(type(settings)):
        value = getattr(settings, field.name)
        between, choices = field.metadata["between"], field.metadata["choices"]
        if between and not between[0] <= value <= between[1]:
            yield f"{field.name} = {value!r}: must be {between[0]} to {between[1]}"
        if choices and value not in choices:
            yield f"{field.name} = {value!r}: must be {', '.join(choices)}"
        if field.metadata["is_url"] and value and not value.startswith(_WEB_SCHEMES):
            yield f"{field.name} = {hide_credentials(value)!r}: must begin with http:// or https://"
    if settings.token and (reason := weak_token_reason(settings.token)):
        yield f"token: {reason}; `{command_line('token')}` generates one"
    yield from _address_errors(settings)
    if settings.store_url and not settings.store_url.startswith(("redis://", "rediss://")):
        shown = hide_credentials(settings.store_url)
        yield f"store_url = {shown!r}: must begin with redis:// or rediss://, as of any node"
    yield from _misplaced_settings(settings)
    for name, url in settings.communities.items():
        _, reason = check_community(name, url)
        if reason:
            yield f"communities: {reason}"
    yield from _mail_errors(settings)


def _misplaced_settings(settings: Settings) -> Iterator[str]:
    """Yield the settings that stand below `[keywords]` or `[communities]`, as entries of these.

    Only names that are no words, and secrets: `host` may be a keyword.
    """
    fields = {field.name: field for field in dataclasses.fields(type(settings))}
    for table in ("keywords", "communities"):
        for name in getattr(settings, table):
            if name in fields and ("_" in name or fields[name].metadata["secret"]):
                yield f"{table}: {name} is a setting; put its line above [{table}] in the file"


def weak_token_reason(token: str) -> str:
    """Return why a token, or its digest, protects nothing; "" if there is no such reason."""
    if token.lower().startswith(TOKEN_DIGEST_PREFIX):
        if not _DIGEST.fullmatch(token.lower()):
            return f"{TOKEN_DIGEST_PREFIX} must be followed by 64 hexadecimal digits"
        is_weak = token.lower() in _WEAK_DIGESTS
        return "is the digest of an empty or a common token" if is_weak else ""
    if len(token) < MIN_TOKEN_LENGTH:
        return f"shorter than {MIN_TOKEN_LENGTH} characters"
    if len(set(token)) < MIN_TOKEN_CHARACTERS:
        return f"has fewer than {MIN_TOKEN_CHARACTERS} different characters"
    if not token.isprintable() or token != token.strip():
        return "has control characters, or spaces around it, which no header can have"
    return ""


def _address_errors(settings: Settings) -> Iterator[str]:
    """Yield errors of the public address and of the proxies."""
    try:
        parse_cidrs(settings.trusted_proxies)
    except ValueError as error:
        yield (
            f"trusted_proxies: {error}; name the proxies' networks, such as 127.0.0.1 or "
            "10.0.0.0/8 (it is no longer their number)"
        )
    if settings.public_url and (reason := _public_url_reason(settings.public_url)):
        yield f"public_url = {hide_credentials(settings.public_url)!r}: {reason}"


def _public_url_reason(url: str) -> str:
    """Return why an address cannot be the public one; "" if it can."""
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        return "must begin with http:// or https:// and name a host"
    if parts.query or parts.fragment or "@" in parts.netloc or not url.isprintable() or " " in url:
        return "must have no user, query or fragment"
    if parts.hostname in ("0.0.0.0", "::"):
        return "is no address that readers can open; name the host"
    return ""


_KEYWORD_SLUG: Final = re.compile(r"[^\W_A-Z][^\s/?#%.,;_A-Z]*")
"""What a slug may look like; `papers.state.slugs` makes them, of letters of any script."""


def _mail_errors(settings: Settings) -> Iterator[str]:
    for name in ("mail_daily", "mail_weekly"):
        for slug in getattr(settings, name):
            if not _KEYWORD_SLUG.fullmatch(slug):
                yield f"{name}: {slug!r}: write a keyword as in its URL, like reward-model"
    for name in ("mail_to", "mail_from"):
        value = getattr(settings, name)
        if value and ("@" not in value or not value.isprintable()):
            yield f"{name} = {value!r}: must be a mail address"
    if settings.smtp_url:
        yield from _smtp_errors(settings)


def _smtp_errors(settings: Settings) -> Iterator[str]:
    if not settings.mail_to:
        yield "mail_to: missing; smtp_url needs it"
    try:
        url = urlsplit(settings.smtp_url)
        valid = url.scheme in ("smtp", "smtps") and bool(url.hostname) and url.port != 0
    except ValueError:
        valid = False
    if not valid:
        yield "smtp_url: must be like smtp://user@mail.example:587 or smtps://user@mail.example"
    elif url.password:
        yield "smtp_url: must not contain a password; set smtp_password, or a file of it"
