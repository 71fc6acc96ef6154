"""URL converter for the suffix of a feed: `/feeds/NAME.<feed_suffix:suffix>`."""

from __future__ import annotations

from werkzeug.routing import AnyConverter, Map

from service.feeds import FORMATS


class FeedSuffixConverter(AnyConverter):
    """Matches the suffixes in `FORMATS` at the time the app is created."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, *FORMATS)
