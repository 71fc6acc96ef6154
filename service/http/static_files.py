"""Static files: their URLs contain a digest of the content, so that they may be cached a year."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from flask import Flask, Response, request, url_for

YEAR_SECONDS: Final = 365 * 24 * 3600
HOUR_SECONDS: Final = 3600


def register_static_urls(app: Flask) -> None:
    """Give templates `static_url(name)`, and static files their Cache-Control."""
    folder = Path(app.static_folder or "")
    digests = {path.name: _content_hash(path) for path in folder.iterdir()}

    def static_url(name: str) -> str:
        return url_for("static", filename=name, v=digests[name])

    def static_file(filename: str) -> Response:
        response = app.send_static_file(filename)
        has_digest = request.args.get("v") == digests.get(filename)
        lifetime = f"{YEAR_SECONDS}, immutable" if has_digest else f"{HOUR_SECONDS}"
        response.headers["Cache-Control"] = f"public, max-age={lifetime}"
        return response

    app.jinja_env.globals["static_url"] = static_url
    app.view_functions["static"] = static_file


def _content_hash(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
