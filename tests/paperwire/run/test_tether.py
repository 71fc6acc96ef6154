from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paperwire.run import tether
from tests.paperwire.processes import becomes_true, is_running

SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
WATCHED = f"""
import os, sys
from paperwire.run import tether
tether.run_until_parent_ends(os.getppid(), 9, [sys.executable, "-c", {SLEEPER!r}])
"""
STARTERS = {
    "kernel": f"""
import subprocess, sys
from paperwire.run import tether
subprocess.run(tether.tie_command([sys.executable, "-c", {SLEEPER!r}]))
""",
    "watch": f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {WATCHED!r}])
""",
}
ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc: needs Linux")


@pytest.mark.parametrize("keeper", STARTERS)
def test_tied_command_ends_when_its_starter_is_killed(keeper: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTERS[keeper]], stdout=subprocess.PIPE, cwd=ROOT
    )
    with starter:
        assert starter.stdout is not None
        tied = int(starter.stdout.readline())
        assert is_running(tied)
        starter.kill()
        assert becomes_true(lambda: not is_running(tied))


def test_command_that_lost_its_starter_at_once_ends_at_once() -> None:
    process = subprocess.run(
        [sys.executable, "-IS", tether.__file__, "1", "9", "sleep", "60"], timeout=10, check=False
    )
    assert process.returncode == -signal.SIGKILL


def test_watch_gives_the_exit_code() -> None:
    code = "import os, sys; from paperwire.run.tether import run_until_parent_ends;"
    code += "command = [sys.executable, '-c', 'raise SystemExit(7)'];"
    code += "sys.exit(run_until_parent_ends(os.getppid(), 15, command))"
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert process.returncode == 7
