"""Every fault, as a client sees it."""

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
MANUAL = Path(__file__).resolve().parents[3] / "docs" / "reference" / "simulator.md"
WEDNESDAY = "2026-11-18T00:00:00-05:00"
Response = requests.Response


@pytest.fixture
def world(upstream: Upstream) -> Upstream:
    """Three papers announced on Wednesday, each picked twice; one more today, on Thursday."""
    for _ in range(3):
        id = upstream.announce(Manuscript(title="A Moment"))
        upstream.pick(id)
        upstream.pick(id, "weekly")
    upstream.next_day()
    upstream.announce(Manuscript(title="A Day After"))
    return upstream


def get(world: Upstream, path: str, timeout: float = 10) -> Response:
    headers = {"Accept-Encoding": "identity"}
    return requests.get(world.url + path, headers=headers, timeout=timeout)


def titles(response: Response) -> list[str]:
    return [entry.title for entry in feedparser.parse(response.content).entries]


def dates(response: Response) -> set[str]:
    return {entry.published for entry in feedparser.parse(response.content).entries}


def built(response: Response) -> str:
    return str(feedparser.parse(response.content).feed.updated)[:10]


def refusal(response: Response) -> tuple[int, str | None]:
    return response.status_code, response.headers.get("Retry-After")


Row = tuple[str | int, dict[str, Any], str, Callable[[Response], bool]]
RESPONSES: tuple[Row, ...] = (
    (503, {}, FEED, lambda a: refusal(a) == (503, None)),
    (406, {}, FEED, lambda a: refusal(a) == (406, None)),
    (429, {}, FEED, lambda a: refusal(a) == (429, None)),
    (429, {"retry_after": 7}, API, lambda a: refusal(a) == (429, "7")),
    (
        429,
        {"retry_after": LATER},
        API,
        lambda a: refusal(a) == (429, "Wed, 18 Nov 2026 10:00:00 GMT"),
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


@pytest.mark.parametrize(("what", "options", "path", "expected"), RESPONSES)
def test_fault_changes_the_response_until_healed(
    world: Upstream,
    what: str | int,
    options: dict[str, Any],
    path: str,
    expected: Callable[[Response], bool],
) -> None:
    correct = get(world, path)
    assert not expected(correct)
    world.fail(what, **options)
    faulty = get(world, path)
    assert expected(faulty), faulty.text[:1000]
    assert world.log[-1].fault == str(what)
    world.heal()
    assert get(world, path).content == correct.content


CONNECTION_ERRORS = (
    ("cut", requests.exceptions.ChunkedEncodingError),
    ("reset", requests.exceptions.ConnectionError),
    ("refused", requests.exceptions.ConnectionError),
    ("hang", requests.exceptions.ReadTimeout),
    ("drip", requests.exceptions.ConnectionError),
    ("redirect", requests.exceptions.TooManyRedirects),
)


@pytest.mark.parametrize(("what", "error"), CONNECTION_ERRORS)
def test_fault_breaks_the_connection(world: Upstream, what: str, error: type[Exception]) -> None:
    address = world.url
    world.fail(what)
    with pytest.raises(error):
        get(world, FEED, timeout=0.3)
    world.heal()
    assert world.url == address
    assert titles(get(world, FEED)) == ["A Day After"]


def test_gzip_bomb_is_small_and_expands(world: Upstream) -> None:
    world.fail("gzip-bomb")
    packed = requests.get(world.url + COMMUNITY, stream=True, timeout=10)
    body = packed.raw.read(decode_content=False)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(body) < 1_000_000
    with gzip.open(io.BytesIO(body)) as expanded:
        assert sum(len(part) for part in iter(lambda: expanded.read(1 << 20), b"")) >= 300_000_000


def test_dripping_response_is_complete(world: Upstream) -> None:
    world.fail("drip", pause=0.0001)
    assert titles(get(world, FEED)) == ["A Day After"]
    assert len(world.requests_to("/rss")) == 1


def test_redirect_leads_to_the_given_address(world: Upstream) -> None:
    world.fail("redirect", "/rss", to=f"{world.url}{COMMUNITY}")
    assert get(world, FEED).url == f"{world.url}{COMMUNITY}"


def test_client_that_gives_up_is_logged(world: Upstream) -> None:
    world.fail("hang")
    with pytest.raises(requests.exceptions.ReadTimeout):
        get(world, FEED, timeout=0.1)
    deadline = time.monotonic() + 5
    while world.log[-1].ended is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert world.log[-1].ended is not None


def test_healing_ends_hanging_requests(world: Upstream) -> None:
    world.fail("hang")
    errors: list[Exception] = []

    def request() -> None:
        try:
            get(world, FEED)
        except requests.exceptions.ConnectionError as error:
            errors.append(error)

    thread = threading.Thread(target=request)
    thread.start()
    while not world.log:
        time.sleep(0.005)
    assert world.log[-1].ended is None
    world.heal()
    thread.join(5)
    assert len(errors) == 1


def test_faults_apply_in_order_and_only_to_their_path(world: Upstream) -> None:
    world.fail(503, "/rss", times=2)
    world.fail(406, "/rss", times=1)
    assert [get(world, FEED).status_code for _ in range(4)] == [503, 503, 406, 200]
    world.fail("empty", "/api")
    assert get(world, DAILY).json()
    assert get(world, API).content == b""


def test_unknown_faults_and_options_are_refused(world: Upstream) -> None:
    with pytest.raises(ValueError, match="no fault 'bad-mood': there are bomb, "):
        world.fail("bad-mood")
    with pytest.raises(TypeError):
        world.fail("html", pause=1)


def test_every_fault_is_tested_and_documented() -> None:
    tested = {what for what, *_ in (*RESPONSES, *CONNECTION_ERRORS)} | {"gzip-bomb"}
    assert set(FAULTS) <= tested
    for name in FAULTS:
        assert f"| `{name}` |" in (faults.__doc__ or "")
        assert f"`{name}`" in MANUAL.read_text("utf-8")


def test_exception_in_a_responder_is_raised() -> None:
    def respond(request: SimulatorRequest) -> SimulatorReply:
        return SimulatorReply(json.dumps({"": 1 / 0}).encode())

    server = ScriptedServer(respond, lambda: LATER)
    server.listen()
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.url, timeout=5)
    with pytest.raises(ZeroDivisionError):
        server.close()
