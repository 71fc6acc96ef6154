from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from jinja2 import UndefinedError
from redis import Redis

import service.pages
from papers.state.task_states import Progress, TaskState, TaskStates, TaskStatus
from papers.telemetry.metric_recorder import MetricRecorder
from papers.telemetry.metric_table import ANNOUNCEMENT_SECONDS
from service.markup.day_format import format_day
from service.pages import PAGES
from tests.service.conftest import SITE, Announce
from tests.service.made import FIRST_ANNOUNCED, NOW, SECOND, make_pick, make_revision, make_sighting
from tests.service.pages.browsing import page

ACKNOWLEDGMENT = "Thank you to arXiv for use of its open access interoperability."


def feeds(soup: Any) -> list[tuple[str, str]]:
    links = soup.find_all("link", rel="alternate")
    return [(str(link["type"]), str(link["href"])) for link in links]


@pytest.mark.usefixtures("three")
def test_home_shows_keywords_papers_feeds_and_the_acknowledgment(client: FlaskClient) -> None:
    soup = page(client, "/")
    (card,) = soup.select(".card")
    assert card.h3.get_text() == "Reward Model"
    assert card.select(".count")[0].get_text() == "1 new"
    titles = [link.get_text() for link in card.select(".card > ul a")]
    assert titles == [f"Reward model number {number}" for number in (3, 2)]
    assert feeds(soup) == [
        ("application/atom+xml", "/feeds/reward-model.atom"),
        ("application/rss+xml", "/feeds/reward-model.rss"),
        ("application/feed+json", "/feeds/reward-model.json"),
    ]
    assert ACKNOWLEDGMENT in soup.get_text()
    form = soup.find("form")
    assert (form["action"], form.find("input")["name"]) == ("/search", "q")


def test_pages_are_cached_for_a_minute(client: FlaskClient) -> None:
    for path in ("/", "/trending", "/search?q=reward"):
        assert client.get(path).headers["Cache-Control"] == "public, max-age=60"


def test_home_without_papers(client: FlaskClient) -> None:
    soup = page(client, "/")
    assert "The first papers are on their way." in soup.get_text()
    assert "No source has been fetched yet." in soup.get_text()


def test_home_summarizes_the_sources(client: FlaskClient, redis: Redis) -> None:
    states, now = TaskStates(redis), datetime.now(UTC)
    states.save(TaskState("announcements:cs.AI", TaskStatus.OK, now, now))
    assert "Every source is well." in page(client, "/").get_text()
    states.save(TaskState("hf:today", TaskStatus.FAILING, now, now))
    soup = page(client, "/")
    since = format_day(now, now.year)
    assert f"Hugging Face Daily Papers is not answering since {since}" in soup.get_text()
    assert not soup.select(".ok")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("path", ["/k/reward-model", "/search?q=%22reward+model%22"])
def test_page_of_a_keyword_lists_its_papers_and_feeds(client: FlaskClient, path: str) -> None:
    soup = page(client, path)
    assert [h.get_text() for h in soup.find_all("h3")] == [
        f"Reward model number {number}" for number in (3, 2, 1)
    ]
    assert feeds(soup)[0][0] == "application/atom+xml"
    for _, href in feeds(soup):
        assert client.get(href).status_code == 200
    assert soup.find("link", rel="canonical")["href"] == SITE + path
    assert soup.find(id="subscribe-url")["value"].startswith(f"{SITE}/feeds/")
    days = [time["datetime"] for time in soup.select(".names time")]
    assert days == ["2026-11-04", "2026-11-03", "2026-11-02"]


def test_papers_of_a_day_are_one_group_in_any_order_of_ids(
    client: FlaskClient, announce: Announce
) -> None:
    same = {"announced_at": FIRST_ANNOUNCED}
    announce([make_sighting(1), make_sighting(2), make_sighting(3, **same)])
    announce([make_sighting(4, **same)])
    soup = page(client, "/k/reward-model")
    days = soup.select(".list section[aria-labelledby]")
    assert [day.h2.time["datetime"] for day in days] == ["2026-11-03", "2026-11-02"]
    assert [len(day.select("article")) for day in days] == [1, 3]
    assert not soup.select(".names time"), "the heading says the day"


