"""What a named token may be for."""

from __future__ import annotations

from typing import Final, Literal, get_args

TokenScope = Literal["keywords", "sources", "blocks", "metrics"]
"""Changing keywords, community feeds or the block list; reading metrics."""

TOKEN_SCOPES: Final[tuple[TokenScope, ...]] = get_args(TokenScope)
