from __future__ import annotations

import logging

import pytest
from redis import Redis

from papers.config.url_secrets import (
    hide_credentials,
    hide_secrets,
    linkable_url,
    url_secrets,
    with_password,
)
from papers.telemetry.log_format import RedactingFormatter

pytestmark = pytest.mark.row("secrets of sources")

# (text, what is shown)
SHOWN = [
    ("https://a.example/feed", "https://a.example/feed"),
    ("https://me:pw@a.example/feed", "https://***@a.example/feed"),
    ("https://me@a.example/feed", "https://***@a.example/feed"),
    ("https://p@ss:w/x@a.example/feed", "https://***@ss:w/x@a.example/feed"),
    ("https://a.example/f?key=abc&b=&c=d%20e#top", "https://a.example/f?key=***&b=&c=***#top"),
    ("GET 'https://a.example/f?key=abc': 404", "GET 'https://a.example/f?key=***': 404"),
    ("failed with url: /f?key=abc (refused)", "failed with url: /f?key=*** (refused)"),
    ("two: http://a:b@c/ and http://d:e@f/?g=h.", "two: http://***@c/ and http://***@f/?g=***"),
    ("is it? a=b", "is it? a=b"),
    ("12 papers", "12 papers"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_credentials_in_urls_are_hidden(text: str, shown: str) -> None:
    assert hide_credentials(text) == shown
    assert hide_credentials(shown) == shown


def test_link_has_neither_user_nor_query() -> None:
    assert linkable_url("https://me:pw@a.example/f?key=abc#x") == "https://a.example/f"


def test_secrets_that_an_upstream_repeats_are_hidden() -> None:
    secrets = url_secrets(["https://me:pass%21word@a.example/f?key=abcd%20e&n=1", "http://[bad"])
    said = "401: pass!word (pass%21word) and abcd e are wrong, abcdef and 1 are not"
    assert hide_secrets(said, secrets) == "401: *** (***) and *** are wrong, abcdef and 1 are not"


def test_log_lines_and_tracebacks_hide_credentials() -> None:
    try:
        raise ValueError("https://me:pw@a.example/f?key=abc")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", 40, "f", 1, "at %s", ("http://u:v@b/?k=w",), info)
    line = RedactingFormatter("%(message)s").format(record)
    assert line.startswith("at http://***@b/?k=***")
    assert "me:pw" not in line
    assert "abc" not in line


@pytest.mark.parametrize(
    ("url", "with_it"),
    [
        ("redis://web@store:6379/0", "redis://web:p%40ss%2Fw%3A@store:6379/0"),
        ("rediss://store/1?x=y", "rediss://:p%40ss%2Fw%3A@store/1?x=y"),
        ("redis://web:own@store", "redis://web:own@store"),
        ("unix:///run/store?db=1", "unix://:p%40ss%2Fw%3A@/run/store?db=1"),
    ],
)
def test_password_of_a_setting_fills_a_url_without_one(url: str, with_it: str) -> None:
    assert with_password(url, "p@ss/w:") == with_it
    assert with_password(url, "") == url
    connection = Redis.from_url(with_password(url, "p@ss/w:")).connection_pool.connection_kwargs
    assert connection["password"] == ("own" if "own" in url else "p@ss/w:")
