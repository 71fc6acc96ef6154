"""The plan of a backfill of an autumn."""

from __future__ import annotations

from datetime import UTC, date, datetime

from workers.tasks.backfill import plan_backfill

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
PLAN = plan_backfill(date(2026, 9, 1), date(2026, 11, 18), "", NOW)
