"""Saving many keywords at once in a running system, and the fetch that goes on beside it."""

from __future__ import annotations

import json
import time
from typing import Final

import requests

from tests.faults.system import TOKEN, SystemUnderTest

ANNOUNCEMENTS: Final = "announcements:cs.CL"


def is_at_rest(system: SystemUnderTest) -> bool:
    """Return True if the last fetch of announcements has ended: it has scheduled the next one."""
    state = system.states.get(ANNOUNCEMENTS)
    return state is not None and state.next_at == system.states.due_time(ANNOUNCEMENTS)


def save_keywords(system: SystemUnderTest, count: int) -> float:
    """Save keywords over HTTP; return the seconds that took."""
    began = time.monotonic()
    rows = [{"name": f"Topic {count} {n}", "query": f"topic{count}x{n}"} for n in range(count)]
    answer = requests.post(
        f"{system.url}/api/v1/keywords",
        data=json.dumps(rows),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        timeout=60,
    )
    assert json.loads(answer.text.splitlines()[-1])["saved"] == count, answer.text
    return time.monotonic() - began
