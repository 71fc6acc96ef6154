"""Malicious feeds, and odd feeds of other projects' test suites, from the network to the store."""

from __future__ import annotations

import gzip
import re
import resource
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import SourceError
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from tests.workers.loopback import Loopback, ScriptedReply
from workers.jobs import build_pipeline
from workers.sources import community

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINK = "<link>https://arxiv.org/abs/2611.01234</link>"
SECONDS: Final = 20.0
"""Processor time for one feed: a job has 300."""

MEMORY: Final = 300_000
"""kB by which the process may grow over all of them."""

ARCHIVES: Final = ("feedparser_tests", "miniflux_parser_testdata")


class Wire:
    """Fetches a community feed from loopback into the store."""

    def __init__(self, redis: Redis, loopback: Loopback, loopback_settings: Settings) -> None:
        self._loopback = loopback
        settings = replace(
            loopback_settings,
            communities={"club": loopback.url("/club.rss")},
            fetch_bytes=32_000_000,
        )
        self._ingest = build_pipeline(redis, settings, lambda: NOW)
        self.store, self.states = Store(redis), TaskStates(redis)

    def takes(self, reply: ScriptedReply) -> TaskState:
        """Attempt the feed once; return the state."""
        self._loopback.reply_with("/club.rss", reply)
        started = time.process_time()
        report = self._ingest.run("community:club")
        assert time.process_time() - started < SECONDS
        return report.state


@pytest.fixture
def wire(redis: Redis, loopback: Loopback, loopback_settings: Settings) -> Wire:
    return Wire(redis, loopback, loopback_settings)


@pytest.fixture(scope="session")
def odd(recorded: Path) -> list[tuple[str, bytes]]:
    """Every odd feed with its name."""
    return [file for name in ARCHIVES for file in _files(recorded / "odd_feeds" / f"{name}.tar.xz")]


