from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from papers.errors import BadParameter, SourceError, SourceGarbled, SourceRefused
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Pick
from tests.workers.loopback import Loopback, ScriptedReply
from tests.workers.sources.hf_records import body, record
from workers.sources.hf_daily import PAGE_SIZE, RECENT_DAYS, fetch_daily_papers, parse_daily_papers
from workers.sources.hf_pages import MAX_PAGES
from workers.sources.result import UpstreamClients

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = NOW.date()
THE_18TH = datetime(2026, 11, 18, tzinfo=UTC)


def ids(count: int) -> list[str]:
    return [f"2611.{number:05}" for number in range(1, count + 1)]


def test_record_in_full() -> None:
    (sighting,) = parse_daily_papers(body(record()), DAY, NOW).sightings
    assert sighting.id == ArxivId.parse("2611.01234")
    assert (sighting.source, sighting.channel, sighting.as_of) == ("hf", Channel.HUGGINGFACE, NOW)
    assert sighting.title == "On Reward Models"
    assert sighting.abstract == "We study reward models."
    assert sighting.authors == ("Ann Bo",)
    assert sighting.code == "https://github.com/a/b"
    assert sighting.project == "https://example.org/rm"
    assert sighting.organization == "University of Oxford"
    assert (sighting.version, sighting.submitted_at, sighting.withdrawn) == (0, None, False)
    assert sighting.pick == Pick(
        community="hf",
        picked_at=datetime(2026, 11, 19, tzinfo=UTC),
        url="https://huggingface.co/papers/2611.01234",
        discussion="https://huggingface.co/papers/2611.01234#community",
        votes=44,
        comments=0,
        counted_at=NOW,
        submitter="annb",
        thumbnail="https://cdn.example.org/2611.01234.png",
    )


def test_record_with_only_an_id() -> None:
    (sighting,) = parse_daily_papers(body({"paper": {"id": "2611.01234"}}), DAY, NOW).sightings
    assert (sighting.title, sighting.authors, sighting.code) == ("", (), "")
    assert sighting.pick is not None
    assert (sighting.pick.votes, sighting.pick.comments) == (None, None)
    assert sighting.pick.picked_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert sighting.pick.discussion == ""


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"title": "Outer"}, "title", "Outer"),
        ({"summary": "Outer text."}, "abstract", "Outer text."),
        ({"authors": [{"name": "Out Er"}]}, "authors", ("Out Er",)),
        ({"githubRepo": "https://github.com/out/er"}, "code", "https://github.com/out/er"),
        ({"projectPage": "https://out.example/er"}, "project", "https://out.example/er"),
        ({"organization": {"name": "Outer"}}, "organization", "Outer"),
        ({"withdrawnAt": "2026-11-19T00:00:00.000Z"}, "withdrawn", True),
        ({"upvotes": 7}, "votes", 7),
        ({"discussionId": "x"}, "discussion", "https://huggingface.co/papers/2611.01234#community"),
        ({"submittedOnDailyBy": {"user": "out"}}, "submitter", "out"),
        ({"submittedOnDailyAt": "2026-11-18T00:00:00.000Z"}, "picked_at", THE_18TH),
    ],
)
@pytest.mark.parametrize("inner", [{}, {"title": "", "summary": None, "authors": []}, None])
def test_outer_fields_serve_where_inner_ones_are_absent(
    inner: dict[str, Any] | None, changes: dict[str, Any], field: str, value: object
) -> None:
    """With `inner` None the record is the paper itself, without another around it."""
    item = {"id": "2611.01234", **changes}
    item |= {} if inner is None else {"paper": {"id": "2611.01234", **inner}}
    (sighting,) = parse_daily_papers(body(item), DAY, NOW).sightings
    assert value == getattr(sighting if hasattr(sighting, field) else sighting.pick, field)


def test_inner_counts_serve_where_outer_ones_are_absent() -> None:
    inner = {"id": "2611.01234", "numComments": 3, "thumbnail": "https://cdn.example.org/1.png"}
    (sighting,) = parse_daily_papers(body({"paper": inner}), DAY, NOW).sightings
    assert sighting.pick is not None
    assert (sighting.pick.comments, sighting.pick.thumbnail) == (3, inner["thumbnail"])


def test_id_may_be_the_records_own() -> None:
    records = [
        {"paper": {"title": "A"}, "id": "2611.00001"},
        {"paper": {"id": "6a0d2af365eb30f20d962cb2", "arxivId": "2611.00002v3"}},
        {"paper": {"id": "https://arxiv.org/abs/2611.00003"}},
    ]
    found = parse_daily_papers(body(*records), DAY, NOW).sightings
    assert [str(sighting.id) for sighting in found] == ["2611.00001", "2611.00002", "2611.00003"]


