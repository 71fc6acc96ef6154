"""Each fault by name, as a client meets it."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
import requests

from paperwire.simulator.server import faults
from paperwire.simulator.server.faults import FAULTS
from paperwire.simulator.server.http_server import ScriptedServer
from paperwire.simulator.server.messages import SimulatorReply, SimulatorRequest
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript

FEED, API, DAILY = "/rss/atom/cs.CL", "/api/query?search_query=ti:moment", "/hf/api/daily_papers"
COMMUNITY = "/feeds/weekly.xml"
OAI = "/oai?verb=ListRecords&metadataPrefix=arXivRaw"
LATER = datetime(2026, 11, 18, 10, tzinfo=UTC)
MANUAL = Path(__file__).resolve().parents[3] / "docs" / "simulator.md"
WEDNESDAY = "2026-11-18T00:00:00-05:00"
Answer = requests.Response


@pytest.fixture
def world(upstream: Upstream) -> Upstream:
    """Three papers, each picked twice, announced on Wednesday; it is Thursday, with one more."""
    for _ in range(3):
        id = upstream.announce(Manuscript(title="A Moment"))
        upstream.pick(id)
        upstream.pick(id, "weekly")
    upstream.next_day()
    upstream.announce(Manuscript(title="A Day After"))
    return upstream


def get(world: Upstream, path: str, timeout: float = 10) -> Answer:
    headers = {"Accept-Encoding": "identity"}
    return requests.get(world.url + path, headers=headers, timeout=timeout)


def titles(answer: Answer) -> list[str]:
    return [entry.title for entry in feedparser.parse(answer.content).entries]


def dates(answer: Answer) -> set[str]:
    return {entry.published for entry in feedparser.parse(answer.content).entries}


def built(answer: Answer) -> str:
    return str(feedparser.parse(answer.content).feed.updated)[:10]


def refused_until(answer: Answer) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("Retry-After")


Row = tuple[str | int, dict[str, Any], str, Callable[[Answer], bool]]
ANSWERED: tuple[Row, ...] = (
    (503, {}, FEED, lambda a: refused_until(a) == (503, None)),
    (406, {}, FEED, lambda a: refused_until(a) == (406, None)),
    (429, {}, FEED, lambda a: refused_until(a) == (429, None)),
    (429, {"retry_after": 7}, API, lambda a: refused_until(a) == (429, "7")),
    (
        429,
        {"retry_after": LATER},
        API,
        lambda a: refused_until(a) == (429, "Wed, 18 Nov 2026 10:00:00 GMT"),
    ),
    ("rate-exceeded", {}, API, lambda a: (a.status_code, a.text) == (200, "Rate exceeded.")),
    ("html", {}, FEED, lambda a: a.status_code == 200 and a.text.startswith("<!doctype html>")),
    ("empty", {}, FEED, lambda a: (a.status_code, a.content) == (200, b"")),
    ("half", {}, FEED, lambda a: a.status_code == 200 and b"</feed>" not in a.content),
    ("error-entry", {}, API, lambda a: (a.status_code, titles(a)) == (200, ["Error"])),
    ("error-entry", {"status": 400}, API, lambda a: a.status_code == 400),
    ("empty-page", {}, API, lambda a: b"Results>3<" in a.content and titles(a) == []),
    ("repeat", {}, f"{API}&start=2", lambda a: b"Index>2<" in a.content and len(titles(a)) == 3),
    ("stale", {}, FEED, lambda a: (built(a), dates(a)) == ("2026-11-19", {WEDNESDAY})),
    ("unpublished", {}, FEED, lambda a: (built(a), dates(a)) == ("2026-11-18", {WEDNESDAY})),
    ("future", {}, FEED, lambda a: dates(a) == {"2030-11-19T00:00:00-05:00"}),
    ("future", {}, COMMUNITY, lambda a: dates(a) == {"Wed, 18 Nov 2030 09:00:00 +0000"}),
    ("control-characters", {}, FEED, lambda a: b"\x0b\x01</title>" in a.content),
    ("hf-400", {}, DAILY, lambda a: a.status_code == 400 and "error" in a.json()),
    ("hf-429", {}, DAILY, lambda a: a.headers.get("RateLimit") == '"api";r=0;t=55'),
    ("hf-429", {"t": 3}, DAILY, lambda a: a.headers.get("RateLimit") == '"api";r=0;t=3'),
    ("strings", {}, DAILY, lambda a: {type(item) for item in a.json()} == {str}),
    ("missing-keys", {}, DAILY, lambda a: len({frozenset(item) for item in a.json()}) == 3),
    ("empty-weekend", {}, DAILY, lambda a: a.json() == []),
    ("thin", {}, COMMUNITY, lambda a: len(titles(a)) == 1),
    ("thin", {}, API, lambda a: b"Results>3<" in a.content and len(titles(a)) == 1),
    ("thin", {}, DAILY, lambda a: len(a.json()) == 1),
    ("thin", {}, OAI, lambda a: a.content.count(b"<record>") == 1),
    ("dates-now", {}, COMMUNITY, lambda a: dates(a) == {"Thu, 19 Nov 2026 09:00:00 +0000"}),
    ("bomb", {}, COMMUNITY, lambda a: b"<!DOCTYPE" in a.content and len(a.content) < 5000),
    ("deep", {}, COMMUNITY, lambda a: a.content.count(b"<b>") == 200_000),
    ("wide", {}, COMMUNITY, lambda a: a.content.count(b"='x'") > 90_000),
)


@pytest.mark.parametrize(("what", "options", "path", "expected"), ANSWERED)
def test_a_fault_as_answered(
    world: Upstream,
    what: str | int,
    options: dict[str, Any],
    path: str,
    expected: Callable[[Answer], bool],
) -> None:
    sound = get(world, path)
    assert not expected(sound)
    world.fail(what, **options)
    spoiled = get(world, path)
    assert expected(spoiled), spoiled.text[:1000]
    assert world.log[-1].fault == str(what)
    world.heal()
    assert get(world, path).content == sound.content


BROKEN = (
    ("cut", requests.exceptions.ChunkedEncodingError),
    ("reset", requests.exceptions.ConnectionError),
    ("refused", requests.exceptions.ConnectionError),
    ("hang", requests.exceptions.ReadTimeout),
    ("drip", requests.exceptions.ConnectionError),
    ("redirect", requests.exceptions.TooManyRedirects),
)


@pytest.mark.parametrize(("what", "error"), BROKEN)
def test_a_fault_that_breaks_the_connection(
    world: Upstream, what: str, error: type[Exception]
) -> None:
    address = world.url
    world.fail(what)
    with pytest.raises(error):
        get(world, FEED, timeout=0.3)
    world.heal()
    assert world.url == address
    assert titles(get(world, FEED)) == ["A Day After"]


def test_a_gzip_bomb_is_small_and_grows(world: Upstream) -> None:
    world.fail("gzip-bomb")
    packed = requests.get(world.url + COMMUNITY, stream=True, timeout=10)
    body = packed.raw.read(decode_content=False)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(body) < 1_000_000
    with gzip.open(io.BytesIO(body)) as grown:
        assert sum(len(part) for part in iter(lambda: grown.read(1 << 20), b"")) >= 300_000_000


def test_a_dripping_answer_arrives_at_last(world: Upstream) -> None:
    world.fail("drip", pause=0.0001)
    assert titles(get(world, FEED)) == ["A Day After"]
    assert len(world.requests_to("/rss")) == 1


def test_a_redirect_leads_where_it_is_told(world: Upstream) -> None:
    world.fail("redirect", "/rss", to=f"{world.url}{COMMUNITY}")
    assert get(world, FEED).url == f"{world.url}{COMMUNITY}"


def test_a_hanging_client_that_gives_up_is_noticed(world: Upstream) -> None:
    world.fail("hang")
    with pytest.raises(requests.exceptions.ReadTimeout):
        get(world, FEED, timeout=0.1)
    deadline = time.monotonic() + 5
    while world.log[-1].ended is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert world.log[-1].ended is not None


def test_healing_lets_a_hanging_client_go(world: Upstream) -> None:
    world.fail("hang")
    errors: list[Exception] = []

    def ask() -> None:
        try:
            get(world, FEED)
        except requests.exceptions.ConnectionError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not world.log:
        time.sleep(0.005)
    assert world.log[-1].ended is None
    world.heal()
    thread.join(5)
    assert len(errors) == 1


def test_faults_take_turns_and_keep_to_their_path(world: Upstream) -> None:
    world.fail(503, "/rss", times=2)
    world.fail(406, "/rss", times=1)
    assert [get(world, FEED).status_code for _ in range(4)] == [503, 503, 406, 200]
    world.fail("empty", "/api")
    assert get(world, DAILY).json()
    assert get(world, API).content == b""


def test_there_are_no_other_faults(world: Upstream) -> None:
    with pytest.raises(ValueError, match="no fault 'bad-mood': there are bomb, "):
        world.fail("bad-mood")
    with pytest.raises(TypeError):
        world.fail("html", pause=1)


def test_every_fault_is_tested_and_explained() -> None:
    tried = {what for what, *_ in (*ANSWERED, *BROKEN)} | {"gzip-bomb"}
    assert set(FAULTS) <= tried
    for name in FAULTS:
        assert f"| `{name}` |" in (faults.__doc__ or "")
        assert f"`{name}`" in MANUAL.read_text("utf-8")


def test_a_mistake_inside_an_answer_is_not_swallowed() -> None:
    def answer(request: SimulatorRequest) -> SimulatorReply:
        return SimulatorReply(json.dumps({"": 1 / 0}).encode())

    site = ScriptedServer(answer, lambda: LATER)
    site.listen()
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(site.url, timeout=5)
    with pytest.raises(ZeroDivisionError):
        site.close()
