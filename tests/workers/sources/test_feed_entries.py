from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from papers.errors import SourceError, SourceGarbled, SourceIncomplete
from tests.workers.fuzz_feeds import between_sound_entries, run
from tests.workers.sources.feed_floods import FLOODS, LINK
from tests.workers.sources.rss_feeds import rss
from workers.sources.community import parse_community_feed
from workers.sources.feed_entries import read_entries
from workers.sources.xml_tags import iter_entries

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ids(body: bytes) -> list[str]:
    return [str(sighting.id) for sighting in parse_community_feed(body, "club", NOW).sightings]


ODD_ENTRIES: Final = {
    "a surrogate pair": "<title>&#55357;&#56832;</title>",
    "half a surrogate pair": "<title>&#55357;</title>",
    "an impossible character": "<description>x &#x110000; y &#99999999999;</description>",
    "a character of 5,000 digits": f"<title>&#{'9' * 5_000};</title>",
    "a position": "<gml:pos>1 2</gml:pos>",
    "a text input": "<textinput>x</textinput>",
    "a license": "<license/><creativeCommons:license/>",
    "podcast chapters": "<psc:chapters version='1'><psc:chapter start='x'/></psc:chapters>",
    "an open comment": "<!-- never closed",
    "an open CDATA": "<description><![CDATA[never closed</description>",
    "an open tag": "<title <b",
    "an open quote": "<a href='x>",
    "crossed tags": "<title>a<b></title></b><i></b>",
    "an entry within": "<atom:entry><title>x</title>",
    "an end of another entry": "</entry></atom:entry>",
    "no end": "<title>x</title></itm>",
    "an impossible address": "<link>https://[/abs</link><guid>//[</guid>",
    "controls": "<title>\x07\x1b\ufffe</title>",
    "unclosed HTML": "<description>" + "<p>x<br>" * 400 + "</description>",
    "a long base": f"<link xml:base='http://{'a' * 3_000}'/>",
}


@pytest.mark.parametrize("name", ODD_ENTRIES)
@pytest.mark.parametrize("named", [False, True])
def test_odd_entry_costs_that_entry_at_most(name: str, named: bool) -> None:
    odd = f"<item>{LINK if named else ''}{ODD_ENTRIES[name]}</item>"
    found = ids(between_sound_entries(odd.encode()))
    sound = [f"2503.1000{number}" for number in range(4)]
    assert set(sound) <= set(found)
    assert ("2511.01234" in found) is named


@pytest.mark.parametrize(("opening", "ending"), [("<![CDATA[", "]]>"), ("<!--", "-->")])
def test_open_section_ends_with_its_entry_where_others_have_sections(
    opening: str, ending: str
) -> None:
    named = [f"<title>arXiv:2503.0000{n}</title>{opening} x {ending}" for n in (1, 2, 3)]
    odd = f"<description>{opening} never closed</description>"
    assert ids(rss(named[0], odd, *named[1:])) == ["2503.00001", "2503.00002", "2503.00003"]
    sample = f"{opening} <item>a</item><item>b</item> {ending}<title>arXiv:2503.00004</title>"
    result = parse_community_feed(rss(sample, named[0]), "club", NOW)
    assert (len(result.sightings), result.record_count) == (2, 2)


def test_two_surrogates_are_one_character() -> None:
    (entry,) = read_entries(
        rss("<title>&#55357;&#56832; &#xD83D;&#xDE00; &#55357;</title>")
    ).entries
    assert entry.text("title") == "😀 😀 \ufffd"


NETSCAPE: Final = (
    b'<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN"'
    b' "http://my.netscape.com/publish/formats/rss-0.91.dtd">'
)
MOVABLE_TYPE: Final = (
    b'<!DOCTYPE rdf:RDF [\n<!ENTITY % HTMLlat1 PUBLIC "-//W3C//ENTITIES Latin 1 for XHTML//EN"'
    b' "http://www.w3.org/TR/xhtml1/DTD/xhtml-lat1.ent">\n%HTMLlat1;\n]>'
)


@pytest.mark.parametrize(
    "doctype",
    [
        NETSCAPE,
        MOVABLE_TYPE,
        b'<?xml version="1.0"?>\n<!-- made by hand -->\n' + NETSCAPE + b"\n",
        b'<!DOCTYPE rss SYSTEM "http://my.netscape.com/publish/formats/rss-0.91.dtd">',
        b"<!DOCTYPE rss SYSTEM 'rss-0.91.dtd'>",
        b"<!DOCTYPE rss>",
    ],
)
def test_doctype_of_its_day_is_passed_over(doctype: bytes) -> None:
    (entry,) = read_entries(doctype + rss(LINK + "<title>caf&eacute;</title>")).entries
    assert entry.text("title") == "café"
    assert ids(doctype + rss(LINK)) == ["2511.01234"]


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE rss [<!ENTITY a 'aaaa'>]>",
        b"<!DOCTYPE rss [<!ENTITY % x SYSTEM 'http://10.0.0.1/'>%x;]>",
        b"<!DOCTYPE rss [<!ENTITY % x PUBLIC '-//W3C//ENTITIES x' 'file:///x'> <!ENTITY a 'b'>]>",
        NETSCAPE + b"<!DOCTYPE rss [<!ENTITY a 'aaaa'>]>",
        b"<!DOCTYPE html>",
    ],
)
def test_doctype_that_declares_entities_is_refused(doctype: bytes) -> None:
    with pytest.raises(SourceGarbled):
        read_entries(doctype + rss(LINK))


