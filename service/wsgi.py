"""The app as a WSGI server loads it: `service.wsgi:app`, settings from file and environment."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from typing import Final

from papers.config.settings import load_settings
from papers.telemetry.log_format import log_to_stderr
from service import create_app, warm_up

_DEFAULT_CONFIG: Final = Path("paperwire.toml")

GC_THRESHOLD: Final = 20_000
"""Objects allocated, and not freed, before a collection of the youngest generation. Python's
default of 700 are a tenth of a feed."""


def tune_garbage_collector() -> None:
    """Run the garbage collector rarely, and never again over the loaded app (`gc.freeze`).

    A full collection over the app delayed a request by 0.1 to 0.4 s.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


def _config_path() -> Path | None:
    """Return the configuration file of the environment, else the one in the working directory."""
    named = os.environ.get("PAPERWIRE_CONFIG")
    return Path(named) if named else _DEFAULT_CONFIG if _DEFAULT_CONFIG.exists() else None


_settings = load_settings(_config_path(), os.environ)
log_to_stderr(_settings)
app = create_app(_settings)
for _name in app.jinja_env.list_templates():
    app.jinja_env.get_template(_name)  # compile now, not during the first request for a page
tune_garbage_collector()
threading.Thread(target=warm_up, args=(app,), daemon=True).start()
