"""Controls of pages: the state in a URL, the Subscribe menu, the plot of matches."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from redis import Redis

from papers.errors import BadParameter
from papers.search.counts import MatchCounts, MonthCount
from papers.state.initial_fetches import InitialFetchStatus
from papers.state.keyword_record import initial_fetch_task
from papers.state.keywords import Keywords
from papers.state.task_states import Progress, TaskState, TaskStates, TaskStatus
from service.pages.controls.first_fetch import UNATTENDED_AFTER, first_fetch
from service.pages.controls.match_plot import fetched_since, match_plot, small_week_plot
from service.pages.controls.page_state import FeedChoice, PageState, parse_page_state
from service.pages.parts.reader_links import is_public_url, reader_links
from tests.service.conftest import SITE, Announce
from tests.service.made import NOW, SECOND, make_pick, make_sighting
from tests.service.pages.browsing import page

UNTIL = date(2026, 11, 27)
MONTHS = (202608, 202609, 202610, 202611)


@pytest.fixture(autouse=True)
def in_app(client: FlaskClient) -> None:
    """Dates are formatted for the year of the app's clock."""
    client.application.app_context().push()


@pytest.mark.parametrize(
    "state",
    [
        PageState(),
        PageState("full"),
        PageState(feed=FeedChoice()),
        PageState("full", FeedChoice("picked", "each", "rss")),
        PageState(feed=FeedChoice("all", "week", "json")),
    ],
)
def test_state_of_a_page_is_in_its_url(state: PageState) -> None:
    path = state.path("/k/x?q=1")
    args = dict(parse_qsl(path.partition("?")[2]))
    assert args.pop("q") == "1"
    assert parse_page_state(args) == state


@pytest.mark.parametrize("args", [{"view": "wide"}, {"feed": "xml"}, {"feed": "atom-hourly"}])
def test_unknown_state_is_rejected_with_what_there_is(args: dict[str, str]) -> None:
    with pytest.raises(BadParameter, match="is none; there"):
        parse_page_state(args)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("feed", "address"),
    [
        ("atom", "/feeds/reward-model.atom"),
        ("rss", "/feeds/reward-model.rss"),
        ("picked-atom", "/feeds/reward-model.atom?when=picked"),
        ("code-json", "/feeds/reward-model.json?when=code"),
        ("all-day-atom", "/feeds/reward-model.atom?digest=day"),
        ("all-week-rss", "/feeds/reward-model.rss?digest=week"),
    ],
)
def test_menu_has_the_address_of_its_choices(client: FlaskClient, feed: str, address: str) -> None:
    soup = page(client, f"/k/reward-model?feed={feed}")
    (menu,) = soup.select("details.subscribe[open]")
    assert menu.select(".address input")[0]["value"] == SITE + address
    assert client.get(address).status_code == 200
    assert len(menu.select(".choice [aria-current]")) == 3
    for link in menu.select(".choice a"):
        assert client.get(str(link["href"])).status_code == 200


def test_menu_of_a_filtered_search_keeps_its_filters(
    client: FlaskClient, announce: Announce
) -> None:
    announce([make_sighting(1), make_pick(1)])
    soup = page(client, "/search?q=reward&types=new&feed=picked-rss")
    (field,) = soup.select("details.subscribe .address input")
    assert field["value"] == f"{SITE}/feeds/search.rss?q=reward&types=new&when=picked"


@pytest.mark.parametrize(
    ("url", "is_public"),
    [
        ("https://wire.example/feeds/x.atom", True),
        ("https://8.8.8.8/x", True),
        ("http://127.0.0.1:8000/x", False),
        ("http://[::1]:8000/x", False),
        ("http://192.168.1.4/x", False),
        ("http://100.64.0.1/x", False),
        ("http://localhost:8000/x", False),
        ("http://nas/x", False),
        ("http://nas.local./x", False),
        ("http://wire.home.arpa/x", False),
    ],
)
def test_readers_on_the_web_are_offered_for_public_addresses(url: str, is_public: bool) -> None:
    assert is_public_url(url) is is_public
    names = [name for name, _ in reader_links(url)]
    assert ("Feedly" in names) is is_public
    assert "The reader on this device" in names


def counts(months: tuple[int, ...], weeks: tuple[int, ...]) -> MatchCounts:
    each = tuple(MonthCount(m, n) for m, n in zip(MONTHS, months, strict=True))
    return MatchCounts(UNTIL, weeks[-1], sum(weeks[-4:]), sum(months), each, True, weeks)


def test_months_are_plotted_where_four_are_held() -> None:
    plot = match_plot(counts((4, 0, 8, 2), (1,) * 8), date(2026, 8, 1))
    assert plot is not None
    assert (plot.unit, plot.not_held) == ("month", 0.0)
    assert [(bar.name, bar.papers) for bar in plot.bars] == [
        ("Aug 2026", 4),
        ("Sep 2026", 0),
        ("Oct 2026", 8),
        ("Nov 2026", 2),
    ]
    assert plot.bars[1].height == 0, "held, and none: no bar"
    assert plot.bars[2].height == max(bar.height for bar in plot.bars)


def test_what_is_not_held_is_no_bar_but_marked() -> None:
    plot = match_plot(counts((0, 0, 0, 9), (0, 0, 0, 0, 1, 2, 3, 3)), UNTIL - timedelta(days=15))
    assert plot is not None
    assert (plot.unit, [bar.papers for bar in plot.bars]) == ("week", [3, 3])
    assert plot.not_held > 0
    assert plot.bars[0].x >= plot.not_held


