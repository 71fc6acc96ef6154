"""Error pages offer what helps in their case."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from redis import Redis

from papers.command_name import NAME_VARIABLE
from papers.state.keywords import Keywords
from tests.service.made import NOW


def links_of(page: str) -> list[tuple[str, str]]:
    """The links of an error page's own text: target and label."""
    main = page.partition('<main id="content">')[2].partition("</main>")[0]
    return re.findall(r'<a href="([^"]*)">([^<]*)</a>', main)


def test_unknown_keyword_is_searched_for_and_the_nearest_names_are_offered(
    client: FlaskClient, redis: Redis
) -> None:
    Keywords(redis).add("Hallucination", "hallucination", now=NOW)
    Keywords(redis).add("Quantum Error Correction", "quantum", now=NOW)
    response = client.get("/k/halucination")
    links = links_of(response.text)
    assert response.status_code == 404
    assert ("/k/hallucination", "Hallucination") in links
    assert ("/search?q=halucination", "halucination") in links
    assert not [label for _, label in links if "Quantum" in label]
    near = links_of(client.get("/k/hallucinations-in-llms").text)
    assert ("/search?q=hallucinations+in+llms", "hallucinations in llms") in near
    assert ("/k/hallucination", "Hallucination") in near


@pytest.mark.parametrize(
    ("path", "status", "link"),
    [
        ("/papers/2611.65000", 404, ("https://arxiv.org/abs/2611.65000", "2611.65000 at arXiv")),
        ("/abs/2611.65000v2", 404, ("/papers/2611.65000", "2611.65000")),
        ("/papers/reward-models", 400, ("/search?q=reward+models", "reward models")),
        (
            "/graph/neural_networks",
            404,
            ("/search?q=graph+neural+networks", "graph neural networks"),
        ),
        ("/k/reward-model?n=0", 400, ("/k/reward-model", "The page without n")),
    ],
)
def test_error_page_has_the_next_step(
    client: FlaskClient, path: str, status: int, link: tuple[str, str]
) -> None:
    response = client.get(path)
    assert response.status_code == status
    links = links_of(response.text)
    assert link in links


def test_hostile_paths_are_escaped_and_bounded(client: FlaskClient) -> None:
    response = client.get("/k/%22%3E%3Cscript%3Ealert(1)" + "a" * 3000)
    assert response.status_code in (400, 404)
    assert "<script>alert" not in response.text
    assert all(len(url) < 1000 for url, _ in links_of(response.text))


def test_feed_and_api_of_an_unknown_keyword_name_the_address_of_any_keyword(
    client: FlaskClient,
) -> None:
    feed = client.get("/feeds/graph-transformer.rss").text
    assert "/feeds/search.rss?q=graph+transformer is the feed of any keyword" in feed
    problem = client.get("/api/v1/keywords/graph-transformer").json
    assert problem
    assert "/api/v1/papers?q=graph+transformer" in problem["detail"]


def test_method_that_is_not_allowed_is_answered_with_those_that_are(client: FlaskClient) -> None:
    response = client.put("/k/reward-model")
    assert response.status_code == 405
    assert "PUT is not allowed here; allowed are GET, HEAD, OPTIONS" in response.text
    assert ("/k/reward-model", "Open the page") in links_of(response.text)


def test_list_that_is_too_long_is_answered_with_the_command_that_takes_it(
    client: FlaskClient,
) -> None:
    response = client.post("/manage", environ_overrides={"CONTENT_LENGTH": "17000000"})
    assert response.status_code == 413
    assert "this has 17,000,000 bytes; at most 16,000,000 at a time" in response.text
    assert "keyword import FILE" in response.text
    form = client.post("/manage/blocks", environ_overrides={"CONTENT_LENGTH": "70000"})
    assert "this has 70,000 bytes; at most 64,000" in form.text


def test_keyword_that_is_too_long_says_how_long_and_what_to_do(client: FlaskClient) -> None:
    response = client.get("/search", query_string={"q": "word " * 140})
    assert response.status_code == 400
    assert "The keyword has 699 characters; at most 500 are read" in response.text
    assert "plit it into two saved keywords joined by k" in response.text
    longer = client.get("/api/v1/papers", query_string={"q": "word " * 1000}).json
    assert longer
    assert "the keyword has 4,999 characters; at most 500" in longer["detail"]


@pytest.mark.parametrize("name", ["./run", "paperwire"])
def test_pages_and_api_name_the_command_as_it_was_called(
    client: FlaskClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME_VARIABLE, name)
    for path in ("/manage", "/manage/feeds", "/manage/blocks"):
        assert f"{name} token" in client.get(path).text, path
    assert f"{name} token add NAME --scope SCOPE" in client.get("/api").text
    refused = client.delete("/api/v1/keywords/reward-model").json
    assert refused
    assert f"`{name} token add NAME --scope keywords` makes one" in refused["detail"]
