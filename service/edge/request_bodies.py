"""Request bodies: WSGI middleware that bounds a body before it is read, and reads it for the app.

    too long, by what it declares                413, nothing is read
    no length declared (chunked)                 411, nothing is read
    too many bodies are being received           503 with Retry-After
    too slow, or it ends early                   408, or 400

The web server reads a body in the thread that handles the request. So a body is received here, in
one of a few slots, and the app gets it whole: slow clients cannot occupy the threads of readers.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Final

from flask import Flask

from papers.command_name import command_line
from papers.config.settings import Seconds
from service.http.client_slots import ClientSlots
from service.http.error_pages import plain_error_response
from service.http.rate_limit import rate_limit_key

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES: Final = 64_000
"""The longest body: forms are shorter."""

MAX_IMPORT_BYTES: Final = 16_000_000
"""The longest body of a path that takes lists of keywords: some 80,000 of them."""

IMPORT_PATHS: Final = ("/manage", "/api/v1/keywords")

BODY_SECONDS: Final[Seconds] = 20.0
"""Time for a body, beside a second for each `MIN_BYTES_PER_SECOND`."""

MIN_BYTES_PER_SECOND: Final = 64_000
_CHUNK_BYTES: Final = 65_536
_RETRY_SECONDS: Final = 5


class BodyRefused(Exception):
    """A body that is refused with an HTTP status: a response to the client, not our error."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def install_request_bodies(
    app: Flask,
    slots_of_app: Callable[[], ClientSlots],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wrap the app. `slots_of_app` returns its slots; `clock` seconds that never go back."""
    inner = app.wsgi_app

    def request_bodies(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "CONTENT_LENGTH" not in environ and "HTTP_TRANSFER_ENCODING" not in environ:
            return inner(environ, start_response)
        path = environ["PATH_INFO"]
        try:
            length = declared_length(environ, path)
            if length:
                environ["wsgi.input"] = _receive(environ, length, slots_of_app(), clock)
        except BodyRefused as refused:
            response = plain_error_response(path, refused.status, refused.detail)
            response.headers["Connection"] = "close"  # what is left of the body is not read
            if refused.status == 503:
                response.headers["Retry-After"] = str(_RETRY_SECONDS)
            return response(environ, start_response)
        return inner(environ, start_response)

    app.wsgi_app = request_bodies  # type: ignore[method-assign]  # Flask documents this assignment


def declared_length(environ: WSGIEnvironment, path: str) -> int:
    """Return the length of a body, from the headers alone. Raises BodyRefused."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise BodyRefused(411, "the body has no Content-Length; send it with one, in one piece.")
    text = environ["CONTENT_LENGTH"].strip()
    if not (text.isascii() and text.isdigit()):
        if text:
            raise BodyRefused(400, "the Content-Length is no number; send the body's bytes.")
        return 0
    limit = MAX_IMPORT_BYTES if path in IMPORT_PATHS else MAX_BODY_BYTES
    if len(text) > 18 or int(text) > limit:
        size = f"{int(text):,}" if len(text) <= 18 else "too many"
        mend = "make it shorter."
        if path in IMPORT_PATHS:
            by_command = command_line("keyword import FILE")
            mend = f"split the list, or use `{by_command}`, which takes any length."
        raise BodyRefused(413, f"this has {size} bytes; at most {limit:,} at a time: {mend}")
    return int(text)


def _receive(
    environ: WSGIEnvironment, length: int, slots: ClientSlots, clock: Callable[[], float]
) -> IO[bytes]:
    """Return the whole body as a file. Raises BodyRefused."""
    client = rate_limit_key(environ.get("REMOTE_ADDR", ""))
    if not slots.take(client):
        raise BodyRefused(503, f"other forms are being received; try again in {_RETRY_SECONDS} s.")
    try:
        return receive_body(environ["wsgi.input"], length, clock)
    finally:
        slots.release(client)


def receive_body(source: IO[bytes], length: int, clock: Callable[[], float]) -> IO[bytes]:
    """Read `length` bytes into memory. Raises BodyRefused."""
    deadline = clock() + BODY_SECONDS + length / MIN_BYTES_PER_SECOND
    body, left = io.BytesIO(), length
    while left:
        chunk = source.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise BodyRefused(400, "the body ended early; send all of it.")
        if clock() > deadline:
            raise BodyRefused(408, "the body came too slowly; send it again, or less at a time.")
        body.write(chunk)
        left -= len(chunk)
    body.seek(0)
    return body
