from __future__ import annotations

import contextlib
import re
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.errors import SourceError, SourceGarbled, SourceIncomplete
from tests.papers.papers_strategies import texts
from workers.sources.foreign_xml import clean_line, clean_url, parse_feed, parsed_time

ITEM = "<item><title>A</title><link>https://arxiv.org/abs/2611.01234</link></item>"


def rss(inside: str = ITEM) -> bytes:
    return f"<rss version='2.0'><channel>{inside}</channel></rss>".encode()


ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title></entry></feed>'
RDF = (
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    b' xmlns="http://purl.org/rss/1.0/"><item><title>A</title></item></rdf:RDF>'
)


@pytest.mark.parametrize(
    "body",
    [
        rss(),
        ATOM,
        RDF,
        b"<?xml version='1.0'?>\n" + ATOM,
        b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>" + ATOM,
        b"  \n<?xml version='1.0'?>" + ATOM,
        b"<!-- made <by> hand --><?xml-stylesheet href='a.xsl'?><!-- - -->" + rss(),
        rss().upper().replace(b"VERSION", b"version"),
        ATOM.decode().encode("utf-16"),
        b"<atom:feed xmlns:atom='http://www.w3.org/2005/Atom'><atom:entry><atom:title>A"
        b"</atom:title></atom:entry></atom:feed>",
        ATOM + b"\n<!-- served in 3 ms -->\n",
        rss(ITEM + "<title>&nbsp;&bogus; AT&T</title>"),
        rss(ITEM).replace(b"<title>", b"<title>\x00\x0b"),
    ],
)
def test_valid_feeds_are_parsed(body: bytes) -> None:
    feed = parse_feed(body)
    assert [entry.title for entry in feed.entries] == ["A"]
    assert feed.is_complete


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n\t",
        b"Rate exceeded.",
        b"<html><head><title>We'll be back</title></head><rss></rss></html>",
        b"<!DOCTYPE html><html><body><rss/></body></html>",
        b"<!DOCTYPE rss [<!ENTITY a 'aaaa'>]>" + rss("&a;"),
        b"<?xml version='1.0'?><!-- x --><!doctype rss SYSTEM 'http://10.0.0.1/'>" + rss(),
        b"<!ENTITY a 'b'>" + rss(),
        b'{"rss": true}',
        b"%PDF-1.7",
        b"\x1f\x8b\x08\x00",
        b"<!-- never closed <rss>",
    ],
)
def test_non_feeds_are_refused(body: bytes) -> None:
    with pytest.raises(SourceGarbled):
        parse_feed(body)


@pytest.mark.parametrize(
    ("declared", "encoded"),
    [
        *(("iso-8859-1", "utf-8"), ("utf-8", "utf-8"), ("iso-8859-1", "latin-1")),
        *(("utf-7", "utf-8"), ("windows-1252", "cp1252"), ("no-such-code", "utf-8")),
        ("", "utf-8"),
    ],
)
def test_actual_encoding_wins_over_declared_one(declared: str, encoded: str) -> None:
    prolog = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    body = (prolog + rss(ITEM.replace(">A<", ">Zoë<")).decode()).encode(encoded)
    assert parse_feed(body).entries[0].title == "Zoë"


def test_encoding_that_hides_tags_is_ignored() -> None:
    hidden = "<?xml version='1.0' encoding='utf-7'?>" + rss("+ADw-item/+AD4-").decode()
    assert parse_feed(hidden.encode()).entries == []


def test_complete_entries_of_truncated_document_are_kept() -> None:
    complete = rss(ITEM + ITEM)
    first, last = complete.index(b"</item>") + 7, complete.rindex(b"</item>") + 7
    for end in range(1, len(complete)):
        cut = complete[:end]
        if end < first:
            with pytest.raises((SourceIncomplete, SourceGarbled)):
                parse_feed(cut)
        else:
            feed = parse_feed(cut)
            assert (len(feed.entries), feed.is_complete) == (1 if end < last else 2, False)


