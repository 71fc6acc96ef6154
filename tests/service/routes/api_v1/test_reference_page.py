"""The reference page shows the whole OpenAPI description, and loads nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from service.json_api.schemas import SCHEMAS
from service.routes.api_v1.reference_page import TypeText, code_spans, describe_type


def plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def test_everything_that_is_described_is_on_the_page(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    response = client.get("/api")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    soup: Any = BeautifulSoup(response.data, "html.parser")
    text = " ".join(soup.get_text().split())
    for path, item in document["paths"].items():
        for method, operation in item.items():
            anchor = f"{method}{path}"
            assert soup.find(id=anchor).get_text() == f"{method.upper()} {path}"
            assert soup.select_one(f'a[href="#{anchor}"]')
            assert plain(operation["summary"]) in text
            for parameter in operation["parameters"]:
                assert plain(parameter["description"]) in text
    for name, schema in SCHEMAS.items():
        assert soup.find(id=name)
        table = soup.find("div", attrs={"aria-label": f"Members of {name}"})
        rows = [row.get_text() for row in table.select("tbody th")]
        assert rows == [*schema["properties"]]


def test_page_links_to_itself_and_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    soup: Any = BeautifulSoup(client.get("/api").data, "html.parser")
    assert [tag["id"] for tag in soup.select("[id]")] == [
        *dict.fromkeys(tag["id"] for tag in soup.select("[id]"))
    ]
    for link in soup.select("main a"):
        href = str(link["href"])
        assert href == "/api/v1/openapi.json" or soup.find(id=href.removeprefix("#")), href
    loaded = [tag.get("src") or tag.get("href") for tag in soup.select("script, img, head link")]
    assert all(re.match(r"/[^/]", str(url)) for url in loaded), loaded
    footer = soup.select_one('footer a[href="/api"]')
    assert footer.get_text() == "API"


def test_backticks_are_code_and_nothing_is_markup() -> None:
    assert code_spans("a `<b>` & `c`") == "a <code>&lt;b&gt;</code> &amp; <code>c</code>"


@pytest.mark.parametrize(
    ("schema", "text", "name"),
    [
        ({"type": "string"}, "string", ""),
        ({"type": ["string", "null"], "format": "date-time"}, "null or date-time", ""),
        ({"type": "integer", "minimum": 1, "maximum": 1000}, "integer 1 to 1,000", ""),
        ({"enum": ["a", None]}, "one of a, null", ""),
        ({"const": "ok"}, "ok", ""),
        ({"type": "array", "items": {"type": "string"}}, "list of string", ""),
        ({"type": ["array", "null"], "items": {"$ref": "#/x/Pick"}}, "null or list of ", "Pick"),
        ({"oneOf": [{"$ref": "#/x/Event"}, {"type": "null"}]}, "null or ", "Event"),
    ],
)
def test_type_is_described_in_words(schema: dict[str, object], text: str, name: str) -> None:
    assert describe_type(schema) == TypeText(text, name)
