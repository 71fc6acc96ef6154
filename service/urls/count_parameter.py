"""`count=true` of the JSON API: whether to count all matches, of which a page shows some."""

from __future__ import annotations

from typing import Final

from werkzeug.datastructures import MultiDict

from papers.errors import BadParameter
from service.urls.forgiving import clean_args
from service.urls.keyword_urls import with_query_string
from service.urls.params import Parameter, abbreviate

_VALUES: Final = {"": False, "false": False, "0": False, "true": True, "1": True}


def _parse_flag(text: str) -> bool:
    if text.casefold() not in _VALUES:
        raise ValueError("is neither true nor false")
    return _VALUES[text.casefold()]


COUNT_PARAMETER: Final = Parameter(
    "count",
    "",
    lambda text, _: _parse_flag(text),
    str,
    {"type": "boolean", "default": False},
    "Whether to count all papers that match, whatever `n` and `before`.",
)


def parse_count(args: MultiDict[str, str]) -> bool:
    """Return the flag in `count`, False without it. Raises BadParameter."""
    texts = clean_args(args).getlist(COUNT_PARAMETER.name)
    if len(texts) > 1:
        raise BadParameter(COUNT_PARAMETER.name, f"given {len(texts)} times; give it once")
    text = texts[0].strip() if texts else ""
    try:
        return _parse_flag(text)
    except ValueError as error:
        raise BadParameter(COUNT_PARAMETER.name, f"{abbreviate(text)!r} {error}") from error


def counted_path(path: str) -> str:
    """Return a canonical path with `count=true` at its place among the parameters."""
    path, _, query = path.partition("?")
    pairs = [*query.split("&"), f"{COUNT_PARAMETER.name}=true"]
    return with_query_string(path, "&".join(sorted(pairs, key=lambda pair: pair.split("=")[0])))
