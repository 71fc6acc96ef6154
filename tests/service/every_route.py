"""One path for every route of the app."""

from __future__ import annotations

from flask import Flask

URL_VALUES = {
    "name": "reward-model",
    "suffix": "atom",
    "form": "bib",
    "rhythm": "daily",
    "kind": "authors",
    "period": "2026-11-21",
    "when": "2026-05",
    "id": "2611.00001",
    "filename": "paperwire.css",
}


def paths(app: Flask) -> list[str]:
    """Return one path for every route."""
    with app.test_request_context():
        adapter = app.url_map.bind("")
        return [
            adapter.build(rule.endpoint, {name: URL_VALUES[name] for name in rule.arguments})
            for rule in app.url_map.iter_rules()
        ]
