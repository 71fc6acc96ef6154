"""The app as a WSGI server loads it, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOADED = """
import gc
from service.garbage import MADE
from service.wsgi import app
print(app.name, gc.get_freeze_count() > 10_000, gc.get_threshold()[0] == MADE)
"""


def test_what_stays_as_long_as_the_process_is_looked_through_no_more(tmp_path: Path) -> None:
    said = {"REDIS_URL": f"unix://{tmp_path}/nobody", "PAPERWIRE_DATA_DIR": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={**os.environ, **said, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["service", "True", "True"]
