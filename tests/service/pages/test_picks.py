from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from struct import pack
from typing import Any
from urllib.parse import quote_plus

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from papers.config.settings import Settings
from papers.thumbnails.thumbnail_folder import ThumbnailFolder, thumbnail_name
from service import create_app
from service.pages.picks import MAX_SHOWN_PICKS
from tests.service.conftest import SITE, Announce
from tests.service.made import FIRST_ANNOUNCED, make_pick, make_sighting
from tests.service.pages.browsing import page

THUMBNAIL = "https://cdn.example/x.png"
IMAGE = b"\x89PNG\r\n\x1a\n" + pack(">I4sII", 13, b"IHDR", 28, 15) + bytes(9)


@pytest.fixture
def picks(announce: Announce) -> None:
    """Papers 1 to 4: 1 and 4 are picked on 2 November 2026, 2 on 3 and 3 on 4 November."""
    same_day: dict[str, Any] = {"picked_at": FIRST_ANNOUNCED + timedelta(hours=9)}
    announce([make_sighting(n) for n in range(1, 5)])
    announce(
        [
            make_pick(1, votes=5, submitter="akhaliq", thumbnail=THUMBNAIL),
            make_pick(2, votes=50),
            make_pick(3, votes=7),
            make_pick(4, votes=9, **same_day),
        ]
    )


def menu_address(soup: Any) -> str:
    """Return the address in the first Subscribe menu of a page."""
    return str(soup.select(".subscribe .address input")[0]["value"])


def choose(client: FlaskClient, soup: Any, label: str) -> Any:
    """Return the page with the first Subscribe menu open at a choice."""
    (link,) = [a for a in soup.select(".subscribe .choice a") if a.get_text() == label]
    return page(client, str(link["href"]))


def feed_of_menu(client: FlaskClient, soup: Any, label: str) -> Any:
    """Return the JSON feed that the Subscribe menu gives after a choice."""
    address = menu_address(choose(client, soup, label))
    return client.get(address.removeprefix(SITE)).json


def numbers(soup: BeautifulSoup) -> list[int]:
    return [int(h2.get_text().rpartition(" ")[2]) for h2 in soup.select(".picks h2")]


@pytest.mark.usefixtures("picks")
@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("/daily/2026-11-02", [4, 1]),
        ("/daily/2026-11-03", [2]),
        ("/daily/2026-11-09", []),
        ("/weekly/2026-W45", [2, 4, 3, 1]),
        ("/monthly/2026-11", [2, 4, 3, 1]),
        ("/monthly/2026-10", []),
        ("/trending", [2, 3, 4, 1]),
    ],
)
def test_picks_are_sorted_by_votes(client: FlaskClient, path: str, order: list[int]) -> None:
    assert numbers(page(client, path)) == order


@pytest.mark.usefixtures("picks")
@pytest.mark.parametrize("path", ["/daily/2026-11-02", "/weekly/2026-W45", "/monthly/2026-11"])
def test_page_of_picks_links_to_a_feed_of_just_the_same_papers(
    client: FlaskClient, path: str
) -> None:
    soup = page(client, path)
    (more,) = soup.select(".subscribe .more")
    assert "q=is:picked&" in more["href"]
    items = feed_of_menu(client, page(client, str(more["href"])), "JSON")["items"]
    titles = {h2.get_text() for h2 in soup.select(".picks h2")}
    assert {item["title"] for item in items} == titles


@pytest.mark.usefixtures("picks")
@pytest.mark.parametrize(
    ("path", "feed"),
    [
        ("/daily/2026-11-02", "/feeds/daily"),
        ("/weekly/2026-W45", "/feeds/weekly"),
        ("/monthly/2026-11", "/feeds/monthly"),
        ("/trending", "/feeds/trending"),
    ],
)
@pytest.mark.parametrize("query", ["", "?q=reward"])
def test_page_of_picks_links_to_the_feed_that_goes_on(
    client: FlaskClient, path: str, feed: str, query: str
) -> None:
    soup = page(client, path + query)
    expected = [f"{feed}.{suffix}{query}" for suffix in ("atom", "rss", "json")]
    for label, href in zip(("Atom", "RSS", "JSON"), expected, strict=True):
        assert menu_address(choose(client, soup, label)) == SITE + href
    alternates = [link["href"] for link in soup.select("head link[rel=alternate]")]
    assert alternates[:3] == expected
    assert menu_address(soup) == SITE + expected[0]
    assert all(client.get(href).status_code == 200 for href in expected)