def json_feed(*items: object) -> bytes:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}).encode()


def test_json_feed_is_read() -> None:
    item = {
        "id": "1",
        "url": "https://club.example/1",
        "content_html": "<a href='https://arxiv.org/abs/2511.01234'>x</a>",
        "date_published": "2025-11-19T08:00:00+02:00",
    }
    body = json_feed(item, {"id": "2", "content_text": "news"}, "no object")
    for feed in (body, b"\xef\xbb\xbf \n" + body):
        result = parse_community_feed(feed, "club", NOW)
        (sighting,) = result.sightings
        assert sighting.pick is not None
        assert (str(sighting.id), sighting.pick.url) == ("2511.01234", "https://club.example/1")
        assert sighting.as_of == datetime(2025, 11, 19, 6, tzinfo=UTC)
        assert (result.record_count, result.skipped, result.complete) == (3, 2, True)


def test_broken_json_feed_is_read_up_to_the_break() -> None:
    whole = json_feed({"url": "https://arxiv.org/abs/2511.01234"}, {"title": "arXiv:2511.00002"})
    cut = parse_community_feed(whole[:-10], "club", NOW)
    assert ([str(s.id) for s in cut.sightings], cut.complete) == (["2511.01234"], False)
    with pytest.raises(SourceIncomplete):
        read_entries(whole[:60])


@pytest.mark.parametrize(
    "body", [b"{}", b'{"items": 1}', b'{"error": "busy"}', b"{" * 100_000, b'{"items":[}]}']
)
def test_other_json_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError):
        read_entries(body)


def test_entries_end_where_they_are_closed_or_the_next_begins() -> None:
    text = "<rss><item>1</item><item>2<item x='>'>3</item><item/><!-- <item> --><atom:item>"
    assert [text[e.start : e.end] for e in iter_entries(text)] == [
        *("<item>1</item>", "<item>2", "<item x='>'>3</item>", "<item/>")
    ]


def test_prefixed_entries_and_elements_are_read() -> None:
    body = (
        b"<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:entry><a:title>T</a:title>"
        b"<a:link href='https://club.example/1'/><a:summary>arXiv:2511.01234</a:summary>"
        b"<a:updated>2025-11-19T08:00:00Z</a:updated></a:entry></a:feed>"
    )
    (sighting,) = parse_community_feed(body, "club", NOW).sightings
    assert sighting.pick is not None
    assert sighting.pick.url == "https://club.example/1"
    assert sighting.as_of == datetime(2025, 11, 19, 8, tzinfo=UTC)


def test_future_month_is_set_aside_beside_sound_entries() -> None:
    body = rss("<link>https://arxiv.org/abs/3012.00001</link><title>A</title>", LINK)
    result = parse_community_feed(body, "club", NOW)
    assert [str(s.id) for s in result.sightings] == ["2511.01234"]
    (rejected,) = result.rejected
    assert rejected.reason == "the month of 3012.00001 has not come"
    assert (result.record_count, result.skipped) == (2, 0)
    assert "1 set aside" in result.message


def test_relative_link_is_resolved_by_its_base() -> None:
    head = b"<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://arxiv.org/abs/'>"
    assert ids(head + b"<entry><link href='2511.01234'/></entry></feed>") == ["2511.01234"]


QUICK: Final = ("19,000 categories in each of 20", "digits", "escaped tags", "JSON values")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.faults) for n in FLOODS]
)
@pytest.mark.timeout(120)
def test_flood_is_refused_or_read_in_five_seconds(name: str) -> None:
    body = FLOODS[name]()
    assert len(body) < 12_000_000
    started = time.thread_time()  # threads that other tests left do not count
    with contextlib.suppress(SourceGarbled):
        parse_community_feed(body, "club", NOW)
    assert time.thread_time() - started < 5


MEASURE: Final = """
import resource, sys
from datetime import UTC, datetime
from papers.errors import SourceError
from tests.workers.sources.feed_floods import FLOODS
from workers.sources.community import parse_community_feed
body = FLOODS[sys.argv[1]]()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    parse_community_feed(body, "club", datetime(2026, 11, 20, 12, tzinfo=UTC))
except SourceError:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("name", ["digits", "60,000 ids", "astral characters", "JSON strings"])
def test_flood_takes_at_most_200_megabytes(name: str) -> None:
    command = [sys.executable, "-c", MEASURE, name]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200_000


def test_mutated_feeds_raise_nothing_but_our_own_errors() -> None:
    """A second of the fuzzer; `docs/how-to/run-the-tests.md` has the command for more."""
    findings = run(400, seed=11)
    assert findings.is_clean, str(findings)
    assert findings.read > 100
