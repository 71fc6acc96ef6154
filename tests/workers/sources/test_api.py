from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from redis import Redis

from papers.errors import SourceError, SourceGarbled, SourceIncomplete, SourceRefused
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from tests.workers.loopback import Loopback, ScriptedReply
from tests.workers.sources.api_pages import entry, page
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.sources.arxiv import api_page
from workers.sources.arxiv.api import PAGE_SIZE, fetch_by_ids, search_newest
from workers.sources.result import UpstreamClients

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def numbered(numbers: Iterable[int]) -> list[str]:
    return [entry(id=f"http://arxiv.org/abs/2611.{number:05}v1") for number in numbers]


ERROR = entry(
    id="https://arxiv.org/api/errors#incorrect_id_format_for_x",
    title="Error",
    summary="incorrect id format for x",
)
ID = ArxivId.parse("2611.01234")


def request_params(loopback: Loopback) -> list[dict[str, str]]:
    """Return the parameters of each request."""
    queries = (urlsplit(each.path).query for each in loopback.requests)
    return [{name: values[0] for name, values in parse_qs(query).items()} for query in queries]


def test_entry_in_full(loopback: Loopback, upstreams: UpstreamClients) -> None:
    more = (
        "<arxiv:comment>12 pages,\n 3 figures</arxiv:comment><arxiv:doi>10.1000/x</arxiv:doi>"
        "<arxiv:journal_ref>J. X 1 (2026)</arxiv:journal_ref>"
    )
    loopback.reply_with("/api/query", ScriptedReply(body=page(entry(more=more))))
    (part,) = fetch_by_ids([ID], upstreams, NOW)
    (sighting,) = part.sightings
    assert sighting.id == ID
    assert (sighting.source, sighting.channel, sighting.version) == ("arxiv", Channel.API, 2)
    assert sighting.title == "On Reward Models"
    assert sighting.abstract == "We study $a<b$ & reward models."
    assert sighting.authors == ("Ann Bo", "Cy Dee")
    assert sighting.categories == ("cs.CL", "cs.AI")
    assert sighting.comment == "12 pages, 3 figures"
    assert (sighting.doi, sighting.journal_ref) == ("10.1000/x", "J. X 1 (2026)")
    assert sighting.submitted_at == datetime(2026, 11, 17, 8, tzinfo=UTC)
    assert sighting.revised_at == sighting.as_of == datetime(2026, 11, 18, 9, tzinfo=UTC)
    assert sighting.announced_at is None
    assert not sighting.withdrawn
    assert (part.record_count, part.done, part.total) == (1, 1, 1)
    sent = loopback.requests[0].headers
    assert sent["User-Agent"].startswith("Paperwire/")
    assert sent["Accept"] == "application/atom+xml"


def test_withdrawal(loopback: Loopback, upstreams: UpstreamClients) -> None:
    more = "<arxiv:comment>This paper has been withdrawn</arxiv:comment>"
    loopback.reply_with("/api/query", ScriptedReply(body=page(entry(more=more))))
    (part,) = fetch_by_ids([ID], upstreams, NOW)
    assert part.sightings[0].withdrawn


