"""Query parameters of URLs, and their canonical form.

`parse_params` turns the arguments of a request into `SearchParams`, whose `query_string` is the one
that every equal request is redirected to: the keyword as it is displayed, parameters sorted,
defaults left out.
`ALL_PARAMETERS` is the whole table: the OpenAPI description is generated from it too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote_plus

from werkzeug.datastructures import MultiDict

from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.query.parser import Query, parse_query
from papers.query.request import ORDERS, SearchRequest
from service.urls import param_types
from service.urls.forgiving import clean_args

MAX_PAPERS: Final = 200
MAX_VALUE_LENGTH: Final = 2_000
MAX_KEYWORDS: Final = 50
_UNESCAPED: Final = ":,()*/"
"""Not percent-encoded in a canonical query string: no browser encodes them in links."""


@dataclass(frozen=True)
class SearchParams:
    """The parameters of a request in normal form.

    `query` is None for saved keywords: the one that the path names, or the union of `keywords`,
    which are slugs in order, each once. `options` are fields of `SearchRequest` that differ from
    their defaults. `digest_kind` is `day` or `week` for a digest of papers, "" for papers.
    """

    query: Query | None
    options: Mapping[str, Any]
    keywords: tuple[str, ...] = ()
    digest_kind: str = ""

    def search_request(self, query: Query) -> SearchRequest:
        """Return the search request for the query of a keyword."""
        return SearchRequest(query=query, **self.options)

    def at_cursor(self, cursor: str) -> SearchParams:
        """Return the same parameters from a cursor on; "" is the first page."""
        options = {name: value for name, value in self.options.items() if name != "before"}
        return replace(self, options={**options, "before": cursor} if cursor else options)

    @cached_property
    def query_string(self) -> str:
        """The canonical query string, without `?`; empty if all parameters are default."""
        pairs = [(KEYWORD_PARAMETER.name, slug) for slug in self.keywords]
        if self.query:
            pairs.append((QUERY_PARAMETER.name, self.query.display_text))
        if self.digest_kind:
            pairs.append((DIGEST_PARAMETER.name, self.digest_kind))
        pairs += self.option_strings.items()
        return "&".join(
            f"{name}={quote_plus(text, safe=_UNESCAPED)}" for name, text in sorted(pairs)
        )

    @property
    def option_strings(self) -> dict[str, str]:
        """The options as texts of the canonical query string, by name of the parameter."""
        return {
            parameter.name: parameter.format(self.options[parameter.request_field])
            for parameter in OPTION_PARAMETERS
            if parameter.request_field in self.options
        }


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: the field of `SearchRequest` that it sets, parser, formatter and schema.

    `parse` takes the text and the names of all sources; its ValueError says what is wrong.
    """

    name: str
    request_field: str
    parse: Callable[[str, Collection[str]], Any]
    format: Callable[[Any], str]
    schema: Mapping[str, Any]
    description: str


def parse_params(
    args: MultiDict[str, str], *, is_saved: bool, sources: Collection[str]
) -> SearchParams:
    """Parse the parameters of a request; a saved keyword takes neither `q` nor `k`.

    `sources` are the values that `source=` may have. Raises BadParameter, BadQuery.
    """
    args = clean_args(args)
    known = (*OPTION_PARAMETERS, DIGEST_PARAMETER) if is_saved else ALL_PARAMETERS
    given = _collect_params(args, [parameter.name for parameter in known])
    keywords = _parse_slugs(args.getlist(KEYWORD_PARAMETER.name))
    if not is_saved and not given.get("q") and not keywords:
        raise BadParameter("q", "missing; give a keyword, as in ?q=reward+model")
    if given.get("q") and keywords:
        raise BadParameter("k", "goes without q; give saved keywords or a query")
    query = parse_query(given["q"]) if given.get("q") else None
    options = {
        parameter.request_field: _parse_value(parameter, given[parameter.name], sources)
        for parameter in OPTION_PARAMETERS
        if given.get(parameter.name)
    }
    if "before" in options and options.get("order") != "revised":
        options["before"] = str(ArxivId.parse(options["before"]))  # only a revision has a version
    since, until = options.get("since"), options.get("until")
    if since and until and since > until:
        raise BadParameter("since", f"{since} is after until={until}; swap them")
    defaults = SearchRequest(query=query or parse_query("any"))
    changed = {field: v for field, v in options.items() if v != getattr(defaults, field)}
    digest = _parse_value(DIGEST_PARAMETER, given["digest"], sources) if given.get("digest") else ""
    if digest and changed:
        raise BadParameter("digest", "goes with q or k alone; leave the other parameters out")
    return SearchParams(query, changed, keywords, digest)