@pytest.mark.usefixtures("picks")
def test_pick_shows_everything_from_its_community(client: FlaskClient) -> None:
    first, last = page(client, "/daily/2026-11-02").select(".picks li article")
    assert last.select(".votes")[0].get_text(" ", strip=True) == "5 votes"
    byline = " ".join(last.select(".by")[0].get_text().split())
    assert byline == "Mon 2 Nov · 2 comments · submitted by akhaliq"
    names = last.select(".names a")
    assert [a.get_text() for a in names] == ["Ada Lovelace", "José Ørsted"]
    assert names[0]["href"] == "/authors/Ada%20Lovelace"
    assert last.select(".tag")[0].get_text() == "Reward Model"
    assert "Hugging Face Daily Papers" in [a.get_text() for a in last.select(".doors a")]
    assert not last.select("img")
    assert first.select("h2 a")[0]["href"] == "/papers/2611.00004"


@pytest.fixture
def illustrated(client: FlaskClient, site: Settings) -> Iterator[FlaskClient]:
    """Return a client of an app with thumbnails, that of paper 1 among them."""
    client.get("/healthz")
    folder = ThumbnailFolder(Path(site.data_dir))
    folder.save(thumbnail_name(THUMBNAIL), IMAGE)
    yield create_app(replace(site, thumbnails=True)).test_client()
    folder.keep_only(())


@pytest.mark.usefixtures("picks")
def test_thumbnails_come_from_this_server_alone(illustrated: FlaskClient) -> None:
    answer = illustrated.get("/daily/2026-11-02")
    (image,) = BeautifulSoup(answer.data, "html.parser").select("img")
    assert (image["alt"], image["loading"]) == ("", "lazy")
    assert image["width"]
    assert image["height"]
    assert "img-src 'self';" in answer.headers["Content-Security-Policy"]
    assert THUMBNAIL not in answer.text
    served = illustrated.get(str(image["src"]))
    assert (served.status_code, served.content_type, served.data) == (200, "image/png", IMAGE)
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.usefixtures("picks")
def test_page_shows_a_thumbnail_as_soon_as_it_is_there(
    illustrated: FlaskClient, site: Settings
) -> None:
    folder = ThumbnailFolder(Path(site.data_dir))
    for names, count in (((), 0), ((thumbnail_name(THUMBNAIL),), 1)):
        folder.keep_only(())
        for name in names:
            folder.save(name, IMAGE)
        assert len(page(illustrated, "/trending").select("img")) == count


