"""The app as a WSGI server loads it, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOAD_APP = """
import gc
from service.wsgi import GC_THRESHOLD, app
print(app.name, gc.get_freeze_count() > 10_000, gc.get_threshold()[0] == GC_THRESHOLD)
"""


def test_loading_the_app_tunes_the_garbage_collector(tmp_path: Path) -> None:
    settings = {"REDIS_URL": f"unix://{tmp_path}/nobody", "PAPERWIRE_DATA_DIR": str(tmp_path)}
    process = subprocess.run(
        [sys.executable, "-c", LOAD_APP],
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.split() == ["service", "True", "True"]
