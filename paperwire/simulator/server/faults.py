"""Faults of upstreams by name: `fault_by_name("half")`, `fault_by_name(429, retry_after=5)`.

| name | what the client receives |
| --- | --- |
| a number | that status; options `retry_after` (seconds, or an aware datetime), `rate_limit` |
| `rate-exceeded` | arXiv's 200 with the text `Rate exceeded.` |
| `html` | 200 with an HTML error page |
| `empty` | 200 with no body |
| `half` | a complete response with half of the document |
| `cut` | the connection closes half-way through the body |
| `repeat` | the first page, whatever page is requested |
| `empty-page` | a page without entries although the total is above zero |
| `error-entry` | an Atom feed with one entry titled `Error`; option `status`, 200 unless given |
| `hang` | nothing, until the fault is removed |
| `drip` | one byte per second; option `pause` |
| `reset` | a connection reset (to refuse all connections: `fail("refused")`) |
| `stale` | today's feed with the entries of the announcement day before |
| `thin` | a valid response with only its first entry, record or item |
| `unpublished` | the feed of the announcement day before, with its build time |
| `future` | every date four years ahead |
| `control-characters` | characters that XML forbids, in titles |
| `redirect` | 302; option `to`, the same address unless given |
| `hf-400` | Hugging Face's 400 with JSON |
| `hf-429` | its 429 with `RateLimit: …t=55`; option `t` |
| `strings` | JSON: a list of strings instead of objects |
| `missing-keys` | JSON: each item lacks another of its keys |
| `empty-weekend` | JSON: an empty list |
| `dates-now` | a community feed whose items are all dated now |
| `bomb` | XML entities that expand to gigabytes |
| `gzip-bomb` | 300 kB that decompress to 300 MB |
| `deep` | 200,000 nested elements |
| `wide` | one element with a megabyte of attributes |
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any, Final

from paperwire.simulator.formats import api_feed
from paperwire.simulator.server.messages import (
    Delivery,
    Fault,
    Responder,
    SimulatorReply,
    SimulatorRequest,
)
from paperwire.simulator.world import simulated_days

_ENTRY = re.compile(rb"  <entry>.*?</entry>\n", re.DOTALL)
_LISTED = re.compile(rb" *<(entry|record|item)>.*?</\1>\n", re.DOTALL)
_ITEM_DATE = re.compile(rb"<pubDate>[^<]*</pubDate>")
_YEAR = re.compile(rb"(<(?:published|updated)>|<pubDate>\w+, \d\d \w+ )(20\d\d)")
_HTML_PAGE: Final = (
    b"<!doctype html><html><head><title>Sorry</title></head><body><p>Back soon.</body>"
)
_MEGABYTE: Final = 1_000_000


@dataclass(slots=True)
class ActiveFault:
    """A fault for paths that begin with `prefix`, `remaining` more times (None: always)."""

    name: str
    prefix: str
    fault: Fault
    remaining: int | None = None


def fault_by_name(name: str | int, **options: Any) -> Fault:
    """Return a fault. Raises ValueError for an unknown name, TypeError for an unknown option."""
    if isinstance(name, int):
        return status_fault(name, **options)
    if name not in FAULTS:
        raise ValueError(f"no fault {name!r}: there are {', '.join(sorted(FAULTS))}")
    return FAULTS[name](**options)


def status_fault(
    code: int,
    *,
    retry_after: float | datetime | None = None,
    rate_limit: str | None = None,
) -> Fault:
    """Return a fault that answers a status, with `Retry-After` in seconds or as a date."""
    headers: dict[str, str] = {}
    if isinstance(retry_after, datetime):
        headers["Retry-After"] = format_datetime(retry_after.astimezone(UTC), usegmt=True)
    elif retry_after is not None:
        headers["Retry-After"] = f"{retry_after:g}"
    if rate_limit is not None:
        headers["RateLimit"] = rate_limit
    return _constant_reply(SimulatorReply(f"{code}\n".encode(), code, "text/plain", headers))


def _constant_reply(reply: SimulatorReply) -> Fault:
    return lambda request, respond: reply


def _with_body_changed(change: Callable[[bytes], bytes]) -> Callable[[], Fault]:
    """Return a fault that changes the body of the correct reply."""

    def make() -> Fault:
        def fault(request: SimulatorRequest, respond: Responder) -> SimulatorReply:
            reply = respond(request)
            return replace(reply, body=change(reply.body))

        return fault

    return make


def _with_delivery(delivery: Delivery) -> Callable[..., Fault]:
    """Return a fault that sends the correct reply in a special way."""

    def make(pause: float = 1.0) -> Fault:
        return lambda request, respond: replace(respond(request), delivery=delivery, pause=pause)

    return make


def _repeat() -> Fault:
    def fault(request: SimulatorRequest, respond: Responder) -> SimulatorReply:
        reply = respond(replace(request, query={**request.query, "start": "0", "p": "0"}))
        start = request.query.get("start", "0").encode()
        return replace(reply, body=reply.body.replace(b"Index>0<", b"Index>%s<" % start))

    return fault


def _error_entry(status: int = 200) -> Fault:
    def fault(request: SimulatorRequest, respond: Responder) -> SimulatorReply:
        return SimulatorReply(
            api_feed.render_api_error("something went wrong", request.now), status
        )

    return fault


def _stale() -> Fault:
    def fault(request: SimulatorRequest, respond: Responder) -> SimulatorReply:
        return respond(replace(request, listed=_preceding_announcement(request)))

    return fault


def _unpublished() -> Fault:
    def fault(request: SimulatorRequest, respond: Responder) -> SimulatorReply:
        day = _preceding_announcement(request)
        return respond(replace(request, listed=day, built=simulated_days.eastern_midnight(day)))

    return fault


def _dates_now() -> Fault:
    def fault(request: SimulatorRequest, respond: Responder) -> SimulatorReply:
        reply = respond(request)
        date = f"<pubDate>{format_datetime(request.now)}</pubDate>".encode()
        return replace(reply, body=_ITEM_DATE.sub(date, reply.body), modified=request.now)

    return fault


def _redirect(to: str = "") -> Fault:
    def fault(request: SimulatorRequest, respond: Responder) -> SimulatorReply:
        return SimulatorReply(b"", 302, headers={"Location": to or request.target})

    return fault


def _gzip_bomb_body() -> bytes:
    """Return a compressed feed with 300 MB of spaces in it."""
    part = gzip.compress(b" " * 3 * _MEGABYTE, mtime=0)
    return gzip.compress(b"<rss>", mtime=0) + part * 100 + gzip.compress(b"</rss>", mtime=0)


def _preceding_announcement(request: SimulatorRequest) -> date:
    return simulated_days.preceding_announcement_day(simulated_days.eastern_day(request.now))


def _drop_keys(body: bytes) -> bytes:
    """Drop the n-th key of item n, and the n-th key of its paper."""
    items = json.loads(body)
    for n, item in enumerate(items):
        for table in (item["paper"], item):
            table.pop(sorted(table)[n % len(table)])
    return json.dumps(items).encode()


def _keep_first_entry(body: bytes) -> bytes:
    if body.startswith(b"["):
        return json.dumps(json.loads(body)[:1]).encode()
    first = _LISTED.search(body)
    return _LISTED.sub(lambda one: one[0] if first and one.start() == first.start() else b"", body)


def _shift_years(body: bytes) -> bytes:
    return _YEAR.sub(lambda found: found[1] + b"%d" % (int(found[2]) + 4), body)


def _entity_bomb() -> bytes:
    names = "abcdefghij"
    entities = [f'<!ENTITY {names[0]} "boom">']
    for name, before in zip(names[1:], names, strict=False):
        entities.append(f'<!ENTITY {name} "{f"&{before};" * 10}">')
    head = f"<?xml version='1.0'?><!DOCTYPE rss [{''.join(entities)}]>"
    item = "<item><title>&j;</title><link>https://arxiv.org/abs/2611.00001</link></item>"
    return f"{head}<rss version='2.0'><channel>{item}</channel></rss>".encode()


def _nested_body() -> bytes:
    return b"<rss>" + b"<b>" * 200_000 + b"</b>" * 200_000 + b"</rss>"


def _wide_body() -> bytes:
    attributes = " ".join(f"a{n}='x'" for n in range(_MEGABYTE // 11))
    return f"<rss><channel><item {attributes}/></channel></rss>".encode()


FAULTS: Final[dict[str, Callable[..., Fault]]] = {
    "rate-exceeded": lambda: _constant_reply(
        SimulatorReply(b"Rate exceeded.", content_type="text/plain")
    ),
    "html": lambda: _constant_reply(
        SimulatorReply(_HTML_PAGE, content_type="text/html; charset=utf-8")
    ),
    "empty": lambda: _constant_reply(SimulatorReply(b"")),
    "half": _with_body_changed(lambda body: body[: len(body) // 2]),
    "cut": _with_delivery(Delivery.CUT),
    "repeat": _repeat,
    "empty-page": _with_body_changed(lambda body: _ENTRY.sub(b"", body)),
    "error-entry": _error_entry,
    "hang": _with_delivery(Delivery.HANG),
    "drip": _with_delivery(Delivery.DRIP),
    "reset": _with_delivery(Delivery.RESET),
    "stale": _stale,
    "unpublished": _unpublished,
    "future": _with_body_changed(_shift_years),
    "control-characters": _with_body_changed(
        lambda body: body.replace(b"</title>", b"\x0b\x01</title>")
    ),
    "redirect": _redirect,
    "hf-400": lambda: _constant_reply(
        SimulatorReply(b'{"error":"Bad request"}', 400, "application/json")
    ),
    "hf-429": lambda t=55: status_fault(429, rate_limit=f'"api";r=0;t={t}'),
    "strings": lambda: _constant_reply(
        SimulatorReply(b'["maintenance","tonight"]', 200, "application/json")
    ),
    "missing-keys": _with_body_changed(_drop_keys),
    "empty-weekend": lambda: _constant_reply(SimulatorReply(b"[]", 200, "application/json")),
    "thin": _with_body_changed(_keep_first_entry),
    "dates-now": _dates_now,
    "bomb": lambda: _constant_reply(SimulatorReply(_entity_bomb())),
    "gzip-bomb": lambda: _constant_reply(
        SimulatorReply(_gzip_bomb_body(), headers={"Content-Encoding": "gzip"})
    ),
    "deep": lambda: _constant_reply(SimulatorReply(_nested_body())),
    "wide": lambda: _constant_reply(SimulatorReply(_wide_body())),
}
