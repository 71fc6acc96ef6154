"""The app as a WSGI server loads it: `service.wsgi:app`, settings from file and environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from papers.config.settings import load
from service import create_app
from service.garbage import settle

_DEFAULT: Final = Path("paperwire.toml")


def _file() -> Path | None:
    """The configuration file: the one the environment names, else the one that lies here."""
    named = os.environ.get("PAPERWIRE_CONFIG")
    return Path(named) if named else _DEFAULT if _DEFAULT.exists() else None


app = create_app(load(_file(), os.environ))
for _name in app.jinja_env.list_templates():
    app.jinja_env.get_template(_name)  # compiled now, not while somebody waits for a page
settle()
