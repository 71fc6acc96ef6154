"""Checks of the settings and of this machine, made before connecting to anything."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from papers.command_name import command_line
from papers.config.checks import TOKEN_DIGEST_PREFIX
from papers.config.settings import Settings
from papers.errors import BadQuery
from papers.model.categories import ARCHIVES, CATEGORIES, canonical_category
from papers.query.parser import parse_query
from paperwire.doctor.finding import Finding, fault, warning
from paperwire.run.instance_lock import running_address
from paperwire.run.ports import try_bind
from paperwire.run.probe import is_web_server_ours

LOW_DISK_BYTES: Final = 1_000_000_000
"""Bytes of free disk; below this there is a warning."""

CRITICAL_DISK_BYTES: Final = 50_000_000
"""Bytes of free disk; below this the store will soon reject writes."""


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Check for settings that are valid but make no sense."""
    if not settings.contact:
        yield warning(
            "contact",
            "no contact is set: an upstream that objects to our requests can only block them",
            'set contact = "mailto:you@example.org", or a URL',
        )
    for category in settings.categories:
        if canonical_category(category) not in (*CATEGORIES, *ARCHIVES):
            yield warning(
                "categories",
                f"{category!r} is not a known arXiv category: its feed may be empty",
                "correct it in categories; https://arxiv.org/category_taxonomy lists all",
            )
    for name, query in settings.keywords.items():
        try:
            parse_query(query)
        except BadQuery as error:
            yield fault("keywords", f"keyword {name!r}: {error}", "correct it in keywords")
    if settings.listens_everywhere and not settings.public_url:
        yield warning(
            "public-url",
            f"the server listens on all interfaces, but links in feeds lead to {settings.base_url}"
            ", and requests for any other host get a 400",
            'set public_url = "https://papers.example.org", the address that readers use',
        )


def check_secrets(settings: Settings, path: Path | None) -> Iterator[Finding]:
    """Check for a TOML file with secrets that other users of this machine can read."""
    if path is None:
        return
    secret = {f.name for f in dataclasses.fields(settings) if f.metadata["secret"]}
    values = tomllib.loads(path.read_text("utf-8"))
    given = {
        name
        for name, value in values.items()
        if value and not str(value).startswith(TOKEN_DIGEST_PREFIX)  # which tells no token
    }
    exposed = sorted(secret & given)
    if exposed and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield warning(
            "secrets",
            f"{path} contains {', '.join(exposed)} and other users of this machine can read it",
            f"chmod 600 {path}, or move the secrets to files that PAPERWIRE_NAME_FILE names",
        )


def check_port(settings: Settings) -> Iterator[Finding]:
    """Check that the web server's port is free, or in use by our own server."""
    if settings.port == 0 or running_address(Path(settings.data_dir)):
        return
    try:
        try_bind(settings.host, settings.port)
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        if is_taken and settings.redis_url and is_web_server_ours(settings):
            return
        reason = "another program listens there" if is_taken else error.strerror
        yield fault(
            "port",
            f"port {settings.port} of {settings.host} is not available: {reason}",
            "stop that program, or set another port or host; "
            f"`{command_line('up')}` uses the next free one",
        )


def check_data_folder(settings: Settings) -> Iterator[Finding]:
    """Check that the data folder can be created and written to."""
    folder = Path(settings.data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"paperwire")
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        yield fault(
            "disk" if is_full else "permissions",
            f"cannot write to {folder}: {error.strerror}",
            "free some space on that disk"
            if is_full
            else f"give user {os.getuid()} write access to it, or set another data_dir",
        )


def check_disk_space(settings: Settings) -> Iterator[Finding]:
    """Check the free disk space; a missing data folder is reported by `check_data_folder`."""
    folder = Path(settings.data_dir)
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK_BYTES:
        make_finding = fault if free < CRITICAL_DISK_BYTES else warning
        yield make_finding(
            "disk",
            f"only {free / 1e6:,.0f} MB are free on the disk of {folder}",
            "free some space, or move data_dir to another disk",
        )
