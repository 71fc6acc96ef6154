from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from papers.config.settings import Settings
from paperwire.run import web
from paperwire.run.up import free_port
from tests.paperwire.processes import descendants, eventually, runs

ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.row("web told to end while it starts"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc: needs Linux"),
]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_server_told_to_end_while_a_process_loads_the_app_leaves_nobody(
    number: int, tmp_path: Path
) -> None:
    settings = Settings(port=free_port("127.0.0.1", 0), web_processes=1)
    environment = os.environ | {"PAPERWIRE_DATA_DIR": str(tmp_path), "REDIS_URL": "unix:///none"}
    command = web.command(settings)
    with subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL) as granian:
        assert eventually(lambda: bool(descendants(granian.pid)))
        (serving,) = descendants(granian.pid)
        granian.send_signal(number)
        try:
            assert eventually(lambda: granian.poll() is not None)
            assert eventually(lambda: not runs(serving))
        finally:
            granian.kill()
