from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from papers.errors import SourceGarbled, SourceIncomplete, SourceRefused
from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Channel
from tests.workers.loopback import Loopback, ScriptedReply
from tests.workers.sources.announcement_feeds import entry, feed
from workers.sources.arxiv.announcements import (
    MAX_ENTRIES,
    expected_day,
    fetch_announcements,
    is_stale,
    parse_announcements,
)
from workers.sources.result import UpstreamClients

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday


def test_entry_in_full() -> None:
    more = (
        '<category term="math-ph"/><category term="math.MP"/>'
        "<dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>"
        "<arxiv:DOI>10.1000/x</arxiv:DOI>"
        "<arxiv:journal_reference>J. X 1 (2026)</arxiv:journal_reference>"
    )
    changed = entry(
        id="oai:arXiv.org:math-ph/0601001v3",
        title="If $a < b$ &amp; so",
        abstract="Let $x_i<y$ & <b>bold</b>\n  &amp; more. ",
        type="replace-cross",
        creator="Jos\\'e \"X\" O'Neil (MIT, (Boston)), Li Wei",
        more=more,
    )
    (sighting,) = parse_announcements(feed(changed), NOW).sightings
    midnight = datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert sighting.id == ArxivId.parse("math-ph/0601001")
    assert (sighting.source, sighting.channel) == ("arxiv", Channel.ANNOUNCEMENT)
    assert sighting.version == 3
    assert sighting.title == "If $a < b$ &amp; so"
    assert sighting.abstract == "Let $x_i<y$ & <b>bold</b> &amp; more."
    assert sighting.authors == ("Jos\\'e \"X\" O'Neil", "Li Wei")
    assert sighting.categories == ("math-ph", "math.MP")
    assert sighting.announce_type is AnnounceType.REPLACE_CROSS
    assert sighting.announced_at == sighting.as_of == midnight
    assert sighting.license == "http://creativecommons.org/licenses/by/4.0/"
    assert (sighting.doi, sighting.journal_ref) == ("10.1000/x", "J. X 1 (2026)")
    assert not sighting.withdrawn


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (entry(id="oai:arXiv.org:2613.01234v1"), "no month"),
        (entry(id="https://example.com/2611.01234"), "no arXiv id"),
        (entry(without="id link"), "no arXiv id"),
        (entry(title=" "), "no title"),
        (entry(type="renewed"), "'renewed'"),
        (entry(without="published"), "implausible"),
        (entry(published="2026-13-45T00:00:00-05:00"), "implausible"),
        (entry(published="2999-01-01T00:00:00-05:00"), "implausible"),
        (entry(published="yesterday"), "implausible"),
    ],
)
def test_unreadable_entry_is_rejected_alone(broken: str, why: str) -> None:
    other = entry(id="oai:arXiv.org:2611.00002v1")
    batch = parse_announcements(feed(entry(), broken, other), NOW)
    assert [str(s.id) for s in batch.sightings] == ["2611.01234", "2611.00002"]
    (rejected,) = batch.rejected
    assert why in rejected.reason
    assert rejected.excerpt


def test_announce_type_is_read_from_the_summary_too() -> None:
    (sighting,) = parse_announcements(feed(entry(without="type")), NOW).sightings
    assert sighting.announce_type is AnnounceType.NEW


def test_control_characters_are_dropped() -> None:
    (sighting,) = parse_announcements(feed(entry(title="A\x0bB\x00 🙂 漢字 ]]>")), NOW).sightings
    assert sighting.title == "AB 🙂 漢字 ]]>"


def test_withdrawal_is_read_from_the_abstract() -> None:
    missing = entry(type="replace", abstract="This paper has been withdrawn by the authors.")
    (sighting,) = parse_announcements(feed(missing), NOW).sightings
    assert sighting.withdrawn