WIDE = " ".join(f'a{n}="x"' for n in range(30_000))
BOMBS = {
    "wide": rss(f"<item {WIDE}/>"),
    "wide without quotes": rss(f"<item {WIDE.replace(chr(34), '')}/>"),
    "wide behind a > in quotes": rss(f"""<item a=">" b='>' {WIDE}/>"""),
    "wide after an open quote": rss(f"<item><a '></a><b {WIDE}/>"),
    "wide after a comment that never ends": rss(f"<!-- <item {WIDE}/>"),
    "wide after CDATA that never ends": rss(f"<![CDATA[ <item {WIDE}/>"),
    "wide inside CDATA in a comment": rss(f"<!-- <![CDATA[ --><item {WIDE}/>"),
    "long": rss(f'<item a="{"x" * 70_000}"/>'),
    "deep": rss("<a>" * 100_000 + "</a>" * 100_000),
    "deep and never closed": rss("<item>" + "<a>" * 100_000),
    "crowded": rss(
        "<item>" + "".join(f"<category>{n}</category>" for n in range(30_000)) + "</item>"
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_parsing(name: str) -> None:
    with pytest.raises(SourceGarbled, match="more than"):
        parse_feed(BOMBS[name])


@pytest.mark.parametrize(
    "inside",
    [
        f"<item><description><![CDATA[<img src='data:{'x' * 70_000}'>]]></description></item>",
        f"<item><description>&lt;img src='data:{'x' * 70_000}'&gt;</description></item>",
        f"<item><!-- {WIDE} --></item>",
        "<item>" + "<author>A</author>" * 6_000 + "</item>",
        "".join(f"<item><title>{n}</title></item>" for n in range(3_000)),
    ],
)
def test_harmless_documents_similar_to_bombs_are_parsed(inside: str) -> None:
    assert parse_feed(rss(inside)).entries


PIECES = ["<", "<!--", "<![CDATA[", "<a '", '<a "', "<a \"'", "<?", "&", "</"]


TEDIOUS = {
    **{piece: rss(piece * 100_000) for piece in PIECES},
    "space in front": b" " * 1_000_000 + rss(),
    "space inside": rss(" " * 1_000_000),
    "space behind": rss() + b" " * 1_000_000 + b"x",
    "comments in front": b"<!---->" * 100_000 + b"x" + rss(),
    "comments behind": rss() + b"<!---->" * 280 + b"x",
}


@pytest.mark.parametrize("name", TEDIOUS)
@pytest.mark.timeout(30)
def test_bomb_checks_take_linear_time(name: str) -> None:
    with contextlib.suppress(SourceGarbled):
        assert len(parse_feed(TEDIOUS[name]).entries) <= 1


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  a \n b\t", "a b"),
        ("a\x00b\x1fc\ufffe", "abc"),
        ("\ud800x", "x"),
        ("𝔘🙂é", "𝔘🙂é"),
        (None, ""),
        (7, ""),
        (["a"], ""),
    ],
)
def test_clean_line(text: object, cleaned: str) -> None:
    assert clean_line(text) == cleaned


FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""By XML 1.0: https://www.w3.org/TR/xml/#charsets"""


def cleaned_plainly(text: str) -> str:
    return " ".join(FORBIDDEN.sub("", text).split())


BLANKS_AND_CONTROLS = "ab  \n\n\t\r\x00\x0b\x1c\x1f\x7f\x85\xa0\xad\u2028\u3000\ufeff\ud800\uffff"


@given(texts | st.text(alphabet=st.sampled_from(BLANKS_AND_CONTROLS)))
def test_fast_path_of_clean_line_gives_the_same_result(text: str) -> None:
    assert clean_line(text) == cleaned_plainly(text)


def test_printable_text_needs_no_cleaning() -> None:
    printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1)))).strip()
    assert clean_line(printable) == printable == cleaned_plainly(printable)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        (" HTTP://example.org/ ", "HTTP://example.org/"),
        ("javascript:alert(1)", ""),
        ("//example.org", ""),
        ("/relative", ""),
        ("data:text/html,x", ""),
        ("https://a b", ""),
        ("https://example.org/" + "x" * 2_000, ""),
        (None, ""),
    ],
)
def test_clean_url(text: object, address: str) -> None:
    assert clean_url(text) == address


@pytest.mark.parametrize(
    ("date", "is_one"),
    [
        ("Fri, 20 Nov 2026 05:00:00 GMT", True),
        ("2026-11-20T05:00:00Z", True),
        ("2026-11-20", True),
        ("2025-13-45", False),
        ("2025-00-10T00:00:00Z", False),
        ("yesterday", False),
        ("", False),
    ],
)
def test_parsed_time(date: str, is_one: bool) -> None:
    entry = parse_feed(rss(f"<item><pubDate>{date}</pubDate></item>")).entries[0]
    assert (parsed_time(entry, "published") is not None) is is_one


ODD = {"feedparser_tests": (2_075, 32), "miniflux_parser_testdata": (16, 14)}
"""Numbers of files parsed and refused: other roots, DOCTYPEs, web pages, half documents."""


@pytest.mark.parametrize("archive", ODD)
def test_odd_feeds_parse_or_are_refused(recorded: Path, archive: str) -> None:
    read = refused = 0
    with tarfile.open(recorded / "odd_feeds" / f"{archive}.tar.xz") as files:
        for member in files:
            source = files.extractfile(member)
            if source is None:
                continue
            try:
                parse_feed(source.read())
                read += 1
            except SourceError:
                refused += 1
    assert (read, refused) == ODD[archive]
