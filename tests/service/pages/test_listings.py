from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.service.conftest import SITE, Announce
from tests.service.made import make_sighting
from tests.service.pages.browsing import page

LONG = "A long abstract that is shown in full. " * 20


@pytest.fixture
def papers(announce: Announce) -> None:
    announce(
        [
            make_sighting(1, authors=("José Ørsted",), abstract=LONG),
            make_sighting(2, authors=('Ada "A" Lovelace',), categories=("math.GT",)),
            make_sighting(3, organization="Example Lab", comment="12 pages"),
        ]
    )


@pytest.mark.usefixtures("papers")
@pytest.mark.parametrize(
    ("path", "heading", "numbers"),
    [
        ("/authors/Jos%C3%A9%20%C3%98rsted", "José Ørsted", [3, 1]),
        ("/authors/ada%20a%20lovelace", "ada a lovelace", [2]),
        ("/authors/Ada%20%22A%22%20Lovelace", 'Ada "A" Lovelace', [2]),
        ("/categories/math.GT", "Geometric Topology", [2]),
        ("/organizations/Example%20Lab", "Example Lab", [3]),
        ("/topics/reward%20model", "reward model", [3, 2, 1]),
    ],
)
def test_listings(client: FlaskClient, path: str, heading: str, numbers: list[int]) -> None:
    soup = page(client, path)
    assert soup.h1.get_text() == heading
    assert [int(h.get_text().split()[-1]) for h in soup.select("h3")] == numbers
    (link,) = [a for a in soup.select(".subscribe .choice a") if a.get_text() == "JSON"]
    assert str(link["href"]).startswith(path.split("%")[0])
    chosen = page(client, str(link["href"]))
    (address,) = chosen.select(".subscribe[open] .address input")
    feed = client.get(str(address["value"]).removeprefix(SITE)).json
    assert feed is not None
    assert len(feed["items"]) == len(numbers)


@pytest.mark.usefixtures("papers")
def test_listing_has_a_next_page_and_a_full_view(client: FlaskClient) -> None:
    first = page(client, "/topics/reward%20model?n=2")
    older = str(first.find("a", rel="next")["href"])
    assert older.startswith("/topics/reward%20model?before=")
    (article,) = page(client, older).select("article")
    assert " ".join(article.select(".whole")[0].get_text().split()) == LONG.strip()
    full = page(client, "/topics/reward%20model?n=2&view=full")
    assert full.html["data-view"] == "full"
    assert "view=full" in str(full.find("a", rel="next")["href"])


@pytest.mark.parametrize("path", ["/authors/%20", "/topics/-", "/categories/no.SUCH.x"])
def test_listing_of_an_invalid_name_is_rejected(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code in (400, 404)


@pytest.mark.usefixtures("papers")
def test_digest_has_a_section_per_keyword(client: FlaskClient) -> None:
    soup = page(client, "/digest")
    (section,) = soup.select(".section")
    assert section.h2.get_text() == "Reward Model"
    assert [a.get_text() for a in section.select(".title")] == [
        f"Reward model number {n}" for n in (3, 2, 1)
    ]
    summaries = [summary.contents[0] for summary in section.select("summary")]
    assert summaries == ["Abstract", "Comment", "Abstract", "Abstract"]
    for link in soup.select("main a"):
        if not str(link["href"]).startswith("#"):
            assert client.get(str(link["href"])).status_code == 200
