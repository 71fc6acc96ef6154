"""Mutation fuzzing of the parsers of foreign documents; see docs/how-to/run-the-tests.md.

    .venv/bin/python -m tests.workers.fuzz_feeds --documents 100000

Each document is a sound one with a few mutations. It may end in sightings or in a SourceError;
any other exception, or more than five seconds of processor time, is a finding. Besides, an entry
with mutations stands between sound ones: those must be found.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from papers.errors import SourceError
from tests.workers.sources.fuzzed_documents import DOCUMENTS
from tests.workers.sources.hf_records import record
from workers.sources import community, hf_daily
from workers.sources.arxiv import announcements, api_page, oai

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAX_SECONDS: Final = 5.0
RECORDED: Final = Path(__file__).parents[3] / "shared" / "data" / "odd_feeds"
"""Feeds of other projects' tests; without them the made ones serve alone."""

READERS: Final[dict[str, Callable[[bytes], object]]] = {
    "community": lambda body: community.parse_community_feed(body, "club", NOW),
    "announcements": lambda body: announcements.parse_announcements(body, NOW),
    "daily papers": lambda body: hf_daily.parse_daily_papers(body, date(2026, 11, 20), NOW),
    "OAI-PMH": oai.parse_harvest_page,
    "API": lambda body: api_page.check_api_page(body, 0, 2, NOW),
}

SOUND_ENTRY: Final = (
    "<item><title>A &amp; B</title><link>https://arxiv.org/abs/2503.1000{0}</link>"
    "<description>On things.</description><pubDate>Fri, 21 Mar 2025 00:00:00 GMT</pubDate></item>"
)
MADE: Final = (
    *DOCUMENTS,
    json.dumps([record()]).encode(),
    b'{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","url":"https://a.example/",'
    b'"content_html":"<p>arXiv:2503.10001</p>","date_published":"2025-03-21T00:00:00Z"}]}',
    b'<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/'
    b'publish/formats/rss-0.91.dtd"><rss version="0.91"><channel><title>T</title><item><title>caf'
    b"&eacute;</title><link>https://arxiv.org/abs/2503.10001</link></item></channel></rss>",
    b'<rss version="2.0" xmlns:gml="http://www.opengis.net/gml" xmlns:psc="http://podlove.org/simple-'
    b'chapters"><channel><title>T</title><item><link>https://arxiv.org/abs/2503.10001</link>'
    b'<gml:pos>1 2</gml:pos><psc:chapters version="1"><psc:chapter start="0" title="x"/>'
    b"</psc:chapters></item></channel></rss>",
)
TOKENS: Final = (
    *(
        b"<",
        b">",
        b"&",
        b"'",
        b'"',
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"-->",
        b"<?",
        b"?>",
        b"</",
        b"/>",
    ),
    *(b"&#x110000;", b"&#55357;&#56832;", b"&#0;", b"&#99999999999;", b"&bogus;", b"&amp;amp;"),
    *(
        b"&#" + b"9" * 5_000 + b";",
        b"\x00",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xef\xbf\xbf",
        b"\r",
        b"\x85",
    ),
    *(b"<gml:pos>1 2</gml:pos>", b"<gml:pos>", b"<gml:Point><gml:pos>a b</gml:pos></gml:Point>"),
    *(
        b"<georss:polygon>1</georss:polygon>",
        b"<geo:lat>x</geo:lat>",
        b"<textinput/>",
        b"<textinput>",
    ),
    *(
        b"<license/>",
        b"<cc:license rdf:resource=''/>",
        b"<creativeCommons:license/>",
        b"<image><url/>",
    ),
    *(b"<psc:chapter start='x'/>", b"<psc:chapters version='1'>", b"<media:content url='x'/>"),
    *(b"<media:group>", b"<media:credit role=''/>", b"<media:rating/>", b"<itunes:explicit/>"),
    *(
        b"<source>",
        b"<source/>",
        b"<cloud/>",
        b"<generator/>",
        b"<enclosure/>",
        b"<category/>",
        b"<author/>",
    ),
    *(
        b"<link rel='x'/>",
        b"<link/>",
        b"<guid isPermaLink=''/>",
        b"<contributor>",
        b"<content type='xhtml'>",
    ),
    *(
        b"<content type='application/octet-stream'>x</content>",
        b"xml:base='http://['",
        b"xml:lang=''",
    ),
    *(b"<pubDate>99999999999999999999</pubDate>", b"<updated>2025-13-45T99:99:99Z</updated>"),
    *(
        b"<pubDate>-1 Foo 0000</pubDate>",
        b"<item>",
        b"</item>",
        b"<entry>",
        b"</entry>",
        b"<atom:entry>",
    ),
    *(
        b"</channel></rss>",
        b"</feed>",
        b"<rss>",
        b"https://[/abs/2503.10001",
        b"arXiv:2503.10001",
        b"//[",
    ),
    *(
        b"xmlns='x'",
        b"xmlns:a='http://www.w3.org/2005/Atom'",
        b"{",
        b"}",
        b"[",
        b"null",
        b"1e999",
        b"\\ud800",
    ),
)


