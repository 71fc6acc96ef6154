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

Said = list[tuple[str, str]]

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)\n"


@pytest.fixture
def said() -> Said:
    return []


@pytest.fixture
def supervisor(said: Said) -> Iterator[Supervisor]:
    with Supervisor(lambda name, text: said.append((name, text))) as supervisor:
        yield supervisor


def python(name: str, code: str, **options: object) -> ProgramSpec:
    return ProgramSpec(name, (sys.executable, "-c", code), **options)  # type: ignore[arg-type]


PAUSES = [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (1_000_000, 30.0)]


@pytest.mark.parametrize(("crashes", "seconds"), PAUSES)
def test_pause_doubles_up_to_half_a_minute(crashes: int, seconds: float) -> None:
    assert restart_delay(crashes) == seconds


def test_lines_are_relayed_with_their_names(supervisor: Supervisor, said: Said) -> None:
    code = "import os, sys; print(os.environ['X']); print(2, file=sys.stderr)"
    supervisor.start(python("a", code, environment={"X": "one"}))
    assert becomes_true(lambda: {("a", "one"), ("a", "2")} <= set(said))


def test_crashed_part_starts_again_after_its_pause(supervisor: Supervisor, said: Said) -> None:
    supervisor.start(python("a", "raise SystemExit(3)"))
    clock = [100.0]

    def tended(step: float) -> list[str]:
        clock[0] += step
        return supervisor.check_programs(clock[0])

    assert becomes_true(lambda: tended(0.0) == ["a"])
    assert tended(0.4) == []  # not yet
    assert tended(0.2) == []  # again
    assert becomes_true(lambda: tended(0.0) == ["a"])
    assert [text for _, text in said] == [
        "ended (exit code 3); starts again in 0.5 s",
        "ended (exit code 3); starts again in 1 s",
    ]


def test_steady_part_is_forgiven(supervisor: Supervisor, said: Said) -> None:
    supervisor.start(python("a", "pass"))
    assert becomes_true(lambda: supervisor.check_programs(time.monotonic()) == ["a"])
    supervisor.check_programs(time.monotonic() + 1)
    assert becomes_true(lambda: supervisor.check_programs(time.monotonic() + 100) == ["a"])
    assert [text for _, text in said] == ["ended (exit code 0); starts again in 0.5 s"] * 2


def test_killed_part_says_by_what(supervisor: Supervisor, said: Said) -> None:
    supervisor.start(python("a", SLEEP))
    (child,) = supervisor.pids()
    os.kill(child, signal.SIGKILL)
    assert becomes_true(lambda: supervisor.check_programs(time.monotonic()) == ["a"])
    assert said == [("a", "ended (signal 9); starts again in 0.5 s")]


def test_parts_end_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = "import signal, sys, time\ndef end(*_):\n open({!r}, 'a').write({!r}); sys.exit()\n"
    code += "signal.signal(15, end); print('ready', flush=True); time.sleep(60)"
    ready: Said = []
    supervisor.print_line = lambda name, text: ready.append((name, text))
    for name in ("store", "worker", "worker", "web"):
        supervisor.start(python(name, code.format(str(order), name + " ")))
    assert becomes_true(lambda: len(ready) == 4)
    supervisor.stop()
    assert order.read_text() == "web worker worker store "


def test_stubborn_part_is_killed(supervisor: Supervisor, said: Said) -> None:
    supervisor.start(python("a", STUBBORN + SLEEP, grace=0.1))
    assert becomes_true(lambda: ("a", "deaf") in said)
    (child,) = supervisor.pids()
    supervisor.stop()
    assert not is_running(child)


def test_second_request_to_end_does_without_patience(supervisor: Supervisor, said: Said) -> None:
    supervisor.start(python("a", STUBBORN + SLEEP, grace=600.0))
    assert becomes_true(lambda: ("a", "deaf") in said)
    supervisor.request_stop()
    assert not supervisor.skipping_grace.is_set()
    supervisor.request_stop()
    supervisor.stop()
    assert supervisor.pids() == []


def test_parts_have_groups_of_their_own(supervisor: Supervisor) -> None:
    """Ctrl-C reaches every process of the terminal's group: the parts must not be in it."""
    supervisor.start(python("a", SLEEP))
    (child,) = supervisor.pids()
    assert os.getpgid(child) == child
