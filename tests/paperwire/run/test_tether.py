"""A tied command ends with its parent, through the kernel and through polling."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paperwire.run import tether
from tests.paperwire.processes import becomes_true, is_running

SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
POLLED = f"""
import os, sys
from paperwire.run import tether
tether.run_until_parent_ends(os.getppid(), 9, [sys.executable, "-c", {SLEEPER!r}])
"""
PARENTS = {
    "kernel": f"""
import subprocess, sys
from paperwire.run import tether
subprocess.run(tether.tie_command([sys.executable, "-c", {SLEEPER!r}]))
""",
    "polling": f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {POLLED!r}])
""",
}
ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: needs Linux")


@pytest.mark.parametrize("mechanism", PARENTS)
def test_tied_command_ends_when_its_parent_is_killed(mechanism: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENTS[mechanism]], stdout=subprocess.PIPE, cwd=ROOT
    )
    with parent:
        assert parent.stdout is not None
        tied = int(parent.stdout.readline())
        assert is_running(tied)
        parent.kill()
        assert becomes_true(lambda: not is_running(tied))


def test_command_whose_parent_has_ended_ends_immediately() -> None:
    process = subprocess.run(
        [sys.executable, "-IS", tether.__file__, "1", "9", "sleep", "60"], timeout=10, check=False
    )
    assert process.returncode == -signal.SIGKILL


def test_polling_returns_the_exit_code() -> None:
    code = "import os, sys; from paperwire.run.tether import run_until_parent_ends;"
    code += "command = [sys.executable, '-c', 'raise SystemExit(7)'];"
    code += "sys.exit(run_until_parent_ends(os.getppid(), 15, command))"
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert process.returncode == 7
