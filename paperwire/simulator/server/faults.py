"""Everything an upstream does wrong, by name: `named("half")`, `named(429, retry_after=5)`.

| name | what the client meets |
| --- | --- |
| a number | that status; options `retry_after` (seconds, or an aware datetime), `rate_limit` |
| `rate-exceeded` | arXiv's 200 with the text `Rate exceeded.` |
| `html` | 200 with an HTML error page |
| `empty` | 200 with no body |
| `half` | a well-framed answer with half of the document |
| `cut` | the connection ends half-way through the body |
| `repeat` | the first page again, whatever page was asked for |
| `empty-page` | a page without entries although the total is above zero |
| `error-entry` | an Atom feed with one entry titled `Error`; option `status`, 200 unless given |
| `hang` | nothing, until healed |
| `drip` | one byte a second; option `pause` |
| `reset` | a reset connection (a refused one is the whole site's: `fail("refused")`) |
| `stale` | today's feed with the entries of the announcement day before |
| `thin` | a valid answer with its first entry, record or item only |
| `unpublished` | the feed of the announcement day before, as it was then |
| `future` | every date four years ahead |
| `control-characters` | characters that XML forbids, inside titles |
| `redirect` | 302; option `to`, the same address unless given |
| `hf-400` | Hugging Face's 400 with JSON |
| `hf-429` | its 429 with `RateLimit: …t=55`; option `t` |
| `strings` | JSON: a list of strings where objects belong |
| `missing-keys` | JSON: each item lacks one more of its keys |
| `empty-weekend` | JSON: an empty list |
| `dates-now` | a community feed whose items all carry this moment's date |
| `bomb` | entities that would grow to gigabytes |
| `gzip-bomb` | 300 kB that unpack to 300 MB |
| `deep` | 200,000 nested elements |
| `wide` | one element of a megabyte of attributes |
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.utils import format_datetime
from functools import lru_cache
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
    """A fault in force for the paths that begin with `prefix`, `left` more times (None: always)."""

    name: str
    prefix: str
    fault: Fault
    remaining: int | None = None


def fault_by_name(fault: str | int, **options: Any) -> Fault:
    """The fault of that name. Raises ValueError where there is none, TypeError for an option."""
    if isinstance(fault, int):
        return status_fault(fault, **options)
    if fault not in FAULTS:
        raise ValueError(f"no fault {fault!r}: there are {', '.join(sorted(FAULTS))}")
    return FAULTS[fault](**options)


def status_fault(
    code: int,
    *,
    retry_after: float | datetime | None = None,
    rate_limit: str | None = None,
) -> Fault:
    """A refusal with a status, and with `Retry-After` in seconds or as a date."""
    headers: dict[str, str] = {}
    if isinstance(retry_after, datetime):
        headers["Retry-After"] = format_datetime(retry_after.astimezone(UTC), usegmt=True)
    elif retry_after is not None:
        headers["Retry-After"] = f"{retry_after:g}"
    if rate_limit is not None:
        headers["RateLimit"] = rate_limit
    return _constant_reply(SimulatorReply(f"{code}\n".encode(), code, "text/plain", headers))


def _constant_reply(reply: SimulatorReply) -> Fault:
    return lambda request, answer: reply


def _with_body_changed(change: Callable[[bytes], bytes]) -> Callable[[], Fault]:
    """A fault that changes the sound answer's body."""

    def make() -> Fault:
        def fault(request: SimulatorRequest, answer: Responder) -> SimulatorReply:
            reply = answer(request)
            return replace(reply, body=change(reply.body))

        return fault

    return make


def _with_delivery(delivery: Delivery) -> Callable[..., Fault]:
    """A fault that sends the sound answer in its own way."""

    def make(pause: float = 1.0) -> Fault:
        return lambda request, answer: replace(answer(request), delivery=delivery, pause=pause)

    return make


def _repeat() -> Fault:
    def fault(request: SimulatorRequest, answer: Responder) -> SimulatorReply:
        reply = answer(replace(request, query={**request.query, "start": "0", "p": "0"}))
        asked = request.query.get("start", "0").encode()
        return replace(reply, body=reply.body.replace(b"Index>0<", b"Index>%s<" % asked))

    return fault


def _error_entry(status: int = 200) -> Fault:
    def fault(request: SimulatorRequest, answer: Responder) -> SimulatorReply:
        return SimulatorReply(
            api_feed.render_api_error("something went wrong", request.now), status
        )

    return fault


def _stale() -> Fault:
    def fault(request: SimulatorRequest, answer: Responder) -> SimulatorReply:
        return answer(replace(request, listed=_preceding_announcement(request)))

    return fault


def _unpublished() -> Fault:
    def fault(request: SimulatorRequest, answer: Responder) -> SimulatorReply:
        day = _preceding_announcement(request)
        return answer(replace(request, listed=day, built=simulated_days.eastern_midnight(day)))

    return fault


def _dates_now() -> Fault:
    def fault(request: SimulatorRequest, answer: Responder) -> SimulatorReply:
        reply = answer(request)
        date = f"<pubDate>{format_datetime(request.now)}</pubDate>".encode()
        return replace(reply, body=_ITEM_DATE.sub(date, reply.body), modified=request.now)

    return fault


def _redirect(to: str = "") -> Fault:
    def fault(request: SimulatorRequest, answer: Responder) -> SimulatorReply:
        return SimulatorReply(b"", 302, headers={"Location": to or request.target})

    return fault


def _hf_429(t: int = 55) -> Fault:
    return status_fault(429, rate_limit=f'"api";r=0;t={t}')


def _gzip_bomb() -> Fault:
    return _constant_reply(SimulatorReply(_gzip_bomb_body(), headers={"Content-Encoding": "gzip"}))


@lru_cache(maxsize=1)
def _gzip_bomb_body() -> bytes:
    """300 MB of blanks inside a feed, packed."""
    packed = gzip.compress(b" " * 3 * _MEGABYTE, mtime=0)
    return gzip.compress(b"<rss>", mtime=0) + packed * 100 + gzip.compress(b"</rss>", mtime=0)


def _preceding_announcement(request: SimulatorRequest) -> date:
    return simulated_days.preceding_announcement_day(simulated_days.eastern_day(request.now))


def _drop_keys(body: bytes) -> bytes:
    """Item n lacks the n-th of its keys, and its paper the n-th of its own."""
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
    "hf-429": _hf_429,
    "strings": lambda: _constant_reply(
        SimulatorReply(b'["maintenance","tonight"]', 200, "application/json")
    ),
    "missing-keys": _with_body_changed(_drop_keys),
    "empty-weekend": lambda: _constant_reply(SimulatorReply(b"[]", 200, "application/json")),
    "thin": _with_body_changed(_keep_first_entry),
    "dates-now": _dates_now,
    "bomb": lambda: _constant_reply(SimulatorReply(_entity_bomb())),
    "gzip-bomb": _gzip_bomb,
    "deep": lambda: _constant_reply(SimulatorReply(_nested_body())),
    "wide": lambda: _constant_reply(SimulatorReply(_wide_body())),
}
