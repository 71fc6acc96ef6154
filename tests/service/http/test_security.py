from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from papers.config.settings import Settings
from service import create_app
from tests.service.conftest import SITE
from tests.service.every_route import paths


@pytest.mark.row("headers of every route")
@pytest.mark.usefixtures("three")
def test_every_route_has_the_security_headers(app: Flask) -> None:
    client = app.test_client()
    for path in [*paths(app), "/nowhere", "/api/v1/papers?q=x", "/search?q=x"]:
        response = client.get(path, buffered=True)
        headers = response.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert "Set-Cookie" not in headers, path
        assert "Cache-Control" in headers, path
        readable = path.startswith(("/feeds/", "/api/", "/papers/", "/export/", "/opml"))
        assert headers.get("Access-Control-Allow-Origin") == ("*" if readable else None), path


@pytest.mark.row("headers of every route")
@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("path", ["/", "/k/reward-model", "/feeds/reward-model.atom", "/opml"])
def test_304_has_the_headers_of_its_200(app: Flask, path: str) -> None:
    """A browser replaces the headers of its stored page by those of the 304."""
    client = app.test_client()
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    body = {"Content-Length", "Content-Type"}
    assert dict(again.headers) == {n: v for n, v in first.headers.items() if n not in body}


REFUSED = ("/feeds/nope.atom", "/search?q=(", "/api/v1/papers?q=(", "/static/nothing.css", "/%00")


@pytest.mark.row("headers of every route")
@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE"])
def test_every_method_and_error_has_the_security_headers(app: Flask, method: str) -> None:
    client = app.test_client()
    for path in [*paths(app), *REFUSED]:
        headers = client.open(path, method=method, buffered=True).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Referrer-Policy"] == "no-referrer", path


def test_only_what_needs_a_token_is_written_to(app: Flask) -> None:
    writing = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if {"POST", "PUT", "DELETE", "PATCH"} & (rule.methods or set())
    }
    keywords, sources = "/api/v1/keywords", "/api/v1/sources"
    assert writing == {
        *("/manage", "/manage/feeds", "/manage/blocks", "/manage/token"),
        *(keywords, f"{keywords}/<name>", sources, f"{sources}/<name>"),
    }
    for rule in app.url_map.iter_rules():
        known = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"}
        assert (rule.methods or set()) <= known, rule


@pytest.mark.row("trusted hosts and proxies")
@pytest.mark.parametrize("host", ["wire.example", "other.example", "localhost:9", "127.0.0.1"])
def test_trusted_hosts_are_served(site: Settings, host: str) -> None:
    assert status_with_host(site, host) == 200


@pytest.mark.row("trusted hosts and proxies")
@pytest.mark.parametrize("host", ["evil.example", "wire.example.evil.example", "", "a b"])
def test_other_hosts_are_refused(site: Settings, host: str) -> None:
    assert status_with_host(site, host) == 400


def status_with_host(site: Settings, host: str) -> int:
    settings = Settings(
        redis_url=site.redis_url,
        data_dir=site.data_dir,
        public_url=SITE,
        trusted_hosts=("other.example",),
    )
    return create_app(settings).test_client().get("/healthz", headers={"Host": host}).status_code


@pytest.mark.row("trusted hosts and proxies")
@pytest.mark.usefixtures("three")
def test_no_response_contains_the_host_header(client: FlaskClient) -> None:
    normal = client.get("/feeds/reward-model.atom").data
    with_other_host = client.get("/feeds/reward-model.atom", headers={"Host": "localhost:6666"})
    assert with_other_host.data == normal
    assert b"localhost" not in normal
    moved = client.get("/feeds/Reward-Model.atom", headers={"Host": "localhost:6666"})
    assert moved.headers["Location"] == "/feeds/reward-model.atom"


FORWARDED = {
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/wire",
}


@pytest.mark.row("trusted hosts and proxies")
def test_forwarded_headers_decide_no_address(client: FlaskClient, site: Settings) -> None:
    """Not even a trusted proxy decides an address: host, scheme and prefix are settings."""
    behind_proxy = replace(site, trusted_proxies=("127.0.0.0/8",))
    for asked in (client, create_app(behind_proxy).test_client()):
        assert asked.get("/healthz", headers=FORWARDED).status_code == 200
        moved = asked.get("/feeds/Reward-Model.atom", headers=FORWARDED)
        assert moved.headers["Location"] == "/feeds/reward-model.atom"


@pytest.mark.row("trusted hosts and proxies")
@pytest.mark.parametrize("path", ["/feeds/Reward-Model.atom", "/wire/feeds/Reward-Model.atom"])
def test_prefix_is_that_of_the_public_address(site: Settings, path: str) -> None:
    """A proxy may strip it or keep it."""
    client = create_app(replace(site, public_url=f"{SITE}/wire")).test_client()
    moved = client.get(path, headers={"X-Forwarded-Prefix": "/evil"})
    assert moved.headers["Location"] == "/wire/feeds/reward-model.atom"


@pytest.mark.row("errors in words for a wrong Host")
def test_wrong_host_is_refused_in_words_on_every_route(app: Flask) -> None:
    client = app.test_client()
    for path in [*paths(app), "/nowhere", "/%00", "/%ff", "/api/v1/nothing"]:
        for method in ("GET", "POST", "OPTIONS"):
            refused = client.open(path, method=method, headers={"Host": "evil.example\x7f"})
            assert refused.status_code == 400, path
            assert "does not serve the host" in refused.text, path
            assert "public_url" in refused.text, path
            assert "\x7f" not in refused.text
            assert refused.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in refused.headers["Content-Security-Policy"]


DATA_BLOCK = '<script type="application/ld+json">{{ metadata.article | tojson }}</script>'


def test_templates_have_no_inline_code() -> None:
    templates = Path(__file__).resolve().parents[3] / "service" / "templates"
    for template in templates.iterdir():
        text = template.read_text("utf-8")
        for script in re.findall(r"<script.*?</script>", text, re.DOTALL):
            assert re.fullmatch(r'<script( type="module")? src="[^"]+"></script>', script) or (
                script == DATA_BLOCK  # browsers run none of it, and all of it is escaped
            ), template
        assert "<style" not in text, template
        assert " style=" not in text, template
        assert not re.search(r"\son[a-z]+=", text), template


def test_urls_of_static_files_contain_a_digest(client: FlaskClient) -> None:
    page = client.get("/search").text
    (url,) = [part for part in page.split('"') if "paperwire.css" in part]
    assert (
        client.get(url, buffered=True).headers["Cache-Control"]
        == "public, max-age=31536000, immutable"
    )
    plain = client.get("/static/paperwire.css", buffered=True)
    assert plain.headers["Cache-Control"] == "public, max-age=3600"
    assert client.get("/static/nothing.css").status_code == 404
