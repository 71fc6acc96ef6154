"""The path of the public URL: `https://lab.example/paperwire` serves everything under `/paperwire`.

Proxies in front either keep the prefix or strip it; both work. It comes from the settings, never
from a header.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from flask import Flask

from papers.errors import BadSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def install_public_path(app: Flask, base_url: str) -> None:
    """Wrap the app so that its URLs begin with the path of `base_url`, if that has one.

    Raises BadSettings if a route of the app begins like it: a URL could then mean either.
    """
    prefix = unquote(urlsplit(base_url).path.rstrip("/"))
    if not prefix:
        return
    first = prefix.split("/")[1]
    if first in {rule.rule.split("/")[1].partition(".")[0] for rule in app.url_map.iter_rules()}:
        raise BadSettings(f"public_url: /{first} is a path of Paperwire's own; choose another")
    inner = app.wsgi_app

    def under_prefix(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        if path == prefix or path.startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path.removeprefix(prefix).encode().decode("latin-1") or "/"
        environ["SCRIPT_NAME"] = prefix.encode().decode("latin-1")
        return inner(environ, start_response)

    app.wsgi_app = under_prefix  # type: ignore[method-assign]  # Flask documents this assignment