def parse_plain_params(
    args: MultiDict[str, str], parameters: Sequence[Parameter]
) -> dict[str, Any]:
    """Parse the parameters of what is no search, each once. Raises BadParameter."""
    given = _collect_params(clean_args(args), [parameter.name for parameter in parameters])
    return {
        parameter.name: _parse_value(parameter, given[parameter.name], ())
        for parameter in parameters
        if parameter.name in given
    }


def parse_list_params(args: MultiDict[str, str]) -> SearchParams:
    """Parse the parameters of a pick list. Raises BadParameter, BadQuery."""
    known = [parameter.name for parameter in LIST_PARAMETERS]
    given = _collect_params(clean_args(args), known)
    if not given.get("q"):
        given["q"] = EVERY_MEMBER
    query_text = given["q"]
    plain = MultiDict({name: text for name, text in given.items() if text})
    params = parse_params(plain, is_saved=False, sources=())
    return replace(params, query=None) if query_text == EVERY_MEMBER else params


def reject_parameters(args: MultiDict[str, str], *, known: Collection[str] = ()) -> None:
    """Raise BadParameter for any parameter but `known` ones and tags of trackers (`utm_…`)."""
    known_names = f"there is only {', '.join(known)}" if known else "there are none"
    for name in clean_args(args):
        if name not in known:
            raise BadParameter(abbreviate(name), f"no such parameter; {known_names} here")


def _collect_params(args: MultiDict[str, str], known: Collection[str]) -> dict[str, str]:
    """Return every parameter but `k`, normalized; each may be given once."""
    given = {}
    for name, texts in args.lists():
        if name not in known:
            raise BadParameter(abbreviate(name), f"no such parameter; there are {', '.join(known)}")
        if name == KEYWORD_PARAMETER.name:
            continue
        if len(texts) > 1:
            raise BadParameter(name, f"given {len(texts)} times; give it once")
        given[name] = _normalize(name, texts[0])
    return given


def _parse_slugs(names: Sequence[str]) -> tuple[str, ...]:
    """Return the slugs of saved keywords by any form of their names, sorted, each once."""
    if len(names) > MAX_KEYWORDS:
        reason = f"given {len(names)} times; at most {MAX_KEYWORDS} at a time: make it two"
        raise BadParameter(KEYWORD_PARAMETER.name, reason)
    texts = [_normalize(KEYWORD_PARAMETER.name, name) for name in names]
    return tuple(sorted({_parse_value(KEYWORD_PARAMETER, text, ()) for text in texts if text}))


def _normalize(name: str, text: str) -> str:
    """Return a value in Unicode's composed form (NFC), stripped. Raises BadParameter."""
    if len(text) > MAX_VALUE_LENGTH and name != QUERY_PARAMETER.name:  # which has its own bound
        raise BadParameter(
            name, f"has {len(text):,} characters; at most {MAX_VALUE_LENGTH:,}: shorten it"
        )
    if any(unicodedata.category(c) in ("Cc", "Cs") or c == "\ufffd" for c in text):
        raise BadParameter(
            name, "has a control character, or bytes that are no text in UTF-8; type it again"
        )
    return unicodedata.normalize("NFC", text).strip()


