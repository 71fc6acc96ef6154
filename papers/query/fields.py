"""The fields of the keyword language: their names, the values of labels, and corrections.

A label is a value of a fixed set: a category, a source, a flag, an id. Its parser takes the token
and the keyword, for errors.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Final, NoReturn

from papers.config.sources import SLUG_PATTERN
from papers.errors import BadId
from papers.model.arxiv_id import OLD_SCHEME_ARCHIVES as OLD_ARCHIVES
from papers.model.arxiv_id import ArxivId
from papers.model.categories import ARCHIVES, CATEGORIES, canonical_category
from papers.model.labels import RESOURCE_FLAGS, Flag
from papers.query.ast import ARCHIVE_SUFFIX, Field, IdFilter, Label, LabelKind, Node
from papers.query.tokens import Token, refuse
from papers.text.link_names import MAX_LINK_LENGTH, normalize_link

FIELD_ALIASES: Final = {"title": "ti", "abstract": "abs", "author": "au", "category": "cat"}
"""Names that people know from elsewhere, and the fields they mean."""

TEXT_FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {
    **{str(field): (field,) for field in Field if field},
    "all": (Field.ANY, Field.AUTHOR),
}
"""Prefix to the field in which words are searched; `all` is the name in arXiv's API."""

_OTHER_NAMES: Final = {
    "authors": "au",
    "by": "au",
    "co": "comment",
    "topic": "cat",
    "tag": "cat",
    "subject": "cat",
    "organisation": "org",
    "affiliation": "org",
    "site": "source",
    "url": "link",
    "host": "link",
    "arxiv": "id",
    "doi": "id",
}
"""Field names of other search engines: refused with the name of the field that is meant."""

_DATES: Final = (
    "since until date dates year years day month submitted submitteddate before after".split()
)
"""Fields of other search engines for what the parameters of a feed and a page choose."""
_SCHEMES: Final = ("http", "https", "ftp")

_SUBJECTS: Final = {
    "nlp": "cs.CL",
    "ml": "cs.LG",
    "machine learning": "cs.LG",
    "deep learning": "cs.LG",
    "vision": "cs.CV",
    "security": "cs.CR",
    "crypto": "cs.CR",
    "cryptography": "cs.CR",
    "hci": "cs.HC",
    "software": "cs.SE",
    "theory": "cs.CC",
    "stats": "stat.*",
    "statistics": "stat.*",
    "biology": "q-bio.*",
    "bio": "q-bio.*",
    "finance": "q-fin.*",
    "econ": "econ.*",
    "economics": "econ.*",
    "neuroscience": "q-bio.NC",
    "astro": "astro-ph.*",
    "astronomy": "astro-ph.*",
    "hep": "hep-th",
    "quantum": "quant-ph",
}
"""What people call a subject whose category has another name."""

_FLAGS: Final = {"is": (Flag.PICKED, Flag.WITHDRAWN), "has": RESOURCE_FLAGS}
EVERY_SOURCE: Final = ("any", "all", "community", "communities", "picked")
"""What people type as a source when they mean all communities."""

_WORDS_WITH_COLON: Final = ("all", "is", "has")
"""Field names that also precede a colon and a blank in titles, where they are words."""
_OPERAND_BEGINS: Final = ("open", "minus", "OR", "AND", "NOT")
_VALUE_BEGINS: Final = ("word", "phrase", "open")

LabelParser = Callable[[Token, str], Node]


def refuse_field(field: Token, text: str) -> NoReturn:
    """Raise BadQuery for a field that does not exist, with the one that is probably meant."""
    name = field.written.lower()
    if name in _SCHEMES and (link := normalize_link(text[field.start :].split(" ")[0])):
        hint = f"link:{link} finds the papers that link there"
        refuse(text, "a URL is no keyword", field.start, hint)
    if name in _DATES:
        hint = "choose a time with the filters since and until, beside the keyword"
        refuse(text, f"there is no field {field.written}:", field.start, hint)
    known = {**{prefix: prefix for prefix in field_prefixes()}, **FIELD_ALIASES, **_OTHER_NAMES}
    near = known.get(name) or "".join(
        known[match] for match in difflib.get_close_matches(name, known, 1)
    )
    aliases = {short: long for long, short in FIELD_ALIASES.items()}
    same = f" ({aliases[near]}: is the same)" if near in aliases else ""
    guess = f"did you mean {near}:?{same} " if near else ""
    fields = ", ".join(field_prefixes())
    hint = f'{guess}fields are {fields}; put "…" around words with a colon'
    refuse(text, f"there is no field {field.written}:", field.start, hint)


def _parse_category(token: Token, text: str) -> Node:
    """Parse the value of `cat:cs.CL`, `cat:cs.*` or `cat:cs`; aliases become canonical."""
    value = _category_or_archive(token, text, "cat")
    archive = value.removesuffix(ARCHIVE_SUFFIX)
    if archive == value:
        return Label(LabelKind.CATEGORY, value)
    return Label(LabelKind.ARCHIVE, archive)


def _parse_primary(token: Token, text: str) -> Node:
    """Parse the value of `primary:cs.CL` or `primary:cs.*`."""
    return Label(LabelKind.PRIMARY, _category_or_archive(token, text, "primary"))


