from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from papers.config.settings import Settings
from papers.errors import BadParameter, SourceError, SourceGarbled, SourceIncomplete
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Pick, Sighting
from tests.workers.loopback import Loopback, ScriptedReply
from tests.workers.sources.rss_feeds import rss
from workers.sources.community import fetch_community_picks, parse_community_feed
from workers.sources.result import UpstreamClients

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
THEN = datetime(2026, 11, 19, 8, tzinfo=UTC)
STAMP = "<pubDate>Thu, 19 Nov 2026 08:00:00 GMT</pubDate>"


def atom(*entries: str) -> bytes:
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>C</title>{inside}</feed>'.encode()


def picked(body: bytes) -> list[Sighting]:
    return list(parse_community_feed(body, "club", NOW).sightings)


def test_pick_has_id_link_and_date() -> None:
    (sighting,) = picked(
        rss(
            "<title>On Reward Models &lt;script&gt;</title><author>me@example.org</author>"
            "<link>https://club.example/42</link><comments>https://club.example/42#talk</comments>"
            "<description>see https://arxiv.org/abs/2611.01234v2.</description>" + STAMP
        )
    )
    assert sighting == Sighting(
        id=ArxivId.parse("2611.01234"),
        source="club",
        channel=Channel.COMMUNITY,
        as_of=THEN,
        title="On Reward Models",
        abstract="see",
        pick=Pick(
            community="club",
            picked_at=THEN,
            url="https://club.example/42",
            discussion="https://club.example/42#talk",
        ),
    )


@pytest.mark.parametrize(
    ("item", "ids"),
    [
        ("<link>https://arxiv.org/abs/2611.01234</link>", ["2611.01234"]),
        ("<link>http://arxiv.org/pdf/2611.01234v3.pdf</link>", ["2611.01234"]),
        ("<link>https://huggingface.co/papers/2611.01234</link>", ["2611.01234"]),
        ("<link>https://club.example/2611.01234</link>", []),
        ("<guid>2611.01234</guid>", []),  # a bare number may be anything
        ("<guid>oai:arXiv.org:hep-th/9901001v2</guid>", ["hep-th/9901001"]),
        ("<title>arXiv:2611.01234: a title</title>", ["2611.01234"]),
        ("<title>[2611.01234] a title</title>", []),
        (
            "<description>&lt;a href='https://arxiv.org/abs/2611.01234'&gt;x&lt;/a&gt;"
            "</description>",
            ["2611.01234"],
        ),
        (
            '<description><![CDATA[<a href="https://arxiv.org/abs/2611.01234">x</a>]]>'
            "</description>",
            ["2611.01234"],
        ),
        (
            '<x:encoded xmlns:x="http://purl.org/rss/1.0/modules/content/">'
            "doi.org/10.48550/arXiv.2611.01234 and 10.48550/arXiv.2611.00002</x:encoded>",
            ["2611.01234", "2611.00002"],
        ),
        (
            "<link>https://arxiv.org/abs/2611.01234</link><guid>2611.01234</guid>"
            "<description>arXiv:2611.01234 and arXiv:2611.00002</description>",
            ["2611.01234", "2611.00002"],
        ),
        ("<description>published 2024.12345 elsewhere, v2.0.1</description>", []),
        ("<link>javascript:https://arxiv.org/abs/2611.01234</link>", []),
    ],
)
def test_places_in_which_an_entry_names_papers(item: str, ids: list[str]) -> None:
    assert [str(sighting.id) for sighting in picked(rss(item))] == ids


def test_every_link_of_an_atom_entry_is_used() -> None:
    links = '<link href="https://club.example/1"/><link rel="via" href="https://arxiv.org/abs/{}"/>'
    (sighting,) = picked(atom(links.format("2611.01234")))
    assert sighting.pick is not None
    assert sighting.pick.url == "https://club.example/1"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "ftp://club.example/", "/relative", ""]
)
def test_only_http_links_are_used(link: str) -> None:
    (sighting,) = picked(
        rss(f"<link>{link}</link><comments>{link}</comments><title>arXiv:2611.01234</title>")
    )
    assert sighting.pick is not None
    assert (sighting.pick.url, sighting.pick.discussion) == ("", "")


@pytest.mark.parametrize(
    ("dated", "picked_at"),
    [
        (STAMP, THEN),
        ("<pubDate>2026-11-19T08:00:00Z</pubDate>", THEN),
        ("<pubDate>2026-11-19T10:00:00+02:00</pubDate>", THEN),
        ("<pubDate>Fri, 20 Nov 2026 23:00:00 GMT</pubDate>", NOW),  # not in the future
        ("<pubDate>2999-01-01T00:00:00Z</pubDate>", NOW),
        ("<pubDate>1970-01-01T00:00:00Z</pubDate>", NOW),  # not before the paper existed
        ("<pubDate>2026-10-29T00:00:00Z</pubDate>", NOW),
        ("<pubDate>2026-10-31T00:00:00Z</pubDate>", datetime(2026, 10, 31, tzinfo=UTC)),
        ("<pubDate>2025-13-45</pubDate>", NOW),
        ("<pubDate>lately</pubDate>", NOW),
        ("", NOW),
    ],
)
def test_pick_date(dated: str, picked_at: datetime) -> None:
    (sighting,) = picked(rss("<link>https://arxiv.org/abs/2611.01234</link>" + dated))
    assert sighting.pick is not None
    assert (sighting.pick.picked_at, sighting.as_of) == (picked_at, picked_at)


