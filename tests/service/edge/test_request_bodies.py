from __future__ import annotations

import io
import time
from collections.abc import Iterator
from itertools import chain, repeat
from typing import IO, cast

import pytest
from flask.testing import FlaskClient

from service.edge.request_bodies import (
    BODY_SECONDS,
    IMPORT_PATHS,
    MAX_BODY_BYTES,
    MAX_IMPORT_BYTES,
    MIN_BYTES_PER_SECOND,
    BodyRefused,
    declared_length,
    receive_body,
)
from service.http.client_slots import ClientSlots, HeldStream


@pytest.mark.parametrize(
    ("path", "limit"), [("/x", MAX_BODY_BYTES), (IMPORT_PATHS[0], MAX_IMPORT_BYTES)]
)
def test_longest_body_depends_on_the_path(path: str, limit: int) -> None:
    assert declared_length({"CONTENT_LENGTH": str(limit)}, path) == limit
    with pytest.raises(BodyRefused, match="at most") as refused:
        declared_length({"CONTENT_LENGTH": str(limit + 1)}, path)
    assert refused.value.status == 413


@pytest.mark.parametrize("text", ["-1", "1e9", "+5", "0x10", "\u0665", "9" * 40])
def test_length_that_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(BodyRefused) as refused:
        declared_length({"CONTENT_LENGTH": text}, "/manage")
    assert refused.value.status in (400, 413)


class Drip(io.RawIOBase):
    """A body that comes a byte at a time, each a second later."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self, size: int = -1) -> bytes:
        self.now += 1.0
        return b"x"[:size]


def test_body_that_drips_is_refused_in_time() -> None:
    drip = Drip()
    with pytest.raises(BodyRefused, match="too slowly") as refused:
        receive_body(cast(IO[bytes], drip), 10_000, lambda: drip.now)
    assert refused.value.status == 408
    assert drip.now < BODY_SECONDS + 5


def test_long_body_has_a_second_more_for_each_part() -> None:
    body = bytes(10 * MIN_BYTES_PER_SECOND)

    def received_after(seconds: float) -> bytes:
        times = chain([0.0], repeat(seconds))
        return receive_body(io.BytesIO(body), len(body), lambda: next(times)).read()

    assert received_after(BODY_SECONDS + 10) == body
    with pytest.raises(BodyRefused, match="too slowly"):
        received_after(BODY_SECONDS + 11)


def test_body_that_ends_early_is_refused() -> None:
    with pytest.raises(BodyRefused, match="ended early"):
        receive_body(io.BytesIO(b"half"), 9, lambda: 0.0)
    assert (
        receive_body(io.BytesIO(b"whole body, and more"), 10, lambda: 0.0).read() == b"whole body"
    )


def test_chunked_body_is_refused(client: FlaskClient) -> None:
    refused = client.post("/manage", headers={"Transfer-Encoding": "chunked"})
    assert refused.status_code == 411
    assert refused.headers["Connection"] == "close", "the rest of the body is not read"
    assert "Content-Length" in refused.text
    assert "default-src 'none'" in refused.headers["Content-Security-Policy"]


def test_slots_are_few_and_one_for_a_client() -> None:
    now = [0.0]
    slots = ClientSlots(2, clock=lambda: now[0])
    assert [slots.take(client) for client in "aabc"] == [True, False, True, False]
    now[0] = 9.0
    assert slots.held_for(9.0) == {"a", "b"}
    slots.release("a")
    assert slots.take("c")
    assert slots.held_for(9.0) == {"b"}


def test_stream_releases_its_slot_once() -> None:
    def parts() -> Iterator[bytes]:
        yield from (b"1", b"2")

    slots = ClientSlots(1)
    assert slots.take("a")
    stream = HeldStream(parts(), slots, "a")
    assert next(stream) == b"1"
    assert not slots.take("b")
    stream.close()
    assert slots.take("b")
    stream.close()
    assert not slots.take("c")


def test_stream_is_charged_once_for_the_time_that_its_parts_took() -> None:
    def parts() -> Iterator[bytes]:
        began = time.thread_time()
        while time.thread_time() - began < 0.02:
            pass
        yield b"1"

    charged = list[float]()
    slots = ClientSlots(1)
    stream = HeldStream(parts(), slots, "a", charged.append)
    assert list(stream) == [b"1"]
    stream.close()
    stream.close()
    assert len(charged) == 1
    assert 0.02 <= charged[0] < 1