def test_whatever_the_parser_raises_is_an_error_of_the_source(
    upstreams: UpstreamClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("where")

    monkeypatch.setattr("arxiv.Client.results", fail)
    with pytest.raises(SourceGarbled, match="cannot be parsed: KeyError: 'where'"):
        list(search_newest("all:x", 10, upstreams, NOW))


BAD_ANSWERS = [
    (ScriptedReply(body=b"Rate exceeded."), SourceRefused),
    (ScriptedReply(429, {"Retry-After": "7"}), SourceRefused),
    (ScriptedReply(406), SourceRefused),
    (ScriptedReply(503), SourceRefused),
    (ScriptedReply(body=b""), SourceGarbled),
    (ScriptedReply(body=b"<html><body>Sorry</body></html>"), SourceGarbled),
    (ScriptedReply(body=b"<!DOCTYPE html><html><body>Sorry</body></html>"), SourceGarbled),
    (ScriptedReply(body=b"<rss><channel/></rss>"), SourceGarbled),
    (ScriptedReply(body=page(entry())[:-30]), SourceIncomplete),
    (ScriptedReply(body=page(entry()), length=9_999), SourceError),
    (ScriptedReply(body=page(entry()).replace(b"<name>", b"<&>")), SourceGarbled),
    (ScriptedReply(body=page(entry(), total="many")), SourceGarbled),
    (ScriptedReply(body=page(entry(), total="")), SourceGarbled),
    (ScriptedReply(body=page(entry(), start="x")), SourceGarbled),
    (ScriptedReply(body=page(total=1)), SourceIncomplete),
    (ScriptedReply(body=page(entry(), start=100)), SourceIncomplete),
    (ScriptedReply(body=page(ERROR)), SourceRefused),
]


@pytest.mark.parametrize(("reply", "error"), BAD_ANSWERS)
def test_invalid_responses_raise(
    loopback: Loopback, upstreams: UpstreamClients, reply: ScriptedReply, error: type[SourceError]
) -> None:
    loopback.reply_with("/api/query", reply)
    with pytest.raises(error):
        list(search_newest("all:x", 10, upstreams, NOW))
    assert len(loopback.requests) == 1


def test_overload_backs_off_all_arxiv_requests(
    loopback: Loopback, upstreams: UpstreamClients, redis: Redis
) -> None:
    loopback.reply_with("/api/query", ScriptedReply(body=b"Rate exceeded."))
    with pytest.raises(SourceRefused):
        list(search_newest("all:x", 10, upstreams, NOW))
    with (
        pytest.raises(SourceRefused, match="hold off"),
        ArxivRateLimiter(redis, 0.0).acquire(max_wait=0),
    ):
        pytest.fail("arXiv requests are not backed off")


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (entry(id="http://arxiv.org/abs/2613.01234v1"), "no month"),
        (entry(id=""), "no arXiv id"),
        (entry(title=" "), "no title"),
        (entry(published="yesterday"), "published"),
        (entry(published=""), "published"),
        (entry(updated="2026-13-45T00:00:00Z"), "updated"),
        (entry(updated="2999-01-01T00:00:00Z"), "updated"),
        (entry().replace("<updated>", "<other>").replace("</updated>", "</other>"), "updated"),
    ],
)
def test_unreadable_entry_is_rejected_alone(
    loopback: Loopback, upstreams: UpstreamClients, broken: str, why: str
) -> None:
    one, other = numbered([1, 2])
    loopback.reply_with("/api/query", ScriptedReply(body=page(one, broken, other, total=900)))
    parts = search_newest("all:x", 3, upstreams, NOW)
    part = next(parts)
    assert [str(s.id) for s in part.sightings] == ["2611.00001", "2611.00002"]
    (rejected,) = part.rejected
    assert why in rejected.reason
    assert (part.record_count, part.done, part.total) == (3, 3, 3)
    assert list(parts) == []
    assert len(loopback.requests) == 1


def test_page_without_readable_entries(loopback: Loopback, upstreams: UpstreamClients) -> None:
    loopback.reply_with("/api/query", ScriptedReply(body=page(entry(title=""))))
    (part,) = search_newest("all:x", 5, upstreams, NOW)
    assert part.is_unreadable