@pytest.mark.usefixtures("three")
def test_feed_and_page_link_to_each_other(client: FlaskClient) -> None:
    for name in ("reward-model.atom", "search.atom?q=%22reward+model%22"):
        body = client.get(f"/feeds/{name}").text
        (href,) = re.findall(r'<link href="([^"]+)" rel="alternate" type="text/html"/>', body)
        linked = [link for _, link in feeds(page(client, href.removeprefix(SITE)))]
        assert f"/feeds/{name}" in linked


@pytest.mark.usefixtures("three")
def test_older_papers_are_on_the_next_page(client: FlaskClient) -> None:
    soup = page(client, "/k/reward-model?n=2")
    older = page(client, str(soup.find("a", rel="next")["href"]))
    assert [h.get_text() for h in older.find_all("h3")] == ["Reward model number 1"]
    assert older.find("a", rel="next") is None


def test_page_of_picked_papers(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1), make_sighting(2), make_pick(1)])
    everything = page(client, "/k/reward-model")
    (only,) = [a for a in everything.select(".chips a") if "picked only" in a.get_text()]
    soup = page(client, str(only["href"]))
    assert soup.find("h1").get_text() == "Reward Model, picked"
    assert [h.get_text() for h in soup.find_all("h3")] == ["Reward model number 1"]
    assert "5 votes" in soup.get_text()


def test_upstream_text_is_escaped(client: FlaskClient, announce: Announce) -> None:
    announce(
        [make_sighting(1, title="<script>alert('reward model')</script>", abstract="<b>x</b>")]
    )
    soup = page(client, "/k/reward-model")
    assert {script.get_text() for script in soup.find_all("script")} == {""}
    assert soup.find("h3").get_text() == "<script>alert('reward model')</script>"
    assert soup.find("b") is None
    scripts = len(soup.find_all("script"))
    echoed = client.get("/search?q=%22%3Cscript%3E").text
    assert echoed.count("<script") == scripts


def test_withdrawn_paper_is_marked(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1), make_revision(1, 2, withdrawn=True)])
    soup = page(client, "/k/reward-model")
    assert soup.find("h3").get_text() == "[Withdrawn] Reward model number 1"
    assert soup.find("article", class_="withdrawn")


def test_search_without_a_query_explains_the_language(client: FlaskClient) -> None:
    soup = page(client, "/search")
    examples = [str(a["href"]) for a in soup.select("table a")]
    assert len(examples) > 5
    for example in examples:
        assert client.get(example, follow_redirects=True).status_code == 200


def test_rejected_query_stays_in_the_search_box(client: FlaskClient) -> None:
    answer = client.get("/search?q=%28reward")
    assert answer.status_code == 400
    (box,) = BeautifulSoup(answer.data, "html.parser").select("input#q")
    assert box["value"] == "(reward"


def test_status_shows_states_and_progress(client: FlaskClient, redis: Redis) -> None:
    states = TaskStates(redis)
    states.save(TaskState("community:ours", TaskStatus.STALE, NOW, NOW, said="of yesterday"))
    states.save_progress(Progress("fill:x", 50, 200, NOW, NOW + 10 * SECOND))
    text = " ".join(page(client, "/status").get_text().split())
    assert "ours stale" in text
    assert "first papers of x: 50 of 200 papers, 5.0 a second" in text


