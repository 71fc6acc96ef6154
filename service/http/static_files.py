"""Static files: their URLs contain a digest of the content, so that they may be cached a year.

Texts among them are compressed once, when the process starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from flask import Flask, Response, request, url_for

from service.cache.encodings import ENCODINGS, negotiate_coding

YEAR_SECONDS: Final = 365 * 24 * 3600
HOUR_SECONDS: Final = 3600
_TEXT_SUFFIXES: Final = (".css", ".js", ".svg")


def register_static_urls(app: Flask) -> None:
    """Give templates `static_url(name)`, and static files their Cache-Control."""
    folder = Path(app.static_folder or "")
    digests = {path.name: _content_hash(path) for path in folder.iterdir()}
    encoded = _encode_files(folder.iterdir())

    def static_url(name: str) -> str:
        return url_for("static", filename=name, v=digests[name])

    def static_file(filename: str) -> Response:
        response = app.send_static_file(filename)
        has_digest = request.args.get("v") == digests.get(filename)
        lifetime = f"{YEAR_SECONDS}, immutable" if has_digest else f"{HOUR_SECONDS}"
        response.headers["Cache-Control"] = f"public, max-age={lifetime}"
        if response.status_code in (200, 304):
            return _encode_text(response, filename, encoded)
        return response

    app.jinja_env.globals["static_url"] = static_url
    app.view_functions["static"] = static_file


def _encode_text(
    response: Response, name: str, encoded: Mapping[tuple[str, str], bytes]
) -> Response:
    """Compress the file of a response for its client. Its entity tag is weak then."""
    if not name.endswith(_TEXT_SUFFIXES):
        return response
    response.vary.add("Accept-Encoding")
    coding = negotiate_coding(request.headers.get("Accept-Encoding", ""))
    body = encoded.get((name, coding))
    if body is None or response.status_code != 200 or request.method != "GET":
        return response
    response.close()
    response.direct_passthrough = False
    response.set_data(body)
    response.content_encoding = coding
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)
    return response


def _encode_files(paths: Iterable[Path]) -> dict[tuple[str, str], bytes]:
    """Return the texts among some files by name and content coding."""
    return {
        (path.name, coding): encoding.compress(path.read_bytes())
        for path in paths
        if path.suffix in _TEXT_SUFFIXES
        for coding, encoding in ENCODINGS.items()
    }


def _content_hash(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
