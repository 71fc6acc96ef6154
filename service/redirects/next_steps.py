"""Next steps of an error page: links to what was probably meant, or to what helps.

404, 410 of a keyword    a search for its name, and the saved keywords with the nearest names
404 of a paper           the paper at arXiv
404 of any other path    the paper whose id is in it, or a search for its words
400                      the same page without the parameter that is wrong
405                      the page itself
429, 503                 the same page again
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import request, url_for

from papers.errors import BadId, BadParameter, PaperwireError, StoreError, TooManyRequests
from papers.model.arxiv_id import ArxivId
from papers.query.tokens import MAX_QUERY_LENGTH
from papers.state.keyword_record import Keyword
from papers.state.slugs import slugify
from service.context import context
from service.urls.forgiving import clean_args

MAX_NEAR_KEYWORDS: Final = 5
_MAX_COMPARED: Final = 200
"""Keywords whose names are compared with one that is not saved: comparing takes 20 µs."""

_STEM: Final = 3
"""Letters at the begin of a word by which keywords are found to compare with."""

_SEPARATORS: Final = re.compile(r"[-_/.+\s]+")


@dataclass(frozen=True, slots=True)
class NextStep:
    """A link, with the words before it, if any."""

    label: str
    url: str
    before: str = ""


def next_steps(status: int, error: PaperwireError | None) -> list[NextStep]:
    """Return the steps from the error page of this request, the likeliest first."""
    if status in (429, 503):
        return [NextStep("Try again", _same_url())]
    if status == 405:
        return [NextStep("Open the page", _same_url())]
    if status == 400 and isinstance(error, BadParameter):
        return [*_without_parameter(error.name)]
    if status in (400, 404, 410):
        return [*_instead_of_path()]
    return []


def custom_feed_hint(slug: str) -> str:
    """Return what feeds and the API have in place of a keyword that is not saved."""
    query = urlencode({"q": _words(slug)})
    if request.path.startswith("/feeds/"):
        suffix = (request.view_args or {}).get("suffix", "atom")
        return f"{request.script_root}/feeds/search.{suffix}?{query} is the feed of any keyword"
    if request.path.startswith("/api/"):
        return f"{request.script_root}/api/v1/papers?{query} finds papers by any keyword"
    return ""


def _instead_of_path() -> Iterator[NextStep]:
    given = request.view_args or {}
    text = str(given.get("name") or given.get("id") or request.path)[:MAX_QUERY_LENGTH]
    if paper := _paper_in(text):
        if "id" not in given:
            yield NextStep(str(paper), url_for("pages.paper", id=str(paper)), "The paper")
        yield NextStep(f"{paper} at arXiv", paper.url, "See")
        return
    if words := _words(text):
        yield NextStep(words, url_for("pages.search", q=words), "Search for")
    if "name" in given:
        for keyword in near_keywords(text):
            yield NextStep(keyword.name, url_for("pages.keyword", name=keyword.slug), "Saved here:")


def near_keywords(name: str) -> list[Keyword]:
    """Return the saved keywords whose names are nearest; the client is charged for the search."""
    ctx = context()
    began = time.thread_time()
    try:
        ctx.quota.require()
        saved = ctx.directory.read()
    except (StoreError, TooManyRequests):
        return []
    few = saved.keywords if len(saved.keywords) <= _MAX_COMPARED else ()
    candidates = {keyword.slug: keyword for keyword in few}
    for word in sorted(_words(name).split(), key=len, reverse=True)[:2]:
        found = saved.find(word[:_STEM]) if len(word) >= _STEM else ()
        candidates |= {keyword.slug: keyword for keyword in found[:_MAX_COMPARED]}
    near = difflib.get_close_matches(slugify(name), candidates, MAX_NEAR_KEYWORDS, cutoff=0.5)
    ctx.quota.charge(time.thread_time() - began)
    return [candidates[slug] for slug in near]


def _without_parameter(name: str) -> Iterator[NextStep]:
    """Yield the page without a parameter that the request has; else nothing."""
    given = clean_args(request.args)
    if request.method in ("GET", "HEAD") and name in given:
        others = [(key, value) for key, value in given.items(multi=True) if key != name]
        query = f"?{urlencode(others)}" if others else ""
        yield NextStep(f"The page without {name}", f"{request.script_root}{request.path}{query}")


def _paper_in(text: str) -> ArxivId | None:
    for part in (text, text.rpartition("/")[2]):
        with suppress(BadId):
            return ArxivId.parse(part)
    return None


def _words(text: str) -> str:
    """Return the words of a slug or a path, as one would type them."""
    words = _SEPARATORS.split("".join(c if c.isalnum() else " " for c in text))
    return " ".join(filter(None, words))[:100]


def _same_url() -> str:
    query = request.query_string.decode("latin-1")
    return f"{request.script_root}{request.path}{f'?{query}' if query else ''}"
