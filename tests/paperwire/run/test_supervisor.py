"""Supervision of programs: restarts, relayed output, stop order, grace periods."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paperwire.run.supervisor import ProgramSpec, Supervisor, restart_delay
from tests.paperwire.processes import becomes_true, is_running

Lines = list[tuple[str, str]]

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True)\n"


@pytest.fixture
def lines() -> Lines:
    return []


@pytest.fixture
def supervisor(lines: Lines) -> Iterator[Supervisor]:
    with Supervisor(lambda name, text: lines.append((name, text))) as supervisor:
        yield supervisor


def python(name: str, code: str, **options: object) -> ProgramSpec:
    return ProgramSpec(name, (sys.executable, "-c", code), **options)  # type: ignore[arg-type]


RESTART_DELAYS = [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (1_000_000, 30.0)]


@pytest.mark.parametrize(("crashes", "seconds"), RESTART_DELAYS)
def test_restart_delay_doubles_up_to_half_a_minute(crashes: int, seconds: float) -> None:
    assert restart_delay(crashes) == seconds


def test_output_is_relayed_with_program_names(supervisor: Supervisor, lines: Lines) -> None:
    code = "import os, sys; print(os.environ['X']); print(2, file=sys.stderr)"
    supervisor.start(python("a", code, environment={"X": "one"}))
    assert becomes_true(lambda: {("a", "one"), ("a", "2")} <= set(lines))


def test_crashed_program_restarts_after_its_delay(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(python("a", "raise SystemExit(3)"))
    clock = [100.0]

    def check_after(step: float) -> list[str]:
        clock[0] += step
        return supervisor.check_programs(clock[0])

    assert becomes_true(lambda: check_after(0.0) == ["a"])
    assert check_after(0.4) == []  # not yet
    assert check_after(0.2) == []  # again
    assert becomes_true(lambda: check_after(0.0) == ["a"])
    assert [text for _, text in lines] == [
        "ended (exit code 3); restarts in 0.5 s",
        "ended (exit code 3); restarts in 1 s",
    ]


def test_crash_count_resets_after_a_stable_run(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(python("a", "pass"))
    assert becomes_true(lambda: supervisor.check_programs(time.monotonic()) == ["a"])
    supervisor.check_programs(time.monotonic() + 1)
    assert becomes_true(lambda: supervisor.check_programs(time.monotonic() + 100) == ["a"])
    assert [text for _, text in lines] == ["ended (exit code 0); restarts in 0.5 s"] * 2


def test_killing_signal_is_reported(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(python("a", SLEEP))
    (child,) = supervisor.pids()
    os.kill(child, signal.SIGKILL)
    assert becomes_true(lambda: supervisor.check_programs(time.monotonic()) == ["a"])
    assert lines == [("a", "ended (signal 9); restarts in 0.5 s")]


def test_programs_stop_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = "import signal, sys, time\ndef end(*_):\n open({!r}, 'a').write({!r}); sys.exit()\n"
    code += "signal.signal(15, end); print('ready', flush=True); time.sleep(60)"
    ready: Lines = []
    supervisor.print_line = lambda name, text: ready.append((name, text))
    for name in ("store", "worker", "worker", "web"):
        supervisor.start(python(name, code.format(str(order), name + " ")))
    assert becomes_true(lambda: len(ready) == 4)
    supervisor.stop()
    assert order.read_text() == "web worker worker store "


def test_program_that_ignores_sigterm_is_killed(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(python("a", STUBBORN + SLEEP, stop_timeout=0.1))
    assert becomes_true(lambda: ("a", "ready") in lines)
    (child,) = supervisor.pids()
    supervisor.stop()
    assert not is_running(child)


def test_second_stop_request_skips_the_grace_period(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(python("a", STUBBORN + SLEEP, stop_timeout=600.0))
    assert becomes_true(lambda: ("a", "ready") in lines)
    supervisor.request_stop()
    assert not supervisor.skipping_grace.is_set()
    supervisor.request_stop()
    supervisor.stop()
    assert supervisor.pids() == []


def test_programs_run_in_their_own_process_groups(supervisor: Supervisor) -> None:
    """Ctrl-C reaches every process in the terminal's group: the programs must not be in it."""
    supervisor.start(python("a", SLEEP))
    (child,) = supervisor.pids()
    assert os.getpgid(child) == child
