"""The settings, and this machine: what can be said before anything is connected to."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import socket
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from papers.config.settings import Settings
from papers.errors import BadQuery
from papers.model.categories import ARCHIVES, CATEGORIES, canonical_category
from papers.query.parser import parse_query
from paperwire.doctor.finding import Finding, fault, warning
from paperwire.run.instance_lock import running_address

LOW_DISK_BYTES: Final = 1_000_000_000
"""Bytes: with less free disk the store should be looked after."""

CRITICAL_DISK_BYTES: Final = 50_000_000
"""Bytes: with less it soon takes no writes."""

_ALL_HOSTS: Final = ("0.0.0.0", "::")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Settings that are well formed and still make no sense."""
    if not settings.contact:
        yield warning(
            "contact",
            "no contact is set: an upstream that minds our requests can only block them",
            'set contact = "mailto:you@example.org", or a URL',
        )
    for category in settings.categories:
        if canonical_category(category) not in (*CATEGORIES, *ARCHIVES):
            yield warning(
                "categories",
                f"{category!r} is no category of arXiv that is known here: its feed may be empty",
                "correct it in categories; https://arxiv.org/category_taxonomy has them all",
            )
    for name, query in settings.keywords.items():
        try:
            parse_query(query)
        except BadQuery as error:
            yield fault("keywords", f"the keyword {name!r}: {error}", "correct it in keywords")
    if settings.host in _ALL_HOSTS and not settings.public_url:
        yield warning(
            "public-url",
            f"it listens for everyone, and links in feeds lead to {settings.base_url}",
            'set public_url = "https://papers.example.org", the address readers see',
        )


def check_secrets(settings: Settings, path: Path | None) -> Iterator[Finding]:
    """A TOML file with secrets in it that others on this machine can read."""
    if path is None:
        return
    secret = {f.name for f in dataclasses.fields(settings) if f.metadata["secret"]}
    held = sorted(secret & {name for name, value in _read_toml(path).items() if value})
    if held and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield warning(
            "secrets",
            f"{path} holds {', '.join(held)} and others on this machine can read it",
            f"chmod 600 {path}, or keep them in files that PAPERWIRE_NAME_FILE names",
        )


def check_port(settings: Settings) -> Iterator[Finding]:
    """The port of the web server, unless it is ours already."""
    if settings.port == 0 or running_address(Path(settings.data_dir)):
        return
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "another program listens there" if taken else error.strerror
            yield fault(
                "port",
                f"port {settings.port} of {settings.host} cannot be had: {why}",
                "stop that program, or set another port or host; `paperwire up` takes the next one",
            )


def check_data_folder(settings: Settings) -> Iterator[Finding]:
    """The data folder can be made, entered and written to."""
    folder = Path(settings.data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"paperwire")
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        yield fault(
            "disk" if full else "permissions",
            f"nothing can be written to {folder}: {error.strerror}",
            "make room on that disk"
            if full
            else f"give user {os.getuid()} that folder, or set another data_dir",
        )


def check_disk_space(settings: Settings) -> Iterator[Finding]:
    """Free disk under the data folder; of a folder that cannot be had nothing is said here."""
    folder = Path(settings.data_dir)
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK_BYTES:
        kind = fault if free < CRITICAL_DISK_BYTES else warning
        yield kind(
            "disk",
            f"{free / 1e6:,.0f} MB are free on the disk of {folder}",
            "make room, or set data_dir to another disk",
        )


def _read_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