class TestSearch:
    def on(self, loopback: Loopback, *pages: bytes) -> None:
        loopback.reply_with("/api/query", *(ScriptedReply(body=body) for body in pages))

    def test_empty_search_is_quiet(self, loopback: Loopback, upstreams: UpstreamClients) -> None:
        self.on(loopback, page())
        (part,) = search_newest("all:x", 5, upstreams, NOW)
        assert part.is_quiet
        assert (part.done, part.total) == (0, 0)

    def test_search_is_newest_first_and_limited(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        self.on(loopback, page(*numbered(range(1, 6)), total=900))
        query = '((ti:reward OR abs:reward) AND cat:cs.*) ANDNOT ti:"a survey"'
        (part,) = search_newest(query, 5, upstreams, NOW)
        assert (len(part.sightings), part.done, part.total) == (5, 5, 5)
        (sent,) = request_params(loopback)
        assert sent["search_query"] == query
        assert (sent["sortBy"], sent["sortOrder"]) == ("submittedDate", "descending")
        assert (sent["start"], sent["max_results"]) == ("0", "5")

    def test_search_fetches_page_by_page(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        self.on(
            loopback,
            page(*numbered(range(1, PAGE_SIZE + 1)), total=130),
            page(*numbered(range(PAGE_SIZE + 1, 131)), total=130, start=PAGE_SIZE),
        )
        parts = list(search_newest("all:x", 250, upstreams, NOW))
        assert [(part.done, part.total) for part in parts] == [(100, 130), (130, 130)]
        assert [sent["start"] for sent in request_params(loopback)] == ["0", "100"]
        assert len({s.id for part in parts for s in part.sightings}) == 130

    def test_failing_page_keeps_earlier_ones(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        self.on(
            loopback,
            page(*numbered(range(1, PAGE_SIZE + 1)), total=130),
            page(total=130, start=100),
        )
        parts = search_newest("all:x", 130, upstreams, NOW)
        assert len(next(parts).sightings) == PAGE_SIZE
        with pytest.raises(SourceIncomplete, match="0 of 30"):
            next(parts)

    def test_repeated_page_is_incomplete(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        first = numbered(range(1, PAGE_SIZE + 1))
        self.on(loopback, page(*first, total=200), page(*first, total=200, start=PAGE_SIZE))
        parts = search_newest("all:x", 200, upstreams, NOW)
        next(parts)
        with pytest.raises(SourceIncomplete, match="repeats"):
            next(parts)


class ApiById:
    """An API that knows some ids, and replies 400 to a batch with a bad one."""

    def __init__(
        self, loopback: Loopback, known_ids: Iterable[str], bad: Iterable[str] = ()
    ) -> None:
        self.known_ids, self.bad = set(known_ids), set(bad)
        loopback.next_reply = self.reply_to  # type: ignore[method-assign]

    def reply_to(self, path: str) -> ScriptedReply:
        ids = parse_qs(urlsplit(path).query)["id_list"][0].split(",")
        if self.bad & set(ids):
            return ScriptedReply(400, body=page(ERROR))
        found = [entry(id=f"http://arxiv.org/abs/{id}v1") for id in ids if id in self.known_ids]
        return ScriptedReply(body=page(*found))


def ids(*numbers: int) -> list[ArxivId]:
    return [ArxivId(202611, number) for number in numbers]


class TestByIds:
    def test_unknown_id_is_absent(self, loopback: Loopback, upstreams: UpstreamClients) -> None:
        ApiById(loopback, known_ids=["2611.00001", "2611.00003"])
        (part,) = fetch_by_ids(ids(1, 2, 3), upstreams, NOW)
        assert [s.id for s in part.sightings] == ids(1, 3)
        assert (part.record_count, part.done, part.total) == (2, 3, 3)

    def test_old_ids(self, loopback: Loopback, upstreams: UpstreamClients) -> None:
        ApiById(loopback, known_ids=["hep-th/9901001"])
        (part,) = fetch_by_ids([ArxivId.parse("hep-th/9901001")], upstreams, NOW)
        assert str(part.sightings[0].id) == "hep-th/9901001"

    def test_no_ids_send_no_request(self, loopback: Loopback, upstreams: UpstreamClients) -> None:
        assert list(fetch_by_ids([], upstreams, NOW)) == []
        assert loopback.requests == []

    def test_ids_are_fetched_in_batches(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        every = ids(*range(1, 251))
        ApiById(loopback, known_ids=map(str, every))
        parts = list(fetch_by_ids(every, upstreams, NOW))
        assert [(len(part.sightings), part.done) for part in parts] == [
            (100, 100),
            (100, 200),
            (50, 250),
        ]
        assert [sent["max_results"] for sent in request_params(loopback)] == ["100", "100", "50"]

    def test_one_bad_id_does_not_lose_the_batch(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        every = ids(*range(1, 101))
        ApiById(loopback, known_ids=map(str, every), bad=["2611.00042", "2611.00077"])
        parts = list(fetch_by_ids(every, upstreams, NOW))
        found = [s.id for part in parts for s in part.sightings]
        assert found == [id for id in every if id.number not in (42, 77)]
        assert [r.excerpt for part in parts for r in part.rejected] == ["2611.00042", "2611.00077"]
        assert parts[-1].done == 100
        assert len(loopback.requests) < 30

    def test_other_refusals_are_raised(
        self, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        loopback.reply_with("/api/query", ScriptedReply(403))
        with pytest.raises(SourceRefused, match="403"):
            list(fetch_by_ids(ids(1, 2, 3), upstreams, NOW))
        assert len(loopback.requests) == 1


class TestRecorded:
    TOTAL = 339
    """Entries in all recorded responses together, by `grep -o '<entry>'`, without the error entry.
    """

    def answers(self, recorded: Path) -> Iterable[tuple[str, int, bytes]]:
        """Yield name, status and body of every recorded response."""
        for path in sorted(recorded.glob("arxiv_api/*")):
            raw = path.read_bytes()
            if path.suffix == ".json":
                answer = json.loads(raw)
                yield path.name, answer["status_code"], answer["body"].encode()
            else:
                yield path.name, 200, raw

    def test_recorded_responses_parse_completely(
        self, recorded: Path, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        read = 0
        for name, status, body in self.answers(recorded):
            if status != 200:
                continue
            raw = ElementTree.fromstring(body).findall("{http://www.w3.org/2005/Atom}entry")
            loopback.reply_with("/api/query", ScriptedReply(body=self.from_the_start(body)))
            (part,) = search_newest("all:x", max(len(raw), 1), upstreams, NOW)
            assert (len(part.sightings), part.rejected) == (len(raw), ()), name
            for sighting, one in zip(part.sightings, raw, strict=True):
                self.check(sighting, one)
            read += len(raw)
        assert read == self.TOTAL

    def from_the_start(self, body: bytes) -> bytes:
        return re.sub(rb"(startIndex[^>]*>)\d+", rb"\g<1>0", body)

    def check(self, sighting: Sighting, entry: ElementTree.Element) -> None:
        """Compare a sighting with its entry as another parser reads it."""
        atom, arxiv = "{http://www.w3.org/2005/Atom}", "{http://arxiv.org/schemas/atom}"

        def text(name: str) -> str:
            return " ".join((entry.findtext(name) or "").split())

        primary = entry.find(f"{arxiv}primary_category")
        declared = {
            "title": text(f"{atom}title"),
            "abstract": text(f"{atom}summary"),
            "comment": text(f"{arxiv}comment"),
            "journal_ref": text(f"{arxiv}journal_ref"),
            "doi": text(f"{arxiv}doi"),
            "authors": tuple(
                " ".join((name.text or "").split()) for name in entry.iter(f"{atom}name")
            ),
            "submitted_at": datetime.fromisoformat(text(f"{atom}published")),
            "revised_at": datetime.fromisoformat(text(f"{atom}updated")),
        }
        assert {name: getattr(sighting, name) for name in declared} == declared
        assert text(f"{atom}id").endswith(f"/{sighting.id}v{sighting.version}")
        assert primary is not None
        assert sighting.categories[0] == primary.get("term")

    def test_recorded_error_is_refused(
        self, recorded: Path, loopback: Loopback, upstreams: UpstreamClients
    ) -> None:
        errors = [body for _, status, body in self.answers(recorded) if status == 400]
        assert len(errors) == 1
        with pytest.raises(SourceRefused, match="incorrect id format for abc"):
            api_page.check_api_page(errors[0], 0, 1, NOW)
        loopback.reply_with("/api/query", ScriptedReply(400, body=errors[0]))
        with pytest.raises(SourceRefused, match="incorrect id format for abc"):
            list(search_newest("all:x", 1, upstreams, NOW))