def test_day_is_that_of_the_newest_entries() -> None:
    older = entry(id="oai:arXiv.org:2611.00002v1", published="2026-11-19T00:00:00-05:00")
    batch = parse_announcements(feed(older, entry()), NOW)
    assert (batch.day, batch.built_on) == (date(2026, 11, 20), date(2026, 11, 20))
    assert parse_announcements(feed(), NOW).day is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (feed(title="Feed error for query: cs.XX"), SourceRefused),
        (feed(entry(title="x"), title="Feed error for query: cs.XX"), SourceRefused),
        (b"", SourceGarbled),
        (b"<html><body>We are busy</body></html>", SourceGarbled),
        (b"Rate exceeded.", SourceGarbled),
        (b"<!DOCTYPE feed [<!ENTITY a 'b'>]>" + feed(entry())[39:], SourceGarbled),
        (feed(entry()).replace(b"<title>On", b"<title>&nope; <On"), SourceGarbled),
        (feed(entry())[:300], SourceIncomplete),
        (feed()[:200], SourceIncomplete),
    ],
)
def test_invalid_feeds_raise(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_announcements(body, NOW)


def test_complete_entries_of_truncated_feed_are_kept() -> None:
    complete = feed(entry(), entry(id="oai:arXiv.org:2611.00002v1"))
    for end in range(complete.rindex(b"<entry>"), complete.rindex(b"</feed>") + len(b"</feed>")):
        batch = parse_announcements(complete[:end], NOW)
        assert not batch.is_complete
        assert len(batch.sightings) == (2 if end >= complete.rindex(b"</entry>") + 8 else 1)
        assert {s.abstract for s in batch.sightings} == {"We study reward models."}
    assert parse_announcements(complete, NOW).is_complete


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-20T04:59", "2026-11-19"),  # Eastern midnight is at 5 in winter
        ("2026-11-20T05:00", "2026-11-20"),
        ("2026-07-01T03:59", "2026-06-30"),
        ("2026-07-01T04:00", "2026-07-01"),  # and at 4 in summer
        ("2026-11-21T12:00", "2026-11-20"),
        ("2026-11-23T04:59", "2026-11-20"),  # Monday's batch is published on Monday
        ("2026-11-23T05:00", "2026-11-23"),
    ],
)
def test_expected_day(now: str, day: str) -> None:
    assert expected_day(at(now)) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("now", "day", "built", "stale"),
    [
        ("2026-11-20T05:10", "2026-11-20", "2026-11-20", False),
        ("2026-11-20T05:10", "2026-11-19", "2026-11-20", True),  # rebuilt with old entries
        ("2026-11-20T04:50", "2026-11-19", "2026-11-19", False),
        ("2026-11-21T12:00", "2026-11-20", "2026-11-20", False),
        ("2026-11-22T12:00", None, "2026-11-22", False),  # a weekend is empty
        ("2026-11-22T12:00", None, "2026-11-19", True),
        ("2026-11-23T05:10", None, "2026-11-22", True),  # Monday, not built yet
        ("2026-11-23T05:10", None, "2026-11-23", True),  # Monday, built but not filled
        ("2026-11-23T13:10", None, "2026-11-23", False),  # a holiday, then
        ("2026-11-23T13:10", None, None, True),
    ],
)
def test_staleness(now: str, day: str | None, built: str | None, stale: bool) -> None:
    days = [date.fromisoformat(text) if text else None for text in (day, built)]
    assert is_stale(days[0], days[1], at(now)) is stale


