"""JSON Feed as a foreign document: checked before it is parsed, and its items.

https://www.jsonfeed.org/version/1.1/
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from papers.errors import SourceGarbled, SourceIncomplete
from workers.fetch.refusals import body_excerpt

MAX_VALUES: Final = 600_000
"""Lists, objects and members of them in one feed."""


_ITEMS: Final = re.compile(r'"items"\s*:\s*\[\s*')
_SEPARATOR: Final = re.compile(r"\s*,\s*")


def is_json(body: bytes) -> bool:
    """True if a document is JSON rather than XML, by its first character."""
    return body[:1_000].removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{")


def json_items(body: bytes) -> tuple[list[Mapping[str, Any]], bool]:
    """Return the items of a feed, {} for one that is not an object, and whether these are all.

    A document that is truncated or damaged is read up to that point. Raises SourceGarbled if it is
    no JSON Feed or costs too much, SourceIncomplete if it was cut before its first item ended.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise SourceGarbled(f"the feed has more than {MAX_VALUES:,} values")
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    try:
        feed = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        sound = list(_sound_items(text))
        if not sound:
            kind = SourceGarbled if text.rstrip().endswith("}") else SourceIncomplete
            raise kind(f"the JSON Feed is broken: {str(error)[:200]}") from error
        return sound, False
    items = feed.get("items") if isinstance(feed, Mapping) else None
    if not isinstance(items, list):
        said = body_excerpt(body[:4_000]) or "nothing"
        raise SourceGarbled(f"the response is not a feed; it says: {said}")
    return [item if isinstance(item, Mapping) else {} for item in items], True


def _sound_items(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a broken document up to the first that is broken."""
    decoder = json.JSONDecoder(strict=False)
    position = found.end() if (found := _ITEMS.search(text)) else len(text)
    while position < len(text):
        try:
            item, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        yield item if isinstance(item, Mapping) else {}
        following = _SEPARATOR.match(text, end)
        position = following.end() if following else len(text)
