"""Requests, replies and faults: the types shared by the server and the endpoints."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


class Delivery(enum.Enum):
    """How a reply is sent."""

    WHOLE = "whole"
    CUT = "half of the body, then the connection ends"
    DRIP = "a byte at a time"
    HANG = "nothing at all"
    RESET = "a reset connection"


@dataclass(frozen=True, slots=True)
class SimulatorRequest:
    """A parsed GET or HEAD request.

    `target` is the path and query as sent; header names are lower case; `now` is the server's
    time, aware UTC. A fault may set `listed`, the day whose announcement the reply shows, and
    `built`, its purported build time.
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
    """A reply; `modified` adds validators, `pause` is in seconds, between dripped bytes."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/xml; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    modified: datetime | None = None
    delivery: Delivery = Delivery.WHOLE
    pause: float = 1.0


Responder = Callable[[SimulatorRequest], SimulatorReply]
Fault = Callable[[SimulatorRequest, Responder], SimulatorReply]
"""Takes the request and the function that returns the correct reply; returns a faulty one."""
