"""Types and helpers for tests that run commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from click.testing import Result

RunCommand = Callable[..., Result]


def json_output(result: Result) -> Any:
    """Return the JSON document that a successful command printed."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
