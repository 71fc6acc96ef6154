"""Static files: named by their content, so that they may be kept for a year."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from flask import Flask, Response, request, url_for

YEAR: Final = 365 * 24 * 3600
HOUR: Final = 3600


def register(app: Flask) -> None:
    """Give the templates `static_url(name)`, and static files their Cache-Control."""
    folder = Path(app.static_folder or "")
    marks = {path.name: _mark(path) for path in folder.iterdir()}

    def static_url(name: str) -> str:
        return url_for("static", filename=name, v=marks[name])

    def kept(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code in (200, 304):
            named = request.args.get("v") == marks.get((request.view_args or {})["filename"])
            lasting = f"max-age={YEAR}, immutable" if named else f"max-age={HOUR}"
            response.headers["Cache-Control"] = f"public, {lasting}"
        return response

    app.jinja_env.globals["static_url"] = static_url
    app.after_request(kept)


def _mark(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
