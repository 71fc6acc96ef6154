"""URLs of references: of a paper, a selection, a keyword and a search."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from papers.model.arxiv_id import ArxivId
from tests.service.conftest import Announce
from tests.service.made import make_sighting

FORMATS = [
    ("bib", "application/x-bibtex; charset=utf-8", "@misc{"),
    ("ris", "application/x-research-info-systems; charset=utf-8", "TY  - UNPB\r\n"),
    ("csl.json", "application/vnd.citationstyles.csl+json", "[\n {"),
]


@pytest.mark.parametrize(("suffix", "content_type", "begins"), FORMATS)
@pytest.mark.usefixtures("three")
def test_references_of_a_paper_a_keyword_and_a_selection(
    client: FlaskClient, suffix: str, content_type: str, begins: str
) -> None:
    paths = {
        f"/papers/2611.00001.{suffix}": 1,
        f"/export/papers.{suffix}?id=2611.00003,2611.00001": 2,
        f"/export/k/reward-model.{suffix}": 3,
        f"/export/k/reward-model.{suffix}?n=2": 2,
        f"/export/search.{suffix}?q=number": 3,
        f"/export/search.{suffix}?q=nothing": 0,
    }
    for path, count in paths.items():
        answer = client.get(path)
        assert (answer.status_code, answer.content_type) == (200, content_type), answer.text
        assert answer.text.count("https://arxiv.org/abs/2611") == count
        assert answer.text.startswith(begins) or not count
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304


def test_page_of_a_paper_links_to_its_references(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1, id=ArxivId.parse("hep-th/9901001"))])
    soup = BeautifulSoup(client.get("/papers/hep-th/9901001").data, "html.parser")
    for suffix, content_type, _ in FORMATS:
        (link,) = soup.find_all("a", href=f"/papers/hep-th/9901001.{suffix}")
        assert client.get(str(link["href"])).content_type == content_type


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("path", ["/k/reward-model?n=2", "/search?q=number"])
def test_page_of_a_keyword_links_to_its_references(client: FlaskClient, path: str) -> None:
    soup = BeautifulSoup(client.get(path).data, "html.parser")
    (link,) = soup.find_all("a", string="These papers as BibTeX")
    shown = len(soup.find_all("article"))
    assert client.get(str(link["href"])).text.count("@misc") == shown


def test_file_name_of_an_id_with_a_slash(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1, id=ArxivId.parse("hep-th/9901001"))])
    answer = client.get("/papers/hep-th/9901001.bib")
    assert "eprint        = {hep-th/9901001}" in answer.text
    assert 'filename="hep-th-9901001.bib"' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/papers/2611.00001v2.bib", "/papers/2611.00001.bib"),
        (f"/papers/{quote('arXiv:2611.00001')}.ris", "/papers/2611.00001.ris"),
        ("/export/papers.bib?id=2611.00001,2611.00002", None),
        ("/export/k/Reward%20Model.bib?n=100", "/export/k/reward-model.bib"),
        ("/export/search.bib?q=b%20a", "/export/search.bib?q=b+a"),
    ],
)
def test_export_redirects_to_its_canonical_url(
    client: FlaskClient, path: str, canonical: str | None
) -> None:
    answer = client.get(path)
    location = canonical or "/export/papers.bib?id=2611.00002,2611.00001"
    assert (answer.status_code, answer.headers["Location"]) == (301, location)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/papers/2611.00009.bib", 404),
        ("/papers/nothing.bib", 400),
        ("/papers/2611.00001.bib?n=1", 400),
        ("/papers/2611.00001.doc", 400),
        ("/export/papers.bib", 400),
        ("/export/papers.bib?id=2611.00009", 404),
        ("/export/papers.bib?id=" + ",".join(f"2611.{n:05}" for n in range(1, 202)), 400),
        ("/export/k/nobody.bib", 404),
        ("/export/search.bib", 400),
        ("/export/search.bib?q=%22", 400),
    ],
)
def test_bad_request_is_rejected(client: FlaskClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status
