"""Validators of a response that do not depend on a store."""

from __future__ import annotations

from dataclasses import dataclass

from service.cache.cached_body import CachedBody


@dataclass
class FixedValidators:
    """Validators that prove, or allow, every body or none."""

    proves: bool = False
    allows: bool = False
    matches: bool = False

    def match(self, _: CachedBody) -> bool:
        return self.matches

    def prove(self, _: CachedBody) -> bool:
        return self.proves

    def allow_previous(self, _: CachedBody) -> bool:
        return self.allows
