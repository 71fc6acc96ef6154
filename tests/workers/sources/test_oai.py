from __future__ import annotations

import json
import re
import tarfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import SourceError, SourceGarbled, SourceIncomplete, SourceRefused
from papers.model.paper import Channel, Sighting
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.workers.sources.oai_documents import (
    FIRST,
    HEAD,
    MONDAY,
    VERSION,
    answer,
    document,
    record,
)
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.refusals import retry_after
from workers.sources.arxiv import oai
from workers.sources.arxiv.oai import HarvestPage, HarvestRange, oai_set, parse_harvest_page
from workers.sources.result import UpstreamClients

TUESDAY = "Tue, 17 Nov 2026 11:30:00 GMT"


def one(text: str) -> Sighting:
    harvest = parse_harvest_page(answer(text))
    assert not harvest.rejected
    (sighting,) = harvest.sightings
    return sighting


def test_record_in_full() -> None:
    sighting = one(
        record(
            FIRST + VERSION.format(2, TUESDAY, "15kb", "<source_type>D</source_type>"),
            "<comments>9 pages</comments><journal-ref>J. 1</journal-ref><doi>10.1/x</doi>"
            "<license>http://arxiv.org/licenses/nonexclusive-distrib/1.0/</license>",
        )
    )
    assert str(sighting.id) == "2611.00001"
    assert (sighting.source, sighting.channel, sighting.version) == ("arxiv", Channel.OAI, 2)
    assert (sighting.title, sighting.abstract, sighting.authors) == (
        "A Title",
        "Text.",
        ("A. Bo", "C. Do"),
    )
    assert sighting.categories == ("cs.CL", "cs.AI")
    assert (sighting.comment, sighting.journal_ref, sighting.doi) == ("9 pages", "J. 1", "10.1/x")
    assert sighting.license == "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"
    assert sighting.submitted_at == datetime(2026, 11, 16, 10, tzinfo=UTC)
    assert sighting.revised_at == datetime(2026, 11, 17, 11, 30, tzinfo=UTC)
    assert sighting.as_of == datetime(2026, 11, 18, tzinfo=UTC)
    assert not sighting.withdrawn


WITHDRAWN = (
    (FIRST, "", False),
    (FIRST + VERSION.format(2, TUESDAY, "0kb", ""), "", True),
    (FIRST + VERSION.format(2, TUESDAY, "1kb", "<source_type>I</source_type>"), "", True),
    (VERSION.format(1, MONDAY, "0kb", "") + VERSION.format(2, TUESDAY, "9kb", ""), "", False),
    (FIRST, "<comments>This paper has been withdrawn by the authors</comments>", True),
    (FIRST, "<comments>withdrawn from a conference</comments>", False),
)


@pytest.mark.parametrize(("versions", "more", "withdrawn"), WITHDRAWN)
def test_withdrawal_by_newest_version_or_wording(versions: str, more: str, withdrawn: bool) -> None:
    assert one(record(versions, more)).withdrawn is withdrawn


def test_versions_are_sorted_by_number() -> None:
    sighting = one(
        record(VERSION.format(10, TUESDAY, "1kb", "") + VERSION.format(9, MONDAY, "1kb", ""))
    )
    assert sighting.version == 10
    assert sighting.submitted_at is None, "nobody said when version 1 was"


BAD = (
    (record(id="2024.12345"), "no arXiv id"),
    (record(versions=""), "names no version"),
    (record(VERSION.format(1, "yesterday", "1kb", "")), "unreadable time"),
    (record(VERSION.format("x", MONDAY, "1kb", "")), "a version 'x'"),
    (record().replace("A\n Title", " "), "no title"),
    (record().replace("2026-11-18", "soon"), "no readable datestamp"),
    (f"<record>{HEAD}</header></record>", "neither of arXiv's formats"),
    (f"<record>{HEAD}</header><metadata><dc/></metadata></record>", "neither of arXiv's formats"),
)


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_unreadable_record_is_rejected_alone(bad: str, reason: str) -> None:
    harvest = parse_harvest_page(answer(record(), bad, record(id="2611.00002")))
    assert [str(s.id) for s in harvest.sightings] == ["2611.00001", "2611.00002"]
    (rejected,) = harvest.rejected
    assert reason in rejected.reason


def test_deleted_records_are_counted_and_ignored() -> None:
    missing = "<record><header status='deleted'><identifier>x</identifier></header></record>"
    harvest = parse_harvest_page(answer(missing, record()))
    assert (harvest.deleted, len(harvest.sightings), harvest.record_count) == (1, 1, 2)


