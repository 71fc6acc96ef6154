from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.errors import BadParameter
from papers.state.import_blocks import ImportEntry
from service.exports.keyword_list_reader import MAX_ENTRY_BYTES, read_keyword_list
from tests.papers.query_strategies import queries


def read(document: bytes) -> list[ImportEntry]:
    return list(read_keyword_list(io.BytesIO(document)))


def keywords_of(document: bytes) -> list[tuple[str, str]]:
    return [(e.name, e.query.display_text) for e in read(document) if e.query]


SAVED = [("RM", "reward model"), ("Réseau", '"graph network" -survey')]
DICTS: Any = [{"name": name, "query": query, "slug": "other"} for name, query in SAVED]
LISTS = {
    "lines": '\n# a comment\nRM\treward model\n\nRéseau\t"graph network" -survey',
    "lines of Windows": '\ufeffRM\treward model\r\nRéseau\t"graph network" -survey\r\n',
    "JSON": json.dumps(DICTS),
    "JSON, indented": json.dumps(DICTS, indent=4, ensure_ascii=False),
    "JSON values one after another": "\n".join(map(json.dumps, DICTS)),
    "pages of the API": json.dumps({"keywords": DICTS[:1], "next": "u"})
    + json.dumps({"keywords": DICTS[1:], "next": None}),
    "OPML": '<opml version="2.0"><body>'
    '<outline text="RM" xmlUrl="/feeds/search.atom?q=reward+model"/>'
    '<outline text="Réseau" xmlUrl="/feeds/search.atom?q=%22graph+network%22+-survey"/>'
    "</body></opml>",
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("blanks", ["", " \n\t"])
def test_lists_in_every_format_give_the_same_keywords(text: str, blanks: str) -> None:
    if text.startswith("\ufeff"):
        blanks = ""
    document = (blanks + text if text[0] != "<" else text).encode()
    assert keywords_of(document) == SAVED


@pytest.mark.parametrize("document", [b"reward model\n", b'["reward model"]', b'"reward"'[:0]])
def test_query_alone_is_the_name_too(document: bytes) -> None:
    assert keywords_of(document) == [("reward model", "reward model")] * bool(document)


@pytest.mark.parametrize(
    "item", [1, None, True, [], {}, {"name": "a"}, {"query": 5}, {"query": "a", "name": 3}]
)
def test_json_value_without_query_is_a_problem_of_its_own(item: object) -> None:
    first, second = read(json.dumps([item, "fish"]).encode())
    assert (first.query, bool(first.problem)) == (None, True)
    assert second.query


def test_bad_query_is_a_problem_of_its_own() -> None:
    entries = read(b"fish\n(open\nN\t-not\nbird")
    assert [(entry.line, bool(entry.problem)) for entry in entries] == [
        (1, False),
        (2, True),
        (3, True),
        (4, False),
    ]


@pytest.mark.parametrize(
    "document",
    [
        b"[1",
        b'["a" "b"]',
        b'["a",',
        b"[nothing]",
        b"{",
        b"[" * 100_000,
        b"fish\n\xff\xfe",
        b'["\xff"]',
        b'["a", "\xc3',
        b"<html></html>",
        b"<opml>",
        b"a" * (MAX_ENTRY_BYTES + 1),
        b'["' + b"a" * 2 * MAX_ENTRY_BYTES,
    ],
)
def test_what_is_no_list_is_rejected(document: bytes) -> None:
    with pytest.raises(BadParameter):
        read(document)


@given(st.binary(max_size=100) | st.text('[]{}",:aé01 \n\t<', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_rejected(document: bytes) -> None:
    with contextlib.suppress(BadParameter):
        read(document)


class _Trickle(io.RawIOBase):
    """A file that gives a few bytes at a time, and counts how far it was read."""

    def __init__(self, content: bytes, step: int) -> None:
        self._content, self._step, self.at = content, step, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._content[self.at : self.at + min(self._step, len(buffer))]
        buffer[: len(part)] = part
        self.at += len(part)
        return len(part)


@given(
    st.lists(queries(), max_size=20),
    st.sampled_from(["lines", "json", "ndjson"]),
    st.integers(1, 9),
)
def test_list_is_read_from_pieces_of_any_size(found: list[Any], form: str, step: int) -> None:
    texts = [query.canonical for query in found]
    items = [{"name": f"é{n}", "query": text} for n, text in enumerate(texts)]
    document = {
        "lines": "\n".join(f"{item['name']}\t{item['query']}" for item in items),
        "json": json.dumps(items, ensure_ascii=False),
        "ndjson": "\n".join(map(json.dumps, items)),
    }[form]
    entries = list(read_keyword_list(_Trickle(document.encode(), step)))  # type: ignore[arg-type]
    assert [e.query and e.query.canonical for e in entries] == texts
    assert [e.name for e in entries] == [f"é{n}" for n in range(len(texts))]


@pytest.mark.parametrize("form", ["lines", "json"])
def test_list_is_read_as_its_entries_are_taken(form: str) -> None:
    count = 50_000
    document = {
        "lines": "".join(f"fish {n}\n" for n in range(count)),
        "json": json.dumps([f"fish {n}" for n in range(count)]),
    }[form].encode()
    file = _Trickle(document, 4096)
    entries = read_keyword_list(file)  # type: ignore[arg-type]
    next(entries)
    assert file.at < len(document) / 3
    assert sum(1 for _ in entries) == count - 1