def test_entries_that_name_no_paper_are_counted() -> None:
    part = parse_community_feed(
        rss("<title>News</title>", "<title>arXiv:2611.01234</title>", ""), "club", NOW
    )
    assert (part.record_count, part.skipped, len(part.sightings)) == (3, 2, 1)
    assert part.message == "1 paper in 1 of 3 entries"
    assert parse_community_feed(rss(), "club", NOW).is_quiet


def test_truncated_feed_keeps_complete_entries() -> None:
    full = rss("<title>arXiv:2611.01234</title>", "<title>arXiv:2611.00002</title>")
    part = parse_community_feed(full[:-40], "club", NOW)
    assert ([str(s.id) for s in part.sightings], part.complete) == (["2611.01234"], False)
    with pytest.raises(SourceIncomplete):
        parse_community_feed(full[:70], "club", NOW)


def test_malformed_xml_is_parsed_as_far_as_possible() -> None:
    (sighting,) = picked(rss("<title>AT&T <b>arXiv:2611.01234</title>"))
    assert str(sighting.id) == "2611.01234"


class TestFetch:
    @pytest.fixture
    def loopback_settings(self, loopback_settings: Settings, loopback: Loopback) -> Settings:
        return replace(loopback_settings, communities={"club": loopback.url("/club.rss")})

    def test_not_modified(self, loopback: Loopback, upstreams: UpstreamClients) -> None:
        body = rss("<title>arXiv:2611.01234</title>")
        loopback.reply_with(
            "/club.rss", ScriptedReply(headers={"ETag": '"a"'}, body=body), ScriptedReply(304)
        )
        (part,) = fetch_community_picks("club", upstreams, NOW)
        assert (part.record_count, part.not_modified) == (1, False)
        upstreams.fetcher.save_validators(part.response, part.memo)
        (again,) = fetch_community_picks("club", upstreams, NOW + timedelta(hours=1))
        assert (again.not_modified, again.record_count, again.is_quiet) == (True, 0, True)

    @pytest.mark.parametrize(
        "reply",
        [
            ScriptedReply(body=b""),
            ScriptedReply(body=b"<!DOCTYPE html><html><body>Service unavailable</body></html>"),
            ScriptedReply(body=b"<html><body>Service unavailable</body></html>"),
            ScriptedReply(404),
            ScriptedReply(500, body=rss("<title>arXiv:2611.01234</title>")),
            ScriptedReply(body=rss("<title>arXiv:2611.01234</title>"), length=9_999),
        ],
    )
    def test_failures_raise(
        self, loopback: Loopback, upstreams: UpstreamClients, reply: ScriptedReply
    ) -> None:
        loopback.reply_with("/club.rss", reply)
        with pytest.raises(SourceError):
            list(fetch_community_picks("club", upstreams, NOW))

    def test_decompression_bomb_is_refused(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        wide = " ".join(f'a{n}="x"' for n in range(60_000))
        loopback.reply_with("/club.rss", ScriptedReply(body=rss(f"<a {wide}/>")))
        with pytest.raises(SourceGarbled):
            list(fetch_community_picks("club", upstreams, NOW))

    def test_unknown_community_is_bad_input(self, upstreams: UpstreamClients) -> None:
        with pytest.raises(BadParameter, match="no community 'other'"):
            list(fetch_community_picks("other", upstreams, NOW))


class TestRecorded:
    COUNTS: Mapping[str, tuple[int, int, int]] = {
        # entries, entries that name papers, distinct papers
        "edge_ai_paramita619.rss": (10, 4, 4),
        "hf_daily_huangboming.rss": (30, 30, 30),
        "hf_daily_mibuhand.atom": (12, 12, 12),
        "hn_30.rss": (30, 0, 0),
        "jwst_gbrammer.rss": (300, 300, 303),
    }

    def test_every_recorded_file_is_tested(self, recorded: Path) -> None:
        assert {path.name for path in recorded.glob("community/*")} == set(self.COUNTS)

    @pytest.mark.parametrize("name", COUNTS)
    def test_every_named_paper_is_found(self, recorded: Path, name: str) -> None:
        body = (recorded / "community" / name).read_bytes()
        part = parse_community_feed(body, "club", NOW)
        entries, naming, papers = self.COUNTS[name]
        assert (part.record_count, part.record_count - part.skipped) == (entries, naming)
        assert len({sighting.id for sighting in part.sightings}) == papers
        assert {str(s.id) for s in part.sightings} == self.independently(body)

    def independently(self, body: bytes) -> set[str]:
        """Return ids by another parser, looking only at URLs of arXiv and Hugging Face."""
        root = ElementTree.fromstring(body)
        entries = [e for e in root.iter() if e.tag.rpartition("}")[2] in ("item", "entry")]
        found: set[str] = set()
        for entry in entries:
            parts = [unescape(text) for text in entry.itertext()]
            parts += [value for element in entry.iter() for value in element.attrib.values()]
            for part in parts:
                found |= set(re.findall(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{5})", part))
                found |= set(re.findall(r"huggingface\.co/papers/(\d{4}\.\d{5})", part))
                found |= set(re.findall(r"arXiv:\s?(\d{4}\.\d{5})", part))
        return found