@dataclass(slots=True)
class Findings:
    """What a run found; `raised` counts exceptions other than our own, by reader and type."""

    documents: int = 0
    read: int = 0
    refused: int = 0
    missed: int = 0
    slow: int = 0
    slowest: float = 0.0
    raised: Counter[str] = field(default_factory=Counter)
    first: dict[str, bytes] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """True if there is nothing to mend."""
        return not (self.raised or self.slow or self.missed)

    def __str__(self) -> str:
        return (
            f"{self.documents:,} documents: {self.read:,} read, {self.refused:,} refused with a "
            f"reason, {sum(self.raised.values()):,} raised something else, {self.slow} slow "
            f"(slowest {self.slowest:.2f} s), sound entries missed in {self.missed:,}; "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000} MB at most"
        )


def corpus(max_bytes: int = 20_000) -> list[bytes]:
    """Return the sound documents that mutations start from."""
    recorded: list[bytes] = []
    for path in sorted(RECORDED.glob("*.tar.xz")):
        with tarfile.open(path) as files:
            contents = (files.extractfile(member) for member in files)
            recorded += [source.read(max_bytes) for source in contents if source]
    return [*MADE, *recorded]


def mutated(body: bytes, other: bytes, chance: random.Random) -> bytes:
    """Return a document with one to four mutations; some take a part of another document."""
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randint(0, len(body)), chance.choice((0, 1, 2, 8, 60, 400))
        piece = body[at : at + length]
        start = chance.randint(0, len(other))
        replacement = chance.choice(
            (
                *(
                    chance.choice(TOKENS),
                    chance.choice(TOKENS),
                    b"",
                    piece * chance.choice((2, 30)),
                ),
                *(bytes(chance.randbytes(chance.randint(1, 6))), other[start : start + 200]),
            )
        )
        body = body[:at] + replacement + body[at + length :]
    return body


def between_sound_entries(odd: bytes) -> bytes:
    """Return a feed of an odd entry between four sound ones."""
    sound = [SOUND_ENTRY.format(number).encode() for number in range(4)]
    head = b"<?xml version='1.0'?><rss version='2.0'><channel><title>T</title>"
    return b"".join((head, *sound[:2], odd, *sound[2:], b"</channel></rss>"))


def documents(count: int, seed: int) -> Iterator[tuple[bytes, frozenset[str]]]:
    """Yield mutated documents, and the ids that must be found in each."""
    chance = random.Random(seed)
    sound = corpus()
    named = frozenset(f"2503.1000{number}" for number in range(4))
    for number in range(count):
        one, other = chance.choice(sound), chance.choice(sound)
        if number % 10:
            yield mutated(one, other, chance), frozenset()
        else:
            entry = mutated(SOUND_ENTRY.format(9).encode()[6:-7], other, chance)
            yield between_sound_entries(b"<item>" + entry + b"</item>"), named


def run(count: int, seed: int = 1) -> Findings:
    """Read `count` mutated documents by every parser."""
    findings = Findings()
    for body, named in documents(count, seed):
        findings.documents += 1
        for name, read in READERS.items():
            _try(findings, name, read, body)
        if named and not _names(body, named):
            findings.missed += 1
            findings.first.setdefault("missed", body)
    return findings


def _names(body: bytes, named: frozenset[str]) -> bool:
    """True if all these ids are found in a feed."""
    try:
        sightings = community.parse_community_feed(body, "club", NOW).sightings
    except Exception:
        return False
    return named <= {str(sighting.id) for sighting in sightings}


def _try(findings: Findings, name: str, read: Callable[[bytes], object], body: bytes) -> None:
    started = time.process_time()
    try:
        read(body)
        findings.read += 1
    except SourceError:
        findings.refused += 1
    except Exception as error:
        kind = f"{name}: {type(error).__name__}: {str(error)[:60]}"
        findings.raised[kind] += 1
        findings.first.setdefault(kind, body)
    seconds = time.process_time() - started
    findings.slowest = max(findings.slowest, seconds)
    if seconds > MAX_SECONDS:
        findings.slow += 1
        findings.first.setdefault(f"slow: {name}", body)


def main() -> int:
    """Run, print what was found, and write the first document of each finding to a folder."""
    parser = argparse.ArgumentParser(description="Mutation fuzzing of the parsers of feeds.")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the first document of each finding")
    options = parser.parse_args()
    findings = run(options.documents, options.seed)
    print(findings)
    for kind, count in findings.raised.most_common():
        print(f"{count:>7,}  {kind}")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        for number, (kind, body) in enumerate(findings.first.items()):
            (options.keep / f"{number}-{kind.partition(':')[0].replace(' ', '-')}").write_bytes(
                body
            )
    return not findings.is_clean


if __name__ == "__main__":
    raise SystemExit(main())
