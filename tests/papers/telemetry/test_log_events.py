from __future__ import annotations

import logging

import pytest

from papers.telemetry.log_events import client_network, event_id, format_event
from papers.telemetry.log_format import RedactingFormatter


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::"),
        ("::1", "::"),
        ("", "-"),
        ("unix", "-"),
        ("192.0.2.77\nfake line", "-"),
    ],
)
def test_of_an_address_the_network_remains(address: str, network: str) -> None:
    assert client_network(address) == network


def test_event_is_one_line_of_logfmt() -> None:
    line = format_event(
        "fetch",
        id="",
        url="https://h/?q=a b",
        note='say "no"\nand = more',
        n=0,
        seconds=0.12345,
        none=None,
    )
    assert line == (
        'fetch url="https://h/?q=a b" note="say \\"no\\"\\nand = more" n=0 seconds=0.123'
    )


def test_what_a_client_sends_stays_within_its_line() -> None:
    line = format_event("request", path="/feeds/x\r\n2026-01-01 ERROR faked\u2028\x85" + "y" * 999)
    assert line.splitlines() == [line]
    assert len(line) < 400


def test_lines_of_one_event_have_one_id() -> None:
    formatter = RedactingFormatter("%(message)s")

    def shown(message: str) -> str:
        return formatter.format(logging.LogRecord("x", logging.INFO, "", 0, message, None, None))

    assert shown("before") == "before"
    with event_id() as outer:
        assert shown("stored") == f"stored id={outer}"
        assert shown(format_event("fetch")) == f"fetch id={outer}"
        with event_id("abc"):
            assert shown("inner") == "inner id=abc"
    assert shown("after") == "after"
    with event_id() as other:
        assert other != outer
