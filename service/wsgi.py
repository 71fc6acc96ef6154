"""The app as a WSGI server loads it: `service.wsgi:app`, settings from file and environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from papers.config.settings import load_settings
from service import create_app
from service.garbage import tune_garbage_collector

_DEFAULT_CONFIG: Final = Path("paperwire.toml")


def _config_path() -> Path | None:
    """The configuration file: the one the environment names, else the one that lies here."""
    named = os.environ.get("PAPERWIRE_CONFIG")
    return Path(named) if named else _DEFAULT_CONFIG if _DEFAULT_CONFIG.exists() else None


app = create_app(load_settings(_config_path(), os.environ))
for _name in app.jinja_env.list_templates():
    app.jinja_env.get_template(_name)  # compiled now, not while somebody waits for a page
tune_garbage_collector()
