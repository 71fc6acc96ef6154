"""granian's processes end with it, also while they load the app."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from papers.config.settings import Settings
from paperwire.run import web
from paperwire.run.ports import find_free_port
from tests.paperwire.processes import becomes_true, descendants, is_running

ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.row("web told to end while it starts"),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: needs Linux"),
]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_server_stopped_while_loading_the_app_leaves_no_process(
    number: int, tmp_path: Path
) -> None:
    settings = Settings(port=find_free_port("127.0.0.1", 0), web_processes=1)
    environment = os.environ | {"PAPERWIRE_DATA_DIR": str(tmp_path), "REDIS_URL": "unix:///none"}
    command = web.web_command(settings)
    with subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL) as granian:
        assert becomes_true(lambda: bool(descendants(granian.pid)))
        (server_process,) = descendants(granian.pid)
        granian.send_signal(number)
        try:
            assert becomes_true(lambda: granian.poll() is not None)
            assert becomes_true(lambda: not is_running(server_process))
        finally:
            granian.kill()