def test_control_characters_are_dropped() -> None:
    assert one(record().replace("Title", "Ti\x0btle")).title == "A Title"


def test_no_matching_records_is_an_empty_page() -> None:
    assert parse_harvest_page(document("<error code='noRecordsMatch'/>")) == HarvestPage()


def test_expired_token_is_recognized() -> None:
    assert parse_harvest_page(
        document("<error code='badResumptionToken'>expired</error>")
    ).token_expired


REFUSED = (
    (document("<error code='badArgument'>no such set</error>"), SourceRefused, "no such set"),
    (document("<error code='cannotDisseminateFormat'/>"), SourceRefused, "cannotDisseminate"),
    (document("<Identify/>"), SourceGarbled, "no list of records"),
    (b"<html><title>Sorry</title></html>", SourceGarbled, "Sorry"),
    (answer(record())[:-30], SourceIncomplete, "cut"),
    (answer(record()).replace(b"</title>", b""), SourceGarbled, "well-formed"),
    (
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + answer(record().replace("Title", "&b;")),
        SourceGarbled,
        "DOCTYPE",
    ),
)


@pytest.mark.parametrize(("body", "error", "message"), REFUSED)
def test_invalid_pages_raise(body: bytes, error: type[SourceError], message: str) -> None:
    with pytest.raises(error, match=message):
        parse_harvest_page(body)


SETS = (
    ("cs.AI", "cs:cs:AI"),
    ("stat.ML", "stat:stat:ML"),
    ("math.AG", "math:math:AG"),
    ("astro-ph.CO", "physics:astro-ph:CO"),
    ("physics.optics", "physics:physics:optics"),
    ("hep-th", "physics:hep-th"),
    ("math-ph", "physics:math-ph"),
)


@pytest.mark.parametrize(("category", "expected"), SETS)
def test_oai_sets(category: str, expected: str) -> None:
    assert oai_set(category) == expected


def turned_to(upstream: Upstream, redis: Redis) -> UpstreamClients:
    return UpstreamClients.from_settings(redis, Settings(**upstream.settings(arxiv_interval=0.0)))


def test_harvest_follows_tokens_to_the_end(redis: Redis) -> None:
    with Upstream(oai_page=2) as upstream:
        ids = [upstream.announce(Manuscript(title=f"Paper {n}")) for n in range(5)]
        ways = turned_to(upstream, redis)
        pages = list(oai.harvest_pages(HarvestRange(upstream.today), ways, upstream.now))
        assert [page.record_count for page in pages] == [2, 2, 1]
        assert [s.id for page in pages for s in page.sightings] == ids
        assert {page.total for page in pages} == {5}


def test_request_has_set_and_days(redis: Redis) -> None:
    with Upstream() as upstream:
        upstream.announce(Manuscript(title="Language", categories=("cs.CL", "cs.AI")))
        upstream.announce(Manuscript(title="Strings", categories=("hep-th",)))
        ways, today = turned_to(upstream, redis), upstream.today
        counts = {
            name: sum(
                p.record_count
                for p in oai.harvest_pages(HarvestRange(today, set=name), ways, upstream.now)
            )
            for name in ("cs:cs:AI", "cs", "physics:hep-th", "physics", "math", "")
        }
        assert counts == {
            "cs:cs:AI": 1,
            "cs": 1,
            "physics:hep-th": 1,
            "physics": 1,
            "math": 0,
            "": 2,
        }
        before = HarvestRange(date(2020, 1, 1), today - timedelta(days=1))
        assert [page.record_count for page in oai.harvest_pages(before, ways, upstream.now)] == [0]


def test_refusal_backs_off_all_arxiv_requests(redis: Redis) -> None:
    with Upstream() as upstream:
        ways = turned_to(upstream, redis)
        upstream.fail(503, "/oai", times=1, retry_after=300)
        with pytest.raises(SourceRefused) as refused:
            list(oai.harvest_pages(HarvestRange(upstream.today), ways, upstream.now))
        assert (refused.value.status, refused.value.retry_after) == (503, 300.0)
        with (
            pytest.raises(SourceRefused, match="hold off"),
            ArxivRateLimiter(redis, 0.0).acquire(max_wait=0),
        ):
            pytest.fail("arXiv requests are not backed off")


