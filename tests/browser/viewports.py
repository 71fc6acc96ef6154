"""The viewports that tests use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True)
class Viewport:
    """A screen (CSS pixels) and a colour scheme."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of Playwright's `new_context`."""
        return {
            "viewport": {"width": self.width, "height": self.height},
            "color_scheme": self.scheme,
            "reduced_motion": "reduce",
        }


VIEWPORTS: Final = {
    viewport.name: viewport
    for viewport in (
        Viewport("light", 1280, 900),
        Viewport("dark", 1280, 900, "dark"),
        Viewport("phone", 390, 844),
        Viewport("wide", 1920, 1080),
    )
}