@pytest.mark.usefixtures("picks")
def test_no_other_file_is_served(
    illustrated: FlaskClient, client: FlaskClient, site: Settings
) -> None:
    known, svg, failed = (thumbnail_name(url) for url in (THUMBNAIL, "svg", "failed"))
    folder = ThumbnailFolder(Path(site.data_dir))
    folder.save(svg, b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    folder.save(failed, b"")
    assert client.get(f"/thumbnails/{known}").status_code == 404  # thumbnails are off
    names = (svg, failed, "..%2Ftoken", "token", known.upper(), known[:-1], f"{known}.png", "")
    for name in names:
        assert illustrated.get(f"/thumbnails/{name}").status_code == 404, name


@pytest.mark.usefixtures("picks")
def test_growth_of_votes_is_shown(client: FlaskClient, announce: Announce) -> None:
    later = FIRST_ANNOUNCED + timedelta(days=5, hours=9)
    at = FIRST_ANNOUNCED + timedelta(hours=9)
    announce([make_pick(4, votes=30, picked_at=at, counted_at=later)])
    (plot, *_) = page(client, "/daily/2026-11-02").select(".picks .votes svg")
    assert plot["aria-label"] == "Votes by day: Thu 5 Nov 9, Sat 7 Nov 30"
    (gain, *_) = page(client, "/daily/2026-11-02").select(".picks .gain")
    assert " ".join(gain.get_text().split()) == "+21 votes since Thu"


@pytest.mark.usefixtures("picks")
@pytest.mark.parametrize(
    ("path", "days"),
    [
        ("/weekly/2026-W45", ["2026-11-02", "2026-11-08"]),
        ("/monthly/2026-11", ["2026-11-01", "2026-11-30"]),
        ("/daily/2026-11-02", []),
        ("/trending", []),
    ],
)
def test_weeks_and_months_name_their_days(client: FlaskClient, path: str, days: list[str]) -> None:
    times = page(client, path).select(".about time")
    assert [time["datetime"] for time in times] == days


@pytest.mark.usefixtures("picks")
def test_year_is_shown_only_if_it_differs_from_the_pages(
    client: FlaskClient, announce: Announce
) -> None:
    old = make_sighting(1).id.parse("2403.00001")
    moved = {"announced_at": FIRST_ANNOUNCED.replace(year=2024, month=3), "id": old}
    announce([make_sighting(9, **moved)])
    later = make_pick(9, votes=1, picked_at=FIRST_ANNOUNCED + timedelta(hours=10))
    announce([later._replace(id=old)])
    dates = [t.get_text() for t in page(client, "/daily/2026-11-02").select(".by time")]
    assert dates == ["Thu 5 Nov", "Mon 2 Nov", "Sat 2 Mar 2024"]


@pytest.mark.usefixtures("picks")
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/daily", "/daily/2026-11-04"),
        ("/weekly", "/weekly/2026-W45"),
        ("/monthly", "/monthly/2026-11"),
    ],
)
def test_path_without_a_period_redirects_to_the_newest(
    client: FlaskClient, path: str, location: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, location)


@pytest.mark.usefixtures("picks")
def test_periods_link_to_each_other(client: FlaskClient) -> None:
    links = {a.get_text(): a["href"] for a in page(client, "/daily/2026-11-03").select("nav a")}
    assert links["Previous day"] == "/daily/2026-11-02"
    assert links["Next day"] == "/daily/2026-11-04"
    assert links["Week"] == "/weekly/2026-W45"
    newest = [a.get_text() for a in page(client, "/daily/2026-11-04").select(".tools nav a")]
    assert newest == ["Day", "Week", "Month", "Trending", "Previous day"]


