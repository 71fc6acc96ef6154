"""What passes between the server, the faults and the answers."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


class Delivery(enum.Enum):
    """How an answer goes over the wire."""

    WHOLE = "whole"
    CUT = "half of the body, then the connection ends"
    DRIP = "a byte at a time"
    HANG = "nothing at all"
    RESET = "a reset connection"


@dataclass(frozen=True, slots=True)
class SimulatorRequest:
    """A GET or HEAD, read.

    `target` is the path and query as sent; header names are in small letters; `now` is the site's
    time, aware UTC. A fault may set `listed`, the day whose announcement the answer shows, and
    `built`, the moment it pretends to have been made.
    """

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    now: datetime
    target: str = "/"
    listed: date | None = None
    built: datetime | None = None


@dataclass(frozen=True, slots=True)
class SimulatorReply:
    """An answer; `modified` gives it validators, `pause` is seconds between dripped bytes."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/xml; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    modified: datetime | None = None
    delivery: Delivery = Delivery.WHOLE
    pause: float = 1.0


Responder = Callable[[SimulatorRequest], SimulatorReply]
Fault = Callable[[SimulatorRequest, Responder], SimulatorReply]
"""A fault has the request and may ask for the sound answer, which it then spoils."""