def _files(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as files:
        for member in files:
            source = files.extractfile(member)
            if source:
                yield member.name, source.read()


@pytest.mark.row("2,100 odd feeds as community feeds")
@pytest.mark.parametrize("step", [12, pytest.param(1, marks=pytest.mark.faults)])
def test_odd_feed_ends_in_papers_or_a_message(
    wire: Wire, odd: list[tuple[str, bytes]], step: int
) -> None:
    """From the network into the store; every twelfth in the quick tests, all in the others."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ends: Counter[str] = Counter()
    for name, body in odd[::step]:
        state = wire.takes(ScriptedReply(headers={"Content-Type": "text/html"}, body=body))
        assert not state.said.startswith("unexpected"), (name, state.said)
        assert state.said, name
        ends[state.state] += 1
    assert sum(ends.values()) >= 2_100 // step
    assert ends[TaskStatus.FAILING] == {1: 43, 12: ends[TaskStatus.FAILING]}[step]
    assert wire.states.list_quarantined(9) == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


@pytest.mark.row("2,100 odd feeds as community feeds")
def test_planted_papers_are_found_in_odd_feeds(odd: list[tuple[str, bytes]]) -> None:
    """Whatever is odd about a feed, a link planted into each is found."""
    found = refused = 0
    for name, body in odd:
        planted = re.sub(rb"(<(?:\w+:)?(?:item|entry)[^<>]*(?<!/)>)", rb"\1" + PLANT, body)
        if planted == body:
            continue
        try:
            ids = {
                str(sighting.id)
                for sighting in community.parse_community_feed(planted, "club", NOW).sightings
            }
        except SourceError:
            refused += 1
            continue
        assert "2611.01234" in ids or name in WHERE_NO_LINK_IS_READ, name
        found += "2611.01234" in ids
    assert found >= 1_000
    assert refused <= 12


PLANTED: Final = b"https://arxiv.org/abs/2611.01234"
PLANT: Final = b"<link href='" + PLANTED + b"'>" + PLANTED + b"</link>"
WHERE_NO_LINK_IS_READ: Final[frozenset[str]] = frozenset()


def rss(*inside: str) -> bytes:
    items = "".join(f"<item>{item}</item>" for item in inside)
    return f"<rss version='2.0'><channel><title>C</title>{items}</channel></rss>".encode()


def atom(inside: str, head: str = "") -> bytes:
    entry = f"<entry><id>arXiv:2611.01234</id>{inside}</entry>"
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {head}>{entry}</feed>'.encode()


LAUGHS: Final = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
LAUGHTER: Final = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{LAUGHS}]>'

# (the body, and a pattern of the message; "" if its paper is to be read)
BOMBS: dict[str, tuple[Callable[[], ScriptedReply], str]] = {
    "entities": (
        lambda: ScriptedReply(body=LAUGHTER.encode() + rss(f"{LINK}<title>&l9;</title>")),
        "DOCTYPE",
    ),
    "entity of a file": (
        lambda: ScriptedReply(
            body=b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            + rss(LINK + "<title>&x;</title>")
        ),
        "DOCTYPE",
    ),
    "parameter entity": (
        lambda: ScriptedReply(
            body=b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY % x SYSTEM "http://10.0.0.1/">%x;]>'
            + rss(LINK)
        ),
        "DOCTYPE",
    ),
    "gzip of 100 MB": (
        lambda: ScriptedReply(
            headers={"Content-Encoding": "gzip"}, body=gzip.compress(b" " * 100_000_000, 9)
        ),
        "more than 32,000,000 bytes",
    ),
    "gzip in gzip": (
        lambda: ScriptedReply(
            headers={"Content-Encoding": "gzip, gzip"},
            body=gzip.compress(gzip.compress(b"x" * 50_000_000)),
        ),
        "more than 32,000,000 bytes",
    ),
    "gzip that is none": (
        lambda: ScriptedReply(headers={"Content-Encoding": "gzip"}, body=rss(LINK)),
        "compression is broken",
    ),
    "21 MB of text": (
        lambda: ScriptedReply(
            body=rss(LINK + "<description>" + "word " * 4_200_000 + "</description>")
        ),
        "more than 12,000,000 bytes",
    ),
    "nested 100,000": (
        lambda: ScriptedReply(body=rss(LINK + "<a>" * 100_000 + "</a>" * 100_000)),
        "more than 1,000 tags inside one another",
    ),
    "100,000 attributes": (
        lambda: ScriptedReply(
            body=rss(f"<a {' '.join(f'a{n}=1' for n in range(100_000))}/>" + LINK)
        ),
        "more than 65,536 characters in one tag",
    ),
    "5,000 attributes": (
        lambda: ScriptedReply(body=rss(f"<a {' '.join(f'a{n}=1' for n in range(5_000))}/>" + LINK)),
        "more than 200 attributes in one tag",
    ),
    "20,000 entries": (
        lambda: ScriptedReply(body=rss(*[LINK] * 20_000)),
        "more than 12,000 entries",
    ),
    "30,000 tags in an entry": (
        lambda: ScriptedReply(body=rss(LINK + "<b/>" * 30_000)),
        "more than 10,000 tags in one entry",
    ),
    "ampersands": (
        lambda: ScriptedReply(
            body=rss(LINK + "<description>" + "&" * 2_000_000 + "</description>")
        ),
        "more than 200,000 ampersands",
    ),
    "namespaces": (
        lambda: ScriptedReply(
            body=rss(LINK + "".join(f"<a{n}:b xmlns:a{n}='http://x{n}/'/>" for n in range(9_000)))
        ),
        "more than 200 namespaces",
    ),
    "a base of 50 kB": (
        lambda: ScriptedReply(
            body=atom("<link href='../x'/>" * 5_000, f"xml:base='http://{'a/' * 25_000}'")
        ),
        "more than 2,000 characters of a base",
    ),
    "an author of a megabyte": (
        lambda: ScriptedReply(body=rss(f"{LINK}<author>{'w' * 1_000_000}</author>")),
        "",
    ),
    "an author behind CDATA": (
        lambda: ScriptedReply(body=rss(f"{LINK}<author><![CDATA[a@{'w' * 1_000_000}]]></author>")),
        "",
    ),
    "an author in tags": (
        lambda: ScriptedReply(body=rss(f"{LINK}<author><b>{'1' * 1_000_000}</b></author>")),
        "",
    ),
    "NUL bytes": (lambda: ScriptedReply(body=rss(LINK).replace(b"C", b"\0" * 100_000)), ""),
    "UTF-16": (
        lambda: ScriptedReply(body=b"\xff\xfe" + rss(LINK).decode().encode("utf-16-le")),
        "",
    ),
    "UTF-7 that hides": (
        lambda: ScriptedReply(body=b'<?xml version="1.0" encoding="utf-7"?>' + rss(LINK)),
        "",
    ),
    "base64": (
        lambda: ScriptedReply(
            body=atom(f'<content type="application/octet-stream">{"QUJD" * 200_000}</content>')
        ),
        "",
    ),
    "XHTML 900 deep": (
        lambda: ScriptedReply(
            body=atom(f'<content type="xhtml">{"<div>" * 900}x{"</div>" * 900}</content>')
        ),
        "",
    ),
    "a link of a megabyte": (
        lambda: ScriptedReply(
            body=rss(LINK, f"<link>https://arxiv.org/abs/{'2611.' * 200_000}</link>")
        ),
        "",
    ),
    "an id of a megabyte": (
        lambda: ScriptedReply(body=rss(LINK, f"<guid>{'9' * 1_000_000}</guid>")),
        "",
    ),
    "a date of a megabyte": (
        lambda: ScriptedReply(body=rss(LINK + f"<pubDate>{'1' * 1_000_000}</pubDate>")),
        "",
    ),
    "a year of twenty digits": (
        lambda: ScriptedReply(body=rss(LINK + "<pubDate>99999999999999999999-01-01</pubDate>")),
        "",
    ),
    "90,000 ids in an entry": (
        lambda: ScriptedReply(
            body=rss(LINK, " ".join(f"arXiv:26{n % 9 + 1:02}.{n:05}" for n in range(1, 60_000)))
        ),
        "",
    ),
    "controls and marks": (
        lambda: ScriptedReply(
            body=rss(LINK + "<title>\x07\x1b[31m\u202ertl\ufffe \u0000😀 ]]&gt; é</title>")
        ),
        "",
    ),
    "surrogates in UTF-8": (
        lambda: ScriptedReply(body=rss(LINK + "<title>@</title>").replace(b"@", b"\xed\xa0\x80")),
        "",
    ),
    "]]> in text": (lambda: ScriptedReply(body=rss(LINK + "<title>a ]]> b</title>")), ""),
    "CDATA in CDATA": (
        lambda: ScriptedReply(body=rss(LINK + "<title><![CDATA[a <![CDATA[b]]> c]]></title>")),
        "",
    ),
    "script": (
        lambda: ScriptedReply(
            body=rss(LINK + "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>")
        ),
        "",
    ),
}


@pytest.mark.row("bombs: entities, gzip, nesting, attributes, 21 MB")
@pytest.mark.parametrize("name", BOMBS)
def test_bomb_fails_with_a_message_or_is_read_within_the_memory_limit(
    wire: Wire, name: str
) -> None:
    made, said = BOMBS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    state = wire.takes(made())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY
    if said:
        assert state.state is TaskStatus.FAILING
        assert said in state.said
        assert wire.store.count_papers() == 0
    else:
        assert state.state is TaskStatus.OK, state.said
        assert wire.store.count_papers() >= 1
    assert state.said.isprintable()
    assert len(state.said) < 500
