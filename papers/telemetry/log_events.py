"""Log lines of events, in logfmt, with an id that all lines of one request or task have.

    request id=6f2c1a90 method=GET path=/feeds/rl.atom status=200 seconds=0.004 client=192.0.2.0
    fetch id=9d01be77 task=announcements url=https://rss.arxiv.org/atom/cs.AI status=200 seconds=1.2

No reader can be identified by them: client addresses are cut to networks, queries are omitted.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address, ip_network
from typing import Final

_CURRENT_ID: ContextVar[str] = ContextVar("paperwire_event_id", default="")
_PLAIN: Final = re.compile(r"[!#-<>-~]+")
"""Values that need no quotes: printable ASCII without blanks, quotes and `=`."""
_MAX_VALUE: Final = 300


@contextmanager
def event_id(id: str = "") -> Iterator[str]:
    """Give all log lines within an id: the given one, or a new one of eight hex digits."""
    id = id or new_event_id()
    token = _CURRENT_ID.set(id)
    try:
        yield id
    finally:
        _CURRENT_ID.reset(token)


def new_event_id() -> str:
    """Return a new id. It is random and says nothing about who caused the event."""
    return secrets.token_hex(4)


def current_event_id() -> str:
    """Return the id of the request or task that is handled now, or an empty string."""
    return _CURRENT_ID.get()


def format_event(event: str, **fields: object) -> str:
    """Return an event as one line; fields that are None or empty are left out."""
    id = fields.pop("id", current_event_id())
    named = {"id": id, **fields}
    parts = [
        f"{name}={_format_value(value)}" for name, value in named.items() if value not in (None, "")
    ]
    return " ".join([event, *parts])


def client_network(address: str) -> str:
    """Return the network of an address: /24 of IPv4, /48 of IPv6; "-" for any other text."""
    try:
        version = ip_address(address).version
    except ValueError:
        return "-"
    prefix = 24 if version == 4 else 48
    return str(ip_network(f"{address}/{prefix}", strict=False).network_address)


def _format_value(value: object) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    text = text[:_MAX_VALUE]
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
