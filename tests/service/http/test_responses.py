"""HTTP: content codings, validators, HEAD, and CORS."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import http_date

from service.cache.encodings import ENCODINGS, negotiate_coding
from service.http.responses import PreparedResponse
from tests.service.conftest import Announce, Clock
from tests.service.made import NOW, SECOND, make_sighting

FEED: Final = "/feeds/reward-model.atom"
PATHS: Final = (FEED, "/", "/k/reward-model", "/api/v1/papers?q=reward")
DECODE: Final[dict[str | None, Callable[[bytes], bytes]]] = {
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    None: bytes,
}

pytestmark = pytest.mark.usefixtures("three")


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.5", "br"),
        ("gzip;q=1.0, br;q=0.9, *;q=0.1", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("br;q=0, gzip;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("identity;q=0", None),
        ("identity;q=0, *;q=0", None),
        ("deflate, zstd", None),
        ("rubbish;;q=, ,", None),
    ],
)
def test_content_coding_is_negotiated(
    client: FlaskClient, accepted: str | None, encoding: str | None
) -> None:
    plain = client.get(FEED)
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    response = client.get(FEED, headers=headers)
    assert response.headers.get("Content-Encoding") == encoding
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert DECODE[encoding](response.data) == plain.data
    assert response.headers["Vary"] == "Accept-Encoding"


@given(st.text("brgzipdefltxnty*;q=.01, -", max_size=40))
def test_any_accept_encoding_gives_a_coding(header: str) -> None:
    assert negotiate_coding(header) in {"", *ENCODINGS}


def test_long_accept_encoding_is_negotiated_too() -> None:
    unknown = ", ".join(f"x-{number}" for number in range(100))
    assert negotiate_coding(f"{unknown}, gzip") == "gzip"
    assert negotiate_coding(f"{unknown}, br;q=0") == ""


def etags_by_coding(client: FlaskClient, path: str = FEED) -> dict[str, str]:
    """Return the ETag of each coding."""
    codings = ("identity", *ENCODINGS)
    return {
        name: client.get(path, headers={"Accept-Encoding": name}).headers["ETag"]
        for name in codings
    }


@pytest.mark.parametrize("path", PATHS)
def test_each_coding_has_an_etag_of_its_own(client: FlaskClient, path: str) -> None:
    found = etags_by_coding(client, path)
    assert len(set(found.values())) == 3
    assert all(tag[0] == tag[-1] == '"' for tag in found.values())


@pytest.mark.parametrize("path", PATHS)
def test_conditional_requests(client: FlaskClient, path: str) -> None:
    first, found = client.get(path), etags_by_coding(client, path)
    tag, gz, br = found["identity"], found["gzip"], found["br"]
    bare, modified = tag.strip('"'), first.headers["Last-Modified"]
    old, later = http_date(NOW - SECOND), http_date(NOW + timedelta(days=1))
    current: list[dict[str, str]] = [
        *({"If-None-Match": sent, "Accept-Encoding": "br"} for sent in (tag, gz, br)),
        *({"If-None-Match": sent, "Accept-Encoding": "gzip"} for sent in (tag, gz, br)),
        *({"If-None-Match": sent} for sent in (tag, gz, br, "*", " * ")),
        *({"If-None-Match": f"W/{sent}"} for sent in (tag, gz, br)),
        {"If-None-Match": f'"other", {tag}, W/"third"'},
        {"If-None-Match": f'"other",{gz},"third"'},
        {"If-None-Match": bare},
        {"If-None-Match": f"W/{bare}"},
        {"If-None-Match": f"'{bare}'"},
        {"If-None-Match": f'"{bare}-gzip"'},
        {"If-None-Match": f'"{bare}--gzip"'},
        {"If-None-Match": f'"{bare};br"'},
        {"If-None-Match": f'"W/\\"{bare}\\""'},
        {"If-None-Match": f"&quot;{bare}&quot;"},
        {"If-None-Match": tag, "If-Modified-Since": old},
        {"If-None-Match": tag, "If-Modified-Since": "rubbish"},
        {"If-Modified-Since": modified},
        {"If-Modified-Since": f"{modified}; length=1234"},
        {"If-Modified-Since": modified.replace("GMT", "+0000")},
        {"If-Modified-Since": modified.replace("GMT", "UTC")},
        {"If-Modified-Since": modified.lower()},
        {"If-Modified-Since": "Saturday, 21-Nov-26 12:00:00 GMT"},
        {"If-Modified-Since": "Sat Nov 21 12:00:00 2026"},
        {"If-Modified-Since": "Sat, 21 Nov 2026 07:00:00 -0500"},
        {"If-Modified-Since": "2026-11-21T12:00:00Z"},
        {"If-Modified-Since": "2026-11-21T12:00:00"},
    ]
    outdated: list[dict[str, str]] = [
        {},
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": modified},
        {"If-None-Match": "rubbish"},
        {"If-None-Match": ""},
        {"If-None-Match": f'"{bare}0"'},
        {"If-None-Match": f'"0{bare}"'},
        {"If-None-Match": f'"{bare[:-1]}"'},
        {"If-Modified-Since": old},
        {"If-Modified-Since": later},
        {"If-Modified-Since": "yesterday"},
        {"If-Modified-Since": ""},
        {"If-Modified-Since": "Sat, 21 Nov 2026 25:00:00 GMT"},
        {"If-Modified-Since": "Sat, 99 Nov 99999 12:00:00 GMT"},
        {"If-Modified-Since": "0"},
        {"If-Modified-Since": "-1"},
        {"If-Modified-Since": modified.replace("2026", "1970")},
    ]
    for headers, status in (*((h, 304) for h in current), *((h, 200) for h in outdated)):
        for method in (client.get, client.head):
            response = method(path, headers=headers)
            assert response.status_code == status, headers
            if status == 304:
                assert response.data == b""
                assert response.headers["ETag"] in found.values()
                assert response.headers["Cache-Control"] == first.headers["Cache-Control"]
                assert response.headers["Vary"] == "Accept-Encoding"
                assert "Content-Encoding" not in response.headers


def test_304_has_the_etag_that_was_sent(client: FlaskClient) -> None:
    for tag in etags_by_coding(client).values():
        for accepted in ("identity", "gzip", "br"):
            headers = {"If-None-Match": tag, "Accept-Encoding": accepted}
            assert client.get(FEED, headers=headers).headers["ETag"] == tag


def test_304_renders_and_encodes_nothing(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, announce: Announce
) -> None:
    for accepted in ENCODINGS:
        tag = client.get(FEED, headers={"Accept-Encoding": accepted}).headers["ETag"]

    def refuse(*_: object) -> None:
        raise AssertionError("rendered, encoded or decoded")

    for name in (
        *("isal.isal_zlib.compress", "gzip.decompress"),
        *("brotli.compress", "brotli.decompress"),
    ):
        monkeypatch.setattr(name, refuse)
    monkeypatch.setattr("service.routes.feeds.build_feed", refuse)
    assert client.get(FEED, headers={"If-None-Match": tag}).status_code == 304
    for accepted in ENCODINGS:
        assert client.get(FEED, headers={"Accept-Encoding": accepted}).status_code == 200


def test_last_modified_differs_for_two_changes_within_a_second(
    client: FlaskClient, announce: Announce, clock: Clock
) -> None:
    before = client.get(FEED).headers["Last-Modified"]
    announce([make_sighting(5)])
    after = client.get(FEED).headers["Last-Modified"]
    assert (before, after) == (http_date(NOW), http_date(NOW + SECOND))
    assert clock.now == NOW
    assert client.get(FEED, headers={"If-Modified-Since": before}).status_code == 200
    assert client.get(FEED, headers={"If-Modified-Since": after}).status_code == 304


@pytest.mark.parametrize("encoding", ["identity", *ENCODINGS])
@pytest.mark.parametrize("path", [*PATHS, "/feeds/reward-model/2026-10.atom"])
def test_head_equals_get(client: FlaskClient, path: str, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    got, head = client.get(path, headers=headers), client.head(path, headers=headers)
    assert head.data == b""
    assert dict(head.headers) == dict(got.headers)


@pytest.mark.parametrize(
    "range_header", ["bytes=0-9", "bytes=5-", "bytes=-5", "bytes=9-0", "lines=1-2"]
)
def test_range_requests_get_the_whole_feed(client: FlaskClient, range_header: str) -> None:
    response = client.get(FEED, headers={"Range": range_header})
    assert (response.status_code, response.data) == (200, client.get(FEED).data)
    assert "Content-Range" not in response.headers


def test_scripts_of_other_sites_may_send_conditional_requests(client: FlaskClient) -> None:
    preflight_headers = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match",
    }
    preflight = client.options(FEED, headers=preflight_headers)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"]
    assert "If-None-Match" in preflight.headers["Access-Control-Allow-Headers"]
    response = client.get(FEED, headers={"Origin": "https://elsewhere.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" in response.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Access-Control-Allow-Origin" not in client.get("/").headers


def test_last_good_body_is_served_in_any_coding(client: FlaskClient, away: Flask) -> None:
    plain = client.get(FEED, headers={"Accept-Encoding": "gzip"})
    for accepted, decode in DECODE.items():
        response = away.test_client().get(FEED, headers={"Accept-Encoding": accepted or "identity"})
        assert decode(response.data) == gzip.decompress(plain.data)
        assert response.headers.get("Content-Encoding") == accepted


@pytest.mark.parametrize("name", ["paperwire.css", "paperwire.js", "icon.svg"])
def test_static_texts_are_compressed(client: FlaskClient, name: str) -> None:
    plain = client.get(f"/static/{name}", buffered=True)
    assert "Content-Encoding" not in plain.headers
    for coding, decode in DECODE.items():
        if not coding:
            continue
        answer = client.get(f"/static/{name}", headers={"Accept-Encoding": coding})
        assert answer.headers["Content-Encoding"] == coding
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert decode(answer.data) == plain.data
        assert int(answer.headers["Content-Length"]) == len(answer.data) < len(plain.data)
        known = {"Accept-Encoding": coding, "If-None-Match": answer.headers["ETag"]}
        again = client.get(f"/static/{name}", headers=known, buffered=True)
        assert (again.status_code, again.data) == (304, b"")


def test_static_images_are_not_compressed(client: FlaskClient) -> None:
    answer = client.get("/static/icon.png", headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("method", "status", "body"),
    [("GET", 200, [b"text"]), ("HEAD", 200, []), ("GET", 304, []), ("HEAD", 304, [])],
)
def test_body_is_sent_neither_to_a_head_request_nor_with_a_304(
    method: str, status: int, body: list[bytes]
) -> None:
    response = PreparedResponse(status, {"ETag": '"a"'}, b"text")
    assert [*response.get_app_iter({"REQUEST_METHOD": method})] == body