class TestFetch:
    def test_batch(self, loopback: Loopback, upstreams: UpstreamClients) -> None:
        loopback.reply_with(
            "/atom/cs.CL", ScriptedReply(headers={"ETag": '"a"'}, body=feed(entry()))
        )
        (part,) = fetch_announcements("cs.CL", upstreams, NOW)
        assert (part.record_count, part.day, part.expected_day) == (
            1,
            date(2026, 11, 20),
            date(2026, 11, 20),
        )
        assert (part.stale, part.complete, part.is_quiet) == (False, True, False)
        assert part.message == "1 announced on 2026-11-20"
        assert loopback.requests[0].headers["Accept"].startswith("application/atom+xml")

    def test_not_modified(self, loopback: Loopback, upstreams: UpstreamClients) -> None:
        fresh = ScriptedReply(headers={"ETag": '"a"'}, body=feed(entry()))
        loopback.reply_with("/atom/cs.CL", fresh, ScriptedReply(304))
        (part,) = fetch_announcements("cs.CL", upstreams, NOW)
        upstreams.fetcher.save_validators(part.response, part.memo)
        (again,) = fetch_announcements("cs.CL", upstreams, NOW)
        assert (again.not_modified, again.stale, again.record_count) == (True, False, 0)
        (monday,) = fetch_announcements("cs.CL", upstreams, NOW + timedelta(days=3))
        assert monday.stale

    def test_stale_batch_is_fetched_again_in_full(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        loopback.reply_with(
            "/atom/cs.CL", ScriptedReply(headers={"ETag": '"a"'}, body=feed(entry()))
        )
        (part,) = fetch_announcements("cs.CL", upstreams, NOW + timedelta(days=3))
        assert part.stale
        assert "still" in part.message
        upstreams.fetcher.save_validators(part.response, part.memo)
        list(fetch_announcements("cs.CL", upstreams, NOW + timedelta(days=3)))
        assert "If-None-Match" not in loopback.requests[1].headers

    def test_empty_day(self, loopback: Loopback, upstreams: UpstreamClients) -> None:
        loopback.reply_with("/atom/cs.CL", ScriptedReply(body=feed(built="2026-11-21")))
        (part,) = fetch_announcements("cs.CL", upstreams, NOW + timedelta(days=1))
        assert part.is_quiet
        assert part.message == "nothing announced"

    def test_truncated_batch_keeps_complete_entries(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        body = feed(entry(), entry(id="oai:arXiv.org:2611.00002v1"))[:-60]
        loopback.reply_with("/atom/cs.CL", ScriptedReply(headers={"ETag": '"a"'}, body=body))
        (part,) = fetch_announcements("cs.CL", upstreams, NOW)
        assert (part.record_count, part.complete, part.response) == (1, False, None)

    def test_feed_of_maximum_length_is_incomplete(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        rows = [entry(id=f"oai:arXiv.org:2611.{n:05}v1") for n in range(1, MAX_ENTRIES + 1)]
        loopback.reply_with("/atom/cs.CL", ScriptedReply(body=feed(*rows)))
        (part,) = fetch_announcements("cs.CL", upstreams, NOW)
        assert (part.record_count, part.complete) == (MAX_ENTRIES, False)

    def test_unknown_category_is_refused(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        body = feed(title="Feed error for query: cs.XX")
        loopback.reply_with("/atom/cs.XX", ScriptedReply(400, body=body))
        with pytest.raises(SourceRefused, match="Feed error for query"):
            list(fetch_announcements("cs.XX", upstreams, NOW))


def child_texts(element: ElementTree.Element, name: str) -> list[str]:
    """Return the texts of an element's children of that name, in any namespace."""
    return [child.text or "" for child in element if child.tag.rpartition("}")[2] == name]


class TestRecorded:
    COUNTS: Mapping[str, int] = {
        "arxiv_rss/cs.AI_2025-08-20_trim7.atom": 7,
        "arxiv_rss/stat_2024-03-26_full.rss": 123,
        "arxiv_rss_rendered/cs.AI_2026-06-06_empty_weekend.atom": 0,
        "arxiv_rss_rendered/cs.CL_2026-06-08.atom": 71,
        "arxiv_rss_rendered/cs.CL_2026-06-08.rss": 71,
        "arxiv_rss_rendered/cs.CL_2026-06-10.atom": 73,
        "arxiv_rss_rendered/cs.CL_2026-06-10.rss": 73,
        "arxiv_rss_rendered/cs.CV_2026-06-08.rss": 93,
        "arxiv_rss_rendered/cs.CV_2026-06-09.rss": 235,
        "arxiv_rss_rendered/cs.CV_2026-06-10.rss": 103,
    }

    def test_every_recorded_file_is_tested(self, recorded: Path) -> None:
        files = {f"{f.parent.name}/{f.name}" for f in recorded.glob("arxiv_rss*/*")}
        assert files == set(self.COUNTS)

    @pytest.mark.parametrize("name", COUNTS)
    def test_every_recorded_entry_is_parsed_exactly(self, recorded: Path, name: str) -> None:
        body = (recorded / name).read_bytes()
        batch = parse_announcements(body, NOW)
        entries = [
            e for e in ElementTree.fromstring(body).iter() if child_texts(e, "announce_type")
        ]
        assert len(batch.sightings) == len(entries) == self.COUNTS[name]
        assert not batch.rejected
        for sighting, raw in zip(batch.sightings, entries, strict=True):
            (summary,) = child_texts(raw, "summary") or child_texts(raw, "description")
            assert sighting.title == " ".join(child_texts(raw, "title")[0].split())
            assert sighting.abstract == " ".join(summary.split("Abstract: ", 1)[1].split())
            assert ", ".join(sighting.authors) == " ".join(child_texts(raw, "creator")[0].split())
            assert f"arXiv:{sighting.id}v{sighting.version} " in summary
            assert sighting.announce_type is not None
            assert sighting.announce_type.label == child_texts(raw, "announce_type")[0]
            assert sighting.license == child_texts(raw, "rights")[0]
        if entries:
            assert str(batch.day) == re.findall(r"_(\d{4}-\d\d-\d\d)", name)[0]

    def test_full_day_by_announce_type(self, recorded: Path) -> None:
        path = recorded / "arxiv_rss/stat_2024-03-26_full.rss"
        types = Counter(
            s.announce_type for s in parse_announcements(path.read_bytes(), NOW).sightings
        )
        text = path.read_text("utf-8")
        assert types == {
            kind: text.count(f"<arxiv:announce_type>{kind.label}<") for kind in AnnounceType
        }


RAISES = '<g:pos xmlns:g="http://www.opengis.net/gml">1 2</g:pos>'
"""An element on which feedparser raises KeyError."""


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (entry(id="oai:arXiv.org:2611.00009v1", more=RAISES), "KeyError"),
        (
            entry(id="oai:arXiv.org:2611.00009v1").replace("</title>", "<x></title>"),
            "not well-formed",
        ),
        (entry(id="oai:arXiv.org:2611.00009v1", more="&bogus;"), "not well-formed"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_entry_on_which_the_parser_fails_is_rejected_alone(
    odd: str, reason: str, place: int
) -> None:
    sound = [entry(id=f"oai:arXiv.org:2611.0000{n}v1") for n in range(1, 4)]
    batch = parse_announcements(feed(*sound[:place], odd, *sound[place:]), NOW)
    assert [str(s.id) for s in batch.sightings] == ["2611.00001", "2611.00002", "2611.00003"]
    (rejected,) = batch.rejected
    assert reason in rejected.reason
    assert "2611.00009" in rejected.excerpt


def test_feed_of_which_nothing_can_be_parsed_is_refused() -> None:
    with pytest.raises(SourceGarbled, match="cannot be parsed"):
        parse_announcements(feed(*[entry(more=RAISES)] * 200), NOW)
    with pytest.raises(SourceGarbled, match="cannot be parsed"):
        parse_announcements(feed(RAISES, entry()), NOW)