@pytest.mark.parametrize(
    ("value", "withdrawn"),
    [("2026-11-19T00:00:00.000Z", True), (None, False), ("", False), (False, False), (7, False)],
)
def test_withdrawn_paper_is_kept_and_marked(value: Any, withdrawn: bool) -> None:
    (sighting,) = parse_daily_papers(body(record(withdrawnAt=value)), DAY, NOW).sightings
    assert sighting.withdrawn is withdrawn
    assert sighting.pick is not None


def test_papers_that_are_not_on_arxiv_are_counted() -> None:
    records = [record("my-own-paper"), record(), record("10.1101/2026.11.01.123456")]
    part = parse_daily_papers(body(*records), DAY, NOW)
    assert [str(sighting.id) for sighting in part.sightings] == ["2611.01234"]
    assert (part.record_count, part.rejected) == (3, ())
    assert (part.skipped, part.skip_reason) == (2, "not on arXiv")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda records: {"papers": records},
        lambda records: {"dailyPapers": records},
        lambda records: {"dailyPapers": records, "date": "2026-11-20"},
        lambda records: {"data": {"papers": records}, "total": 2},
        lambda records: {"success": True, "results": records},
    ],
)
def test_wrapped_list_is_unwrapped(wrap: Callable[[list[Any]], Any]) -> None:
    wrapped = json.dumps(wrap([record("2611.00001"), record("2611.00002")])).encode()
    part = parse_daily_papers(wrapped, DAY, NOW)
    assert [str(sighting.id) for sighting in part.sightings] == ["2611.00001", "2611.00002"]
    assert parse_daily_papers(json.dumps(wrap([])).encode(), DAY, NOW).is_quiet


@pytest.mark.parametrize(
    ("said", "picked_at"),
    [
        ("2026-11-19T00:00:00.000Z", datetime(2026, 11, 19, tzinfo=UTC)),
        ("2026-11-19T08:30:00+02:00", datetime(2026, 11, 19, 6, 30, tzinfo=UTC)),
        ("2026-11-19", datetime(2026, 11, 19, tzinfo=UTC)),
        ("2026-11-25T00:00:00.000Z", NOW),
        ("2999-01-01T00:00:00.000Z", NOW),
        (None, datetime(2026, 11, 20, tzinfo=UTC)),
    ],
)
def test_pick_date_is_the_records_own(said: str | None, picked_at: datetime) -> None:
    (sighting,) = parse_daily_papers(body(record(submittedOnDailyAt=said)), DAY, NOW).sightings
    assert sighting.pick is not None
    assert sighting.pick.picked_at == picked_at


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"upvotes": 0}, "votes", 0),
        ({"upvotes": "44"}, "votes", None),
        ({"upvotes": -1}, "votes", None),
        ({"upvotes": True}, "votes", None),
        ({"upvotes": 10**30}, "votes", None),
        ({"upvotes": [1]}, "votes", None),
        ({"githubRepo": "javascript:alert(1)"}, "code", ""),
        ({"githubRepo": "github.com/a/b"}, "code", ""),
        ({"projectPage": 7}, "project", ""),
        ({"organization": "Ox"}, "organization", ""),
        ({"organization": {"name": "Ox"}}, "organization", "Ox"),
        ({"title": ["x"]}, "title", "another"),
        ({"title": "a\x00b\ud800c"}, "title", "abc"),
        ({"authors": "Ann Bo"}, "authors", ()),
        ({"authors": ["Ann Bo", None, {"name": 3}, {"name": "C"}]}, "authors", ("C",)),
        ({"submittedOnDailyBy": "annb"}, "submitter", "somebody"),
    ],
)
def test_values_of_wrong_type_are_ignored(
    changes: dict[str, Any], field: str, value: object
) -> None:
    (sighting,) = parse_daily_papers(body(record(**changes)), DAY, NOW).sightings
    holder = sighting.pick if field in ("votes", "submitter") else sighting
    assert getattr(holder, field) == value


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("2611.01234", "no paper"),
        (None, "no paper"),
        (7, "no paper"),
        ([], "no paper"),
        ({}, "no paper"),
        ({"paper": "2611.01234"}, "no paper"),
        ({"paper": {}}, "no arXiv id"),
        ({"paper": None, "id": "2611.01234"}, "no paper"),
        ({"paper": {"id": 2611.01234}}, "no arXiv id"),
        (record(submittedOnDailyAt="soon"), "implausible"),
        (record(submittedOnDailyAt=1763596800), "implausible"),
        (record(submittedOnDailyAt="0001-01-01T00:00:00+14:00"), "implausible"),
    ],
)
def test_unreadable_record_is_rejected_alone(broken: Any, why: str) -> None:
    part = parse_daily_papers(body(record("2611.00001"), broken, record("2611.00002")), DAY, NOW)
    assert [str(s.id) for s in part.sightings] == ["2611.00001", "2611.00002"]
    (rejected,) = part.rejected
    assert why in rejected.reason
    assert part.record_count == 3
    assert not part.is_unreadable