@pytest.mark.parametrize(
    ("months", "since"),
    [
        ((0, 3, 1, 2), date(2026, 10, 1)),
        ((3, 0, 0, 2), date(2026, 9, 1)),
        ((0, 0, 0, 2), None),
        ((0, 0, 0, 0), None),
    ],
)
def test_month_in_which_an_initial_fetch_may_have_ended_is_not_held(
    months: tuple[int, ...], since: date | None
) -> None:
    assert fetched_since(counts(months, (0,) * 8)) == since


@pytest.mark.parametrize(
    ("weeks", "held_days"), [((0, 0, 0, 0, 1, 1, 1, 1), 60), ((5,) * 8, 10), ((5,) * 8, 0)]
)
def test_plot_that_says_nothing_is_left_out(weeks: tuple[int, ...], held_days: int) -> None:
    held_since = UNTIL - timedelta(days=held_days)
    assert match_plot(counts((0, 0, 0, 4), weeks), held_since) is None
    assert small_week_plot(counts((0, 0, 0, 4), weeks), held_since) == ()


def test_small_plot_has_the_last_four_weeks() -> None:
    bars = small_week_plot(counts((0, 0, 0, 9), (9, 9, 9, 9, 0, 2, 4, 3)), date(2026, 10, 30))
    assert [bar.papers for bar in bars] == [0, 2, 4, 3]
    assert small_week_plot(counts((0, 0, 0, 9), (9,) * 8), date(2026, 11, 1)) == ()


def status(due: int = 0, **values: object) -> InitialFetchStatus:
    return InitialFetchStatus(due_at=NOW - due * SECOND, **values)  # type: ignore[arg-type]


def test_fetch_that_waits_is_watched_for_some_minutes() -> None:
    waiting = first_fetch(status(due=5), NOW)
    assert waiting is not None
    assert waiting.is_watched
    late = first_fetch(status(due=int(UNATTENDED_AFTER.total_seconds()) + 1), NOW)
    assert late is not None
    assert not late.is_watched
    assert first_fetch(InitialFetchStatus(), NOW) is None


def test_fetch_says_how_long_it_takes() -> None:
    run = Progress("fill:x", 50, 200, NOW - 10 * SECOND, NOW)
    found = first_fetch(status(progress=run), NOW)
    assert found is not None
    assert found.seconds_left == 30


def test_failed_fetch_says_why_and_when_the_next_is() -> None:
    state = TaskState("fill:x", TaskStatus.FAILING, NOW, NOW, failures=1, said="no route to host")
    found = first_fetch(InitialFetchStatus(state, NOW + 60 * SECOND), NOW)
    assert found is not None
    assert (found.failure, found.is_watched) == ("no route to host", False)
    assert found.next_at.startswith("Sat 21 Nov, ")


def test_fetch_that_succeeded_is_over() -> None:
    state = TaskState("fill:x", TaskStatus.OK, NOW, NOW, succeeded_at=NOW)
    assert first_fetch(InitialFetchStatus(state, NOW), NOW) is None


def test_page_of_a_keyword_follows_its_first_fetch(client: FlaskClient, redis: Redis) -> None:
    now = datetime.now(UTC)
    Keywords(redis).add("Fish", "fish", now=now)
    states, task = TaskStates(redis), initial_fetch_task("fish")

    def shown() -> tuple[str, str]:
        answer = client.get("/k/fish")
        soup = BeautifulSoup(answer.data, "html.parser")
        fill = " ".join(part.get_text(" ", strip=True) for part in soup.select(".fill"))
        assert bool(soup.select("noscript meta")) == bool(soup.select("[data-poll]"))
        return fill, answer.headers["Cache-Control"]

    fill, cache_control = shown()
    assert "Waits for its turn" in fill
    assert cache_control == "no-cache"
    states.save_progress(Progress(task, 50, 200, now - 10 * SECOND, now))
    assert "50 of 200 papers, about 30 seconds left" in shown()[0]
    assert "50 of 200" in client.get("/k/fish/fetch").text
    failed = TaskState(task, TaskStatus.FAILING, now, now, failures=1, said="no route to host")
    states.save(failed)
    states.delete_progress(task)
    fill, _ = shown()
    assert "No route to host" in fill
    assert "Waits" not in fill
    states.save(TaskState(task, TaskStatus.OK, now, now, succeeded_at=now))
    states.unschedule(task)
    assert shown() == ("", "public, max-age=60")
    assert "data-over" in client.get("/k/fish/fetch").text


def test_fetch_of_a_keyword_that_is_not_saved_is_missing(client: FlaskClient) -> None:
    assert client.get("/k/nope/fetch").status_code == 404


def test_no_network_is_said_once_on_every_page(client: FlaskClient, redis: Redis) -> None:
    now, states = datetime.now(UTC), TaskStates(redis)
    for name in ("announcements:cs.AI", "announcements:cs.CL", "hf:today", "enrich"):
        states.save(TaskState(name, TaskStatus.FAILING, now, now))
    for path in ("/", "/k/reward-model", "/search?q=x", "/trending", "/daily/2026-11-03"):
        text = page(client, path).select("main")[0].get_text()
        assert text.count("No source answers since") == 1, path
        assert "Every source is well" not in text