@pytest.mark.parametrize(
    "path",
    [
        *("/daily/2026-11-31", "/daily/2026-1-1", "/daily/today", "/daily/1990-01-01"),
        *("/daily/9999-12-31", "/weekly/2026-W54", "/weekly/2026-11-02", "/monthly/2026-13"),
        *("/monthly/2026-11-02", "/monthly/0000-01"),
    ],
)
def test_invalid_period_is_rejected_with_an_example(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert "write it as 2026-" in answer.text


def test_pages_without_picks(client: FlaskClient) -> None:
    assert client.get("/daily").status_code == 302
    assert "Nothing was picked" in page(client, "/trending").get_text()
    assert "Nothing was picked" in page(client, "/daily/2026-11-02").get_text()


def test_long_month_shows_its_first_picks_and_links_to_all(
    client: FlaskClient, announce: Announce
) -> None:
    at: dict[str, Any] = {"picked_at": FIRST_ANNOUNCED}
    announce([make_sighting(n) for n in range(1, MAX_SHOWN_PICKS + 3)])
    announce([make_pick(n, votes=n, **at) for n in range(1, MAX_SHOWN_PICKS + 3)])
    soup = page(client, "/monthly/2026-11")
    assert len(soup.select(".picks article")) == MAX_SHOWN_PICKS
    (everything,) = [a for a in soup.select(".about a") if a.get_text() == "all of them"]
    assert client.get(str(everything["href"])).status_code == 200


@pytest.mark.usefixtures("picks")
@pytest.mark.parametrize(
    ("path", "query", "order"),
    [
        ("/daily/2026-11-02", '"number 4"', [4]),
        ("/weekly/2026-W45", "2 OR 3", [2, 3]),
        ("/monthly/2026-11", "reward -2", [4, 3, 1]),
        ("/trending", "1 OR 4", [4, 1]),
        ("/trending", "zeugma", []),
    ],
)
def test_query_filters_picks_and_the_pages_links(
    client: FlaskClient, path: str, query: str, order: list[int]
) -> None:
    soup = page(client, f"{path}?q={quote_plus(query, safe='')}")
    assert numbers(soup) == order
    assert soup.find(id="sieve")["value"] == query
    assert all("?q=" in str(a["href"]) for a in soup.select(".tools nav a"))
    titles = [h2.get_text() for h2 in soup.select(".picks h2")]
    for link in soup.select(".subscribe .more"):
        items = feed_of_menu(client, page(client, str(link["href"])), "JSON")["items"]
        assert {item["title"] for item in items} == set(titles)
    assert bool(soup.select(".picks mark")) == bool(titles)
    if not titles:
        (anywhen,) = soup.select(".picks .none a")
        assert client.get(str(anywhen["href"]), follow_redirects=True).status_code == 200


@pytest.mark.usefixtures("picks")
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/daily/2026-11-02?q=+reward++MODEL", "/daily/2026-11-02?q=reward+MODEL"),
        ("/daily/2026-11-02?q=", "/daily/2026-11-02"),
        ("/trending?q=reward&x=1", "/trending?q=reward"),
        ("/daily?q=reward", "/daily/2026-11-04?q=reward"),
    ],
)
def test_filtered_page_redirects_to_its_canonical_url(
    client: FlaskClient, path: str, location: str
) -> None:
    answer = client.get(path)
    assert answer.status_code in (301, 302)
    assert answer.headers["Location"] == location


def test_invalid_query_is_rejected_with_a_hint(client: FlaskClient) -> None:
    answer = client.get("/trending?q=%28reward")
    assert answer.status_code == 400
    assert "not closed" in answer.text


@pytest.mark.usefixtures("picks")
def test_home_begins_with_the_newest_picks(client: FlaskClient) -> None:
    soup = page(client, "/")
    assert soup.select(".front h2")[0].get_text() == "Picked on Wed 4 Nov"
    assert [a.get_text() for a in soup.select(".front h3 a")] == ["Reward model number 3"]
    names = [a.get_text() for a in soup.select(".front .names a")]
    assert names == ["Ada Lovelace", "José Ørsted", "Reward Model"]
    assert menu_address(soup) == f"{SITE}/feeds/daily.atom"
    (more,) = soup.select("#s-picked .more")
    assert menu_address(page(client, str(more["href"]))) == f"{SITE}/feeds/daily.atom"


def test_pages_show_community_words_marked_among_picks_only(
    client: FlaskClient, announce: Announce
) -> None:
    words: dict[str, Any] = {"title": "<i>Reward hype", "abstract": "A <b>hoax & more."}
    announce([make_pick(1, "club")._replace(**words), make_sighting(2)])
    note = "In the words of club: arXiv has not described this paper yet."
    for path in (
        "/daily/2026-11-02",
        "/trending",
        "/papers/2611.00001",
        "/search?q=hype&when=picked",
    ):
        soup = page(client, path)
        assert note in soup.get_text(), path
        assert "[Community's title] <i>Reward hype" in soup.get_text()
        assert "A <b>hoax & more." in soup.get_text()
    for path in ("/search?q=hype", "/k/reward-model", "/papers/2611.00002", "/search?q=cat:cs.CL"):
        assert "hoax" not in client.get(path, follow_redirects=True).text, path
    (document,) = client.get("/api/v1/papers?q=hype&when=picked").get_json()["papers"]
    assert (document["title"], document["described_by"]) == ("<i>Reward hype", "community")
    announce([make_sighting(1)])
    assert note not in page(client, "/daily/2026-11-02").get_text()