def test_entirely_unreadable_day_is_not_quiet() -> None:
    part = parse_daily_papers(body("a", "b"), DAY, NOW)
    assert part.is_unreadable
    assert not part.is_quiet
    assert parse_daily_papers(b"[]", DAY, NOW).is_quiet


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>busy</html>",
        "{}",
        '{"error":"Invalid date"}',
        '{"error":"Invalid date","papers":[]}',
        '{"papers":{}}',
        '{"papers":null}',
        '{"papers":{"papers":{"papers":{"papers":[]}}}}',
        '{"papers":7}',
        '{"rows":[]}',
        "null",
        "7",
        '[{"paper":',
        "[" * 99_999,
    ],
)
def test_invalid_responses_raise(text: str) -> None:
    with pytest.raises(SourceGarbled):
        parse_daily_papers(text.encode(), DAY, NOW)


class TestFetch:
    URL = "/api/daily_papers"

    def on(self, loopback: Loopback, day: date, page: int, *replies: ScriptedReply) -> None:
        loopback.reply_with(f"{self.URL}?date={day}&limit={PAGE_SIZE}&p={page}", *replies)

    def test_today(self, loopback: Loopback, upstreams: UpstreamClients) -> None:
        self.on(loopback, DAY, 0, ScriptedReply(body=body(record())))
        (part,) = fetch_daily_papers("today", upstreams, NOW)
        assert (part.record_count, part.day) == (1, DAY)
        assert part.message == "picks for 2026-11-20: 1"

    def test_full_page_is_followed_by_another(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        full = [record(f"2611.{n:05}") for n in range(1, PAGE_SIZE + 1)]
        self.on(loopback, DAY, 0, ScriptedReply(body=body(*full)))
        self.on(loopback, DAY, 1, ScriptedReply(body=body(record("2611.00999"))))
        assert [part.record_count for part in fetch_daily_papers("today", upstreams, NOW)] == [
            PAGE_SIZE,
            1,
        ]

    @pytest.mark.parametrize(
        ("wrap", "headers"),
        [
            (
                lambda records, more: records,
                lambda more: {"Link": '</p>; rel="next"'} if more else {},
            ),
            (lambda records, more: {"papers": records, "total": 5}, lambda more: {}),
            (lambda records, more: {"papers": records, "hasMore": more}, lambda more: {}),
            (
                lambda records, more: {"papers": records, "nextPage": 9 if more else None},
                lambda more: {},
            ),
        ],
        ids=["link", "total", "flag", "next"],
    )
    def test_declared_pages_are_followed_to_the_last(
        self,
        loopback: Loopback,
        upstreams: UpstreamClients,
        wrap: Callable[[list[Any], bool], Any],
        headers: Callable[[bool], dict[str, str]],
    ) -> None:
        """Also pages of two records: how long a full one is, is the server's to say."""
        numbers = [range(1, 3), range(3, 5), range(5, 6)]
        for page, some in enumerate(numbers):
            wrapped = wrap([record(f"2611.{n:05}") for n in some], page < 2)
            text = json.dumps(wrapped).encode()
            self.on(loopback, DAY, page, ScriptedReply(headers=headers(page < 2), body=text))
        parts = list(fetch_daily_papers("today", upstreams, NOW))
        assert [len(part.sightings) for part in parts] == [2, 2, 1]
        assert all(part.complete for part in parts)

    def test_page_of_the_default_length_is_followed(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        """A server that ignores `limit` answers with fifty."""
        self.on(loopback, DAY, 0, ScriptedReply(body=body(*map(record, ids(50)))))
        self.on(loopback, DAY, 1, ScriptedReply(body=body(record("2611.00999"))))
        parts = list(fetch_daily_papers("today", upstreams, NOW))
        assert [part.record_count for part in parts] == [50, 1]

    def test_page_without_arxiv_papers_is_followed(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        others = [record(f"preprint-{n}") for n in range(PAGE_SIZE)]
        self.on(loopback, DAY, 0, ScriptedReply(body=body(*others)))
        self.on(loopback, DAY, 1, ScriptedReply(body=body(record())))
        parts = list(fetch_daily_papers("today", upstreams, NOW))
        assert [(part.skipped, len(part.sightings)) for part in parts] == [(PAGE_SIZE, 0), (0, 1)]

    def test_endless_pages_are_not_complete(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        for page in range(MAX_PAGES + 1):
            text = json.dumps({"papers": [record(f"2611.{page + 1:05}")], "hasMore": True})
            self.on(loopback, DAY, page, ScriptedReply(body=text.encode()))
        parts = list(fetch_daily_papers("today", upstreams, NOW))
        assert [part.complete for part in parts] == [True] * (MAX_PAGES - 1) + [False]

    def test_repeated_page_is_the_last(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        full = [record(f"2611.{n:05}") for n in range(1, PAGE_SIZE + 1)]
        loopback.reply_with(self.URL, ScriptedReply(body=body(*full)))
        assert len(list(fetch_daily_papers("today", upstreams, NOW))) == 2

    def test_recent_days_are_fetched_one_by_one(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        loopback.reply_with(self.URL, ScriptedReply(body=b"[]"))
        parts = list(fetch_daily_papers("recent", upstreams, NOW))
        assert [part.day for part in parts] == [DAY - timedelta(days=n) for n in range(RECENT_DAYS)]
        assert all(part.is_quiet for part in parts)

    def test_failing_day_does_not_stop_the_others(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        loopback.reply_with(self.URL, ScriptedReply(body=b"[]"))
        self.on(loopback, DAY - timedelta(days=3), 0, ScriptedReply(body=b"<html>busy</html>"))
        parts = fetch_daily_papers("recent", upstreams, NOW)
        assert len(list(itertools.islice(parts, RECENT_DAYS - 1))) == RECENT_DAYS - 1
        with pytest.raises(SourceGarbled, match="busy"):
            next(parts)

    @pytest.mark.parametrize(
        ("reply", "wait"),
        [
            (ScriptedReply(429, {"RateLimit": '"api";r=0;t=55'}), 55),
            (ScriptedReply(400, body=b'{"error":"Invalid date"}'), None),
        ],
    )
    def test_refusal_stops_the_run(
        self,
        loopback: Loopback,
        upstreams: UpstreamClients,
        reply: ScriptedReply,
        wait: float | None,
    ) -> None:
        loopback.reply_with(self.URL, ScriptedReply(body=b"[]"), reply)
        with pytest.raises(SourceRefused) as refused:
            list(fetch_daily_papers("recent", upstreams, NOW))
        assert refused.value.retry_after == wait
        assert len(loopback.requests) == 2

    def test_unknown_subject_is_bad_input(self, upstreams: UpstreamClients) -> None:
        with pytest.raises(BadParameter, match="today, recent"):
            list(fetch_daily_papers("yesterday", upstreams, NOW))

    def test_fetch_errors_are_source_errors(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        loopback.reply_with(self.URL, ScriptedReply(body=b""))
        with pytest.raises(SourceError):
            list(fetch_daily_papers("today", upstreams, NOW))


class TestRecorded:
    def test_recorded_days_parse_completely(self, recorded: Path) -> None:
        paths = sorted(recorded.glob("hf_daily/*.json"))
        assert len(paths) == 47
        total = 0
        for path in paths:
            total += self.check(json.loads(path.read_bytes()), path)
        assert total == 1_051

    def check(self, raw: list[Mapping[str, Any]], path: Path) -> int:
        """Compare each parsed record with its source; return how many there are."""
        day = date.fromisoformat(path.stem) if path.stem[0] == "2" else DAY
        part = parse_daily_papers(path.read_bytes(), day, NOW)
        assert (part.record_count, part.rejected) == (len(raw), ())
        for sighting, one in zip(part.sightings, raw, strict=True):
            paper, pick = one["paper"], sighting.pick
            assert pick is not None
            assert str(sighting.id) == paper["id"]
            assert pick.votes == paper["upvotes"]
            assert pick.comments == one["numComments"]
            assert str(pick.picked_at.date()) == paper.get("submittedOnDailyAt", str(day))[:10]
            assert sighting.title == " ".join(paper["title"].split())
            code = paper.get("githubRepo", "").split()  # one is broken in two by a newline
            assert sighting.code == (code[0] if len(code) == 1 else "")
            shown = [a["name"] for a in paper["authors"] if not a.get("hidden")]
            assert sighting.authors == tuple(" ".join(name.split()) for name in shown)
        return len(raw)