def _parse_value(parameter: Parameter, text: str, sources: Collection[str]) -> Any:
    try:
        return parameter.parse(text, sources)
    except ValueError as error:
        raise BadParameter(parameter.name, f"{abbreviate(text)!r} {error}") from error


def abbreviate(text: str) -> str:
    """Return a client's text for a message: at most 80 characters, no control characters."""
    return (
        replace_control_chars(text) if len(text) <= 80 else f"{replace_control_chars(text[:80])}…"
    )


def replace_control_chars(text: str) -> str:
    """Return a text of a client with U+FFFD for each control character: safe in pages and logs."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


_DATE: Final = {"type": "string", "format": "date"}
QUERY_PARAMETER: Final = Parameter(
    "q",
    "query",
    lambda text, _: parse_query(text),
    lambda query: str(query.display_text),
    {"type": "string", "minLength": 1},
    "The keyword, in the keyword language.",
)
KEYWORD_PARAMETER: Final = Parameter(
    "k",
    "keywords",
    param_types.parse_slug,
    str,
    {"type": "array", "items": {"type": "string"}, "maxItems": MAX_KEYWORDS},
    "In place of `q` a saved keyword's name; given again for papers of any of them, each once.",
)
OPTION_PARAMETERS: Final = tuple(
    Parameter(*row)
    for row in (
        (
            *("n", "limit", param_types.integer_between(1, MAX_PAPERS), str),
            {"type": "integer", "minimum": 1, "maximum": MAX_PAPERS, "default": 100},
            "The maximum number of papers.",
        ),
        (
            *("before", "before", param_types.parse_cursor, str, {"type": "string"}),
            "Where to continue: the cursor of a `next` link.",
        ),
        (
            *(
                "types",
                "types",
                param_types.parse_announce_types,
                param_types.format_announce_types,
            ),
            {"type": "string", "default": "new,cross"},
            "How arXiv first announced the paper, as far as is known: any of new, cross, replace, "
            "joined by commas. `replace`: only replacements are known. Later versions: "
            "`when=revised`, where any type is the default.",
        ),
        (
            *("min_votes", "min_votes", param_types.integer_between(0, 1_000_000), str),
            {"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 0},
            "Minimum number of votes in a community.",
        ),
        (
            *("when", "order", param_types.parse_order, str),
            {"type": "string", "enum": list(ORDERS), "default": "announced"},
            "`announced`: newest announcement first. `picked`: picked papers, newest pick first. "
            "`revised`: later versions, newest first. `withdrawn`, `code`: papers withdrawn, or "
            "first known to have code, newest first.",
        ),
        (
            *("since", "since", param_types.parse_iso_day, str, _DATE),
            "Not before that day, in UTC.",
        ),
        (*("until", "until", param_types.parse_iso_day, str, _DATE), "Not after that day, in UTC."),
        (
            *("source", "source", param_types.parse_source, str, {"type": "string"}),
            "Only papers that this source named: arxiv, hf, or a community's name.",
        ),
    )
)
"""Parameters besides the keyword."""

DIGEST_PARAMETER: Final = Parameter(
    "digest",
    "digest",
    param_types.parse_digest_kind,
    str,
    {"type": "string", "enum": ["day", "week"]},
    "In place of papers one entry a day or week (UTC) that lists them, when it is over.",
)
ALL_PARAMETERS: Final = (QUERY_PARAMETER, KEYWORD_PARAMETER, *OPTION_PARAMETERS, DIGEST_PARAMETER)
LIST_PARAMETERS: Final = (
    QUERY_PARAMETER,
    *(p for p in OPTION_PARAMETERS if p.name in ("n", "before", "min_votes", "since", "until")),
)
"""Parameters of a pick list; days are those on which papers joined."""
EVERY_MEMBER: Final = "is:picked"
"""The query that every paper of a pick list matches."""
DEFAULT_PARAMS: Final = SearchParams(None, {})
"""No parameters: a saved keyword as it is."""
