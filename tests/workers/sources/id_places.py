"""A grammar of feeds that name one paper: every form of a reference in every place of a feed.

As a command it prints how many of them the community source finds:

    .venv/bin/python -m tests.workers.sources.id_places
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from html import escape
from itertools import cycle
from json import dumps
from typing import Final, NamedTuple

from papers.errors import SourceError
from tests.workers.sources.id_forms import FALSE_FORMS, FORMS, OLD_PAPER, PAPER, SURROUNDINGS
from workers.sources.community import parse_community_feed

NOW: Final = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Case(NamedTuple):
    """One feed, and the papers that it names."""

    kind: str
    described: str
    body: bytes
    papers: frozenset[str]


def _rss(item: str, *, attributes: str = "", head: str = "", version: str = "2.0") -> bytes:
    return (
        f'<?xml version="1.0"?>{head}<rss version="{version}" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"'
        ' xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/" xmlns:a10="http://www.w3.org/2005/Atom"'
        ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:fb="http://rssnamespace.org/feedburner/ext/1.0">'
        f"<channel><title>T</title><item{attributes}>{item}</item></channel></rss>"
    ).encode()


def _rss_of_its_day(item: str) -> bytes:
    return _rss(item, head=NETSCAPE, version="0.91")


def _rdf(item: str, attributes: str = "") -> bytes:
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/"><item{attributes}>{item}</item></rdf:RDF>'
    ).encode()


def _atom(entry: str) -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{entry}</entry></feed>'.encode()


def _json(name: str, value: str) -> bytes:
    item = {
        name: [value] if name == "tags" else [{"url": value}] if name == "attachments" else value
    }
    return dumps(
        {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", **item}]}
    ).encode()


def _element(name: str) -> Callable[[str], str]:
    return lambda text: f"<{name}>{escape(text)}</{name}>"


def _cdata(name: str) -> Callable[[str], str]:
    return lambda text: f"<{name}><![CDATA[{text}]]></{name}>"


def _attribute(name: str, attribute: str, more: str = "") -> Callable[[str], str]:
    return lambda text: f'<{name} {more} {attribute}="{escape(text, quote=True)}"/>'


NETSCAPE: Final = (
    '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN"'
    ' "http://my.netscape.com/publish/formats/rss-0.91.dtd">'
)
_RSS_ELEMENTS: Final = (
    *("title", "link", "description", "comments", "guid", "category", "author", "source"),
    *(
        "dc:identifier",
        "dc:source",
        "dc:relation",
        "dc:title",
        "dc:description",
        "dcterms:references",
    ),
    *(
        "prism:doi",
        "prism:url",
        "media:title",
        "media:description",
        "fb:origLink",
        "content:encoded",
    ),
)
_RSS_ATTRIBUTES: Final = (
    *(
        ("enclosure", "url"),
        ("source", "url"),
        ("media:content", "url"),
        ("media:thumbnail", "url"),
    ),
    *(("a10:link", "href"), ("category", "domain"), ("guid", "isPermaLink")),
)
_ATOM_ELEMENTS: Final = ("id", "title", "summary", "content", "rights")
_JSON_NAMES: Final = (
    *("id", "url", "external_url", "title", "content_html", "content_text", "summary", "tags"),
    *("attachments", "_extension"),
)


def _placers() -> Iterator[tuple[str, Callable[[str], bytes]]]:
    """Yield every place with a function that makes the feed of a text there."""

    def within(make: Callable[[str], bytes], place: Callable[[str], str]) -> Callable[[str], bytes]:
        return lambda text: make(place(text))

    for name in _RSS_ELEMENTS:
        yield f"RSS 2.0 {name}", within(_rss, _element(name))
    for name in ("title", "description", "content:encoded"):
        yield f"RSS 2.0 {name} in CDATA", within(_rss, _cdata(name))
    for name, attribute in _RSS_ATTRIBUTES:
        yield f"RSS 2.0 {name}@{attribute}", within(_rss, _attribute(name, attribute))
    for name in ("title", "link", "description"):
        place = _element(name)
        yield f"RSS 0.91 {name}", within(_rss_of_its_day, place)
    for name in ("title", "link", "description", "dc:identifier", "dc:relation"):
        yield f"RSS 1.0 {name}", within(_rdf, _element(name))
    yield "RSS 1.0 item@rdf:about", lambda text: _rdf("", f' rdf:about="{escape(text)}"')
    for name in _ATOM_ELEMENTS:
        yield f"Atom {name}", within(_atom, _element(name))
    for rel in ("alternate", "related", "via", "enclosure", "replies"):
        yield f"Atom link {rel}", within(_atom, _attribute("link", "href", f'rel="{rel}"'))
    yield "Atom content@src", within(_atom, _attribute("content", "src", 'type="text/html"'))
    yield "Atom category@term", within(_atom, _attribute("category", "term"))
    yield "Atom author/uri", lambda t: _atom(f"<author><uri>{escape(t)}</uri></author>")
    yield "Atom source/id", lambda t: _atom(f"<source><id>{escape(t)}</id></source>")
    yield (
        "Atom XHTML",
        lambda t: _atom(f'<content type="xhtml"><div xmlns="x"><p>{escape(t)}</p></div></content>'),
    )
    for name in _JSON_NAMES:
        yield f"JSON Feed {name}", partial(_json, name)


PLACES: Final = dict(_placers())


def cases() -> Iterator[Case]:
    """Yield every form in every place, and in every surrounding."""
    turns = cycle(SURROUNDINGS)
    for false, forms in ((False, FORMS), (True, FALSE_FORMS)):
        for kind, texts in forms.items():
            paper = OLD_PAPER if kind == "the old scheme" else PAPER
            papers = frozenset() if false else frozenset((paper,))
            for text in texts:
                for place, make in PLACES.items():
                    before, after = next(turns)
                    surrounded = f"{before}{text}{after}" if not false else text
                    yield Case(kind, f"{place}: {surrounded}", make(surrounded), papers)
                for before, after in [] if false else SURROUNDINGS:
                    surrounded = f"{before}{text}{after}"
                    make = PLACES["RSS 2.0 description"]
                    yield Case(kind, f"description: {surrounded}", make(surrounded), papers)


def found_papers(body: bytes) -> frozenset[str]:
    """Return the papers that the community source finds in a feed; none if it refuses it."""
    try:
        result = parse_community_feed(body, "club", NOW)
    except SourceError:
        return frozenset()
    return frozenset(str(sighting.id) for sighting in result.sightings)


def main() -> None:
    """Print the table."""
    counts: dict[str, list[int]] = {}
    for case in cases():
        found = found_papers(case.body)
        row = counts.setdefault(case.kind, [0, 0, 0])
        row[0] += 1
        row[1] += bool(case.papers) and case.papers <= found
        row[2] += bool(found - case.papers)
    print("| kind | tried | found | false finds |\n| --- | --- | --- | --- |")
    for kind, numbers in counts.items():
        print(f"| {kind} | {' | '.join(f'{number:,}' for number in numbers)} |")
    totals = [sum(column) for column in zip(*counts.values(), strict=True)]
    print(f"| all | {' | '.join(f'{number:,}' for number in totals)} |")


if __name__ == "__main__":
    main()
