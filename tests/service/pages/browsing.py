"""Pages as a browser gets them, and the token with which they are managed."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup
from flask.testing import FlaskClient

TOKEN = "correct horse battery staple"


def page(client: FlaskClient, path: str) -> Any:
    """Return a page as a tree, after checking that it is one."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "text/html; charset=utf-8"
    return BeautifulSoup(answer.data, "html.parser")