@pytest.mark.parametrize("fault", ["half", "html", "empty", "cut", "reset", "bomb"])
def test_faults_raise_and_never_end_a_harvest(fault: str, redis: Redis) -> None:
    with Upstream() as upstream:
        upstream.announce(Manuscript(title="A Small Thing"))
        upstream.fail(fault, "/oai")
        with pytest.raises(SourceError):
            list(
                oai.harvest_pages(
                    HarvestRange(upstream.today), turned_to(upstream, redis), upstream.now
                )
            )


RECORDED = ("mispy_arXivRaw_1000.xml", "shishir_cs_001.xml", "shishir_cs_103.xml")


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_pages_parse_completely(name: str, recorded: Path) -> None:
    text = (recorded / "oai" / name).read_text("utf-8")
    harvest = parse_harvest_page(text.encode())
    assert not harvest.rejected
    ids = re.findall(r"^ <id>([^<]+)</id>", text, re.MULTILINE)
    assert [str(s.id) for s in harvest.sightings] == [re.sub(r"\.[A-Z]{2}/", "/", id) for id in ids]
    assert harvest.record_count == text.count("<record>")
    assert f">{harvest.token}</resumptionToken>" in text
    assert all(s.title and s.abstract and s.authors and s.categories for s in harvest.sightings)


def test_recorded_versions_are_numbered_correctly(recorded: Path) -> None:
    text = (recorded / "oai" / "mispy_arXivRaw_1000.xml").read_text("utf-8")
    entries = text.split("<record>")[1:]
    sightings = parse_harvest_page(text.encode()).sightings
    assert [s.version for s in sightings] == [entry.count("<version version=") for entry in entries]
    last = [entry.rpartition("<version ")[2] for entry in entries]
    marked = {n for n, entry in enumerate(last) if ">0kb<" in entry or "<source_type>I" in entry}
    withdrawn = {n for n, sighting in enumerate(sightings) if sighting.withdrawn}
    assert marked
    assert marked <= withdrawn
    assert all("withdr" in entries[n].lower() for n in withdrawn - marked)


def test_recorded_separate_authors_are_all_parsed(recorded: Path) -> None:
    text = (recorded / "oai" / "shishir_cs_001.xml").read_text("utf-8")
    entries = text.split("<record>")[1:]
    counts = [len(sighting.authors) for sighting in parse_harvest_page(text.encode()).sightings]
    assert counts == [entry.count("<keyname>") for entry in entries]


def test_recorded_flow_control_and_retry(recorded: Path, now: datetime) -> None:
    (path,) = (recorded / "oai").glob("paperhive*.json")
    refused, results = json.loads(path.read_text("utf-8"))
    headers = dict(zip(refused["rawHeaders"][::2], refused["rawHeaders"][1::2], strict=True))
    assert (refused["status"], retry_after(headers, now)) == (503, 10.0)
    harvest = parse_harvest_page(results["response"].encode())
    assert harvest.record_count == len(harvest.sightings) == results["response"].count("<record>")


ERRORS = {
    "badArgument.xml": SourceRefused,
    "cannotDisseminateFormat.xml": SourceRefused,
    "idDoesNotExist.xml": SourceRefused,
    "noSetHierarchy.xml": SourceRefused,
    "undefinedError.xml": SourceRefused,
    "Identify.xml": SourceGarbled,
    "ListSets.xml": SourceGarbled,
    "ListRecordsBroken.xml": SourceError,
}


@pytest.fixture
def samples(recorded: Path) -> dict[str, bytes]:
    with tarfile.open(recorded / "oai" / "sickle_sample_data.tar.xz") as archive:
        files = {m.name.rpartition("/")[2]: archive.extractfile(m) for m in archive if m.isfile()}
        return {name: file.read() for name, file in files.items() if file}


@pytest.mark.parametrize("name", ERRORS)
def test_error_samples_of_another_client(name: str, samples: dict[str, bytes]) -> None:
    with pytest.raises(ERRORS[name]):
        parse_harvest_page(samples[name])


def test_other_samples_of_another_client(samples: dict[str, bytes]) -> None:
    assert parse_harvest_page(samples["noRecordsMatch.xml"]) == HarvestPage()
    assert parse_harvest_page(samples["badResumptionToken.xml"]).token_expired
    for name in ("ListRecords.xml", "ListRecords2.xml", "ListRecords3.xml"):
        harvest = parse_harvest_page(samples[name])
        assert harvest.record_count == len(re.findall(rb"<record\b", samples[name])), name
        assert not harvest.sightings, "no record of arXiv's is in them"
