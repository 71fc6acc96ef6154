"""How long papers are kept: whole months go, oldest first, each in one stroke."""

from __future__ import annotations

from datetime import datetime


def first_kept(keep_months: int, now: datetime) -> int:
    """The first month (YYYYMM) of so many, this one included; 0 where all are kept.

    What is said of a paper of an earlier month is passed over: it would bring its month back.
    """
    if not keep_months:
        return 0
    months = now.year * 12 + now.month - keep_months
    return months // 12 * 100 + months % 12 + 1