def _category_or_archive(token: Token, text: str, field: str) -> str:
    """Return a canonical category, or an archive with `.*`."""
    name = token.written.strip()
    if (category := canonical_category(name)) in CATEGORIES:
        return category
    archive = name.rstrip("*").rstrip(".").lower()
    if archive in ARCHIVES or archive in OLD_ARCHIVES:
        return archive + ARCHIVE_SUFFIX
    near = _nearest_category(name)
    names = [canonical_category(part) for part in re.split("[,;+|]", name) if part]
    if len(names) > 1 and all(part in CATEGORIES for part in names):
        hint = f"write {field}:({' OR '.join(names)})"
        refuse(text, f"{name!r} is more than one category", token.start, hint)
    hint = f"did you mean {field}:{near}?" if near else "write one like cat:cs.CL or cat:cs.*"
    refuse(text, f"there is no category {name!r}", token.start, hint)


def _nearest_category(name: str) -> str:
    """Return the category or archive whose name or English title is nearest; "" if none is near."""
    wildcards = {archive + ARCHIVE_SUFFIX: archive + ARCHIVE_SUFFIX for archive in ARCHIVES}
    archives = {title: archive + ARCHIVE_SUFFIX for archive, title in ARCHIVES.items()}
    titles = {title: category for category, title in CATEGORIES.items()}
    names = {category: category for category in CATEGORIES}
    wanted = name.lower().replace("_", ".").replace("/", ".")
    tables: tuple[dict[str, str], ...] = (
        (wildcards, archives) if wanted.endswith("*") else (names, archives | titles)
    )
    subject = " ".join(wanted.rpartition(".")[2].replace("-", " ").split())
    if wanted not in names and subject in _SUBJECTS:
        return _SUBJECTS[subject]
    for table in tables:
        known = {known.lower(): category for known, category in table.items()}
        if near := difflib.get_close_matches(wanted, known, 1, cutoff=0.5):
            return known[near[0]]
    return ""


def _parse_source(token: Token, text: str) -> Node:
    """Parse the value of `source:`: `arxiv`, `hf`, or the name of a community feed."""
    name = token.written.casefold()
    if name.strip("*") in ("", *EVERY_SOURCE):
        reason = f"there is no source {token.written!r}"
        refuse(text, reason, token.start, "write is:picked for papers that any community picked")
    if not SLUG_PATTERN.fullmatch(name):
        hint = "names consist of a-z, 0-9 and hyphens, like source:hf"
        refuse(text, f"there is no source {token.written!r}", token.start, hint)
    return Label(LabelKind.SOURCE, name)


def _parse_id(token: Token, text: str) -> Node:
    """Parse the value of `id:2503.14895`, in any form of an id."""
    try:
        return IdFilter(ArxivId.parse(token.written))
    except BadId as error:
        reason = str(error).partition(": expected")[0]
        refuse(text, reason, token.start, "write one like id:2503.14895")


def _parse_link(token: Token, text: str) -> Node:
    """Parse the value of `link:github.com` or `link:github.com/name`, or of a whole URL."""
    link = normalize_link(token.written)
    if not link:
        hint = "write a host, like link:github.com, or one with a path, like link:github.com/name"
        refuse(text, f"{token.written!r} is no host", token.start, hint)
    if len(link) > MAX_LINK_LENGTH:
        reason = f"the link has {len(link)} characters; at most {MAX_LINK_LENGTH}"
        hint = "leave out its end: what is below an address is found, too"
        refuse(text, reason, token.start, hint)
    return Label(LabelKind.LINK, link)


def _flag_parser(field: str, flags: Collection[str]) -> LabelParser:
    """Return the parser of the values of `is:` or `has:`."""

    def parse_flag(token: Token, text: str) -> Node:
        name = token.written.casefold()
        if name in flags:
            return Label(LabelKind.FLAG, name)
        every = {flag: f"{prefix}:{flag}" for prefix, of in _FLAGS.items() for flag in of}
        near = difflib.get_close_matches(name, every, 1)
        guess = f"did you mean {every[near[0]]}? " if near else ""
        hint = f"{guess}there are {', '.join(every.values())}"
        refuse(text, f"there is no {field}:{token.written}", token.start, hint)

    return parse_flag


LABEL_PARSERS: Final[dict[str, LabelParser]] = {
    "cat": _parse_category,
    "primary": _parse_primary,
    "source": _parse_source,
    "link": _parse_link,
    "id": _parse_id,
    **{field: _flag_parser(field, flags) for field, flags in _FLAGS.items()},
}
"""Prefix to the parser of its values."""


def attach_fields(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens with fields read that a blank separates from their value: `au: hinton`.

    Only where nothing else is meant: in a title `author:` may be a word.
    """
    found = list[Token]()
    for token, after in zip_longest(tokens, tokens[1:]):
        before = found[-1].kind if found else ""
        if after and after.kind in _VALUE_BEGINS and is_spaced_field(token, before):
            token = replace(token, kind="field", written=token.written[:-1])
        elif before == "field" and token.kind == "word":
            token = replace(token, kind="value")
        found.append(token)
    return found


def is_spaced_field(token: Token, before: str) -> bool:
    """Return whether a word behind a token of kind `before` is a field, a blank after its colon."""
    name = token.written.removesuffix(":")
    begins = before in ("", *_OPERAND_BEGINS)
    is_field = name in field_prefixes() or (name in FIELD_ALIASES and begins)
    is_spaced = token.kind == "word" and name != token.written
    return is_field and is_spaced and name not in _WORDS_WITH_COLON


def field_prefixes() -> tuple[str, ...]:
    """Return the prefixes of all fields, in the order in which messages list them."""
    return (*TEXT_FIELDS, *LABEL_PARSERS)
