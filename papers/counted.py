"""Counts with their nouns, as messages, pages and documents show them."""

from __future__ import annotations


def format_counted(count: int, singular: str, plural: str = "") -> str:
    """Format a count with its noun: `1 vote`, `2 votes`, `1,000 papers`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
