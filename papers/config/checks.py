"""Validation of settings: each error is a line with the setting, the reason and the remedy."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from papers.config.sources import SOURCES, check_community

if TYPE_CHECKING:
    from papers.config.settings import Settings

MIN_TOKEN_LENGTH: Final = 20
"""Characters; a shorter token could be guessed."""


def find_settings_errors(settings: Settings) -> Iterator[str]:
    """Yield every error, in a fixed order."""
    for field in dataclasses.fields(type(settings)):
        value = getattr(settings, field.name)
        between, choices = field.metadata["between"], field.metadata["choices"]
        if between and not between[0] <= value <= between[1]:
            yield f"{field.name} = {value!r}: must be {between[0]} to {between[1]}"
        if choices and value not in choices:
            yield f"{field.name} = {value!r}: must be {', '.join(choices)}"
    if settings.token and len(settings.token) < MIN_TOKEN_LENGTH:
        yield f"token: shorter than {MIN_TOKEN_LENGTH} characters; `paperwire token` generates one"
    for name in _url_settings():
        value = getattr(settings, name)
        if value and not value.startswith(("http://", "https://")):
            yield f"{name} = {value!r}: must begin with http:// or https://"
    for name, url in settings.communities.items():
        _, reason = check_community(name, url)
        if reason:
            yield f"communities: {reason}"
    yield from _mail_errors(settings)


def _url_settings() -> Iterator[str]:
    yield "public_url"
    for source in SOURCES.values():
        yield from source.url_settings
    yield "websub_hub"


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