@pytest.mark.usefixtures("three")
def test_status_plots_papers_per_day_and_shows_the_workload(
    client: FlaskClient, announce: Announce, redis: Redis
) -> None:
    announce([make_pick(3)])
    redis.sadd("rq:workers", "rq:worker:one", "rq:worker:two", "rq:worker:gone")
    redis.mset({"rq:worker:one": "", "rq:worker:two": ""})
    soup = page(client, "/status")
    figures = {d.dt.get_text(): d.dd.get_text() for d in soup.select(".figures div")}
    assert (figures["papers kept"], figures["workers"], figures["waiting"]) == ("3", "2", "0")
    assert "no scheduler ticks" in soup.get_text()
    arxiv, hf = (plot["aria-label"] for plot in soup.select(".plots svg"))
    assert arxiv.endswith("Mon 2 Nov 2026 1, Tue 3 Nov 2026 1, Wed 4 Nov 2026 1")
    assert hf.endswith("Tue 3 Nov 2026 0, Wed 4 Nov 2026 1")


@pytest.mark.usefixtures("three")
def test_pages_while_the_store_is_away(client: FlaskClient, away: Flask) -> None:
    before = client.get("/").data
    gone = away.test_client()
    answer = gone.get("/")
    assert (answer.status_code, answer.data) == (200, before)
    assert gone.get("/k/reward-model").status_code == 503
    assert gone.get("/search").status_code == 200
    assert gone.get("/healthz").json == {"status": "ok", "store": "away"}


def test_status_shows_maintenance_apart_from_sources(client: FlaskClient, redis: Redis) -> None:
    states = TaskStates(redis)
    for name in ("announcements:cs.AI", "hf:today", "community:ours", "mail:day:x", "retention"):
        states.save(TaskState(name, TaskStatus.OK, NOW, NOW))
    tables = {
        region["aria-label"]: [row.th.get_text() for row in region.select("tbody tr")]
        for region in page(client, "/status").select("[role=region][aria-label]")
        if region.table
    }
    assert list(tables) == ["Sources", "Maintenance and notifications"]
    assert len(tables["Sources"]) == 3
    assert tables["Maintenance and notifications"] == ["e-mail of day, x", "retention"]


def test_status_without_other_tasks_has_no_table_of_them(client: FlaskClient) -> None:
    assert "Maintenance and notifications" not in page(client, "/status").get_text()


def test_every_module_of_a_page_is_a_row() -> None:
    folder = Path(service.pages.__file__).parent
    paths = [*folder.glob("*.py"), *(folder / "manage").glob("*.py")]
    modules = {
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in paths
        if path.stem != "__init__"
    }
    assert sorted(row.module for row in PAGES) == sorted(modules)


def test_navigation_is_rendered_from_the_table(client: FlaskClient) -> None:
    links = [link for row in PAGES for link in row.links]
    assert {link.section for link in links} == {"masthead", "footer", "manage"}
    soup = page(client, "/manage")
    for section, selector in (
        ("masthead", "nav.sections a"),
        ("footer", "footer nav a"),
        ("manage", "nav.periods a"),
    ):
        labels = [link.label for link in links if link.section == section]
        shown = soup.select(selector)
        assert [a.get_text() for a in shown][: len(labels)] == labels
        for a in shown:
            assert client.get(a["href"]).status_code in (200, 302)
    (current,) = soup.select("nav.periods [aria-current=page]")
    assert current.get_text() == "Keywords"


def test_undefined_template_variables_are_errors(app: Flask) -> None:
    with app.app_context(), pytest.raises(UndefinedError):
        render_template_string("{{ missing }}")


def test_status_shows_the_delay_of_announcements(client: FlaskClient, redis: Redis) -> None:
    assert "from announcement to feed" not in page(client, "/status").get_text()
    recorder = MetricRecorder(redis)
    for seconds in (22.0, 35.0, 42.0, 80.0):
        recorder.observe(ANNOUNCEMENT_SECONDS, seconds)
    recorder.flush()
    shown = page(client, "/status")
    assert "from announcement to feed38 s" in shown.get_text()
    titles = [str(part["title"]) for part in shown.select("dl.figures div[title]")]
    assert titles == ["Median of 4; 95 % within 84 s"]
