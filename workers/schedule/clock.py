"""The source of the current time, passed in so that tests and simulations can set it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Returns the current time, aware UTC."""
