"""Hypothesis strategies for keywords, with the same few words as `papers_strategies`."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from papers.model.arxiv_id import ArxivId
from papers.model.categories import canonical_category
from papers.query.ast import (
    Author,
    Field,
    IdFilter,
    Label,
    LabelKind,
    Node,
    Text,
    all_of,
    any_of,
    leaves,
)
from papers.query.grammar import MAX_TERMS
from papers.query.parser import Query
from papers.query.request import ALL_ANNOUNCE_TYPES, SearchRequest
from papers.query.tokens import MAX_QUERY_LENGTH
from papers.text.compounds import close_number
from papers.text.folding import tokenize
from papers.text.names.person_names import name_words
from tests.papers.papers_strategies import CATEGORIES, NAMES, TUESDAY, WORDS, ids

_TEXT_FIELDS = (Field.ANY, Field.ANY, Field.TITLE, Field.ABSTRACT)
_STEMS = ("mod", "pretrain", "gpt4", "rewar", "agents", "models", "alph", "vis", "the")
_FOLDED_WORDS = tuple(dict.fromkeys(word for phrase in WORDS for word in tokenize(phrase)))

_JOINED_WORDS = ("multimodal", "unet", "gpt4", "visionlanguage", "pretrained", "irs", "gps")
_WORDS = (*_FOLDED_WORDS, *_JOINED_WORDS)


_phrases = (
    st.lists(st.sampled_from(_WORDS), min_size=1, max_size=3)
    | st.sampled_from([["multi", "modal"], ["pre", "trained", "model"], ["u", "net"], ["gpt", "4"]])
).map(lambda words: close_number(tuple(words)))
_name_pieces = st.sampled_from(
    list(dict.fromkeys(piece for name in NAMES for piece in (*name.split(), *name_words(name))))
)
typed_names = (
    st.lists(_name_pieces | st.sampled_from("geyj"), min_size=1, max_size=4)
    .map(lambda pieces: Author(name_words(" ".join(pieces))))
    .filter(lambda author: author.words)
)

leaf = st.one_of(
    st.builds(Text, st.sampled_from(_TEXT_FIELDS), _phrases),
    st.builds(Text, st.sampled_from(_TEXT_FIELDS), _phrases),
    st.builds(
        Text,
        st.sampled_from(_TEXT_FIELDS),
        st.sampled_from(_STEMS).map(lambda s: (s,)),
        st.just(True),
    ),
    typed_names,
    st.builds(Text, st.just(Field.COMMENT), st.sampled_from([("cvpr",), ("cvpr2025",)])),
    st.builds(Text, st.just(Field.ORGANIZATION), st.sampled_from([("reward",), ("model", "ltd")])),
    st.sampled_from(CATEGORIES).map(
        lambda name: Label(LabelKind.CATEGORY, canonical_category(name))
    ),
    st.sampled_from(["cs", "math", "hep-th", "stat"]).map(
        lambda name: Label(LabelKind.ARCHIVE, name)
    ),
    st.sampled_from(["arxiv", "hf", "ours", "nobody"]).map(
        lambda name: Label(LabelKind.SOURCE, name)
    ),
    st.sampled_from(["cs.CL", "math-ph", "cs.*", "math.*"]).map(
        lambda name: Label(LabelKind.PRIMARY, name)
    ),
    st.sampled_from(["github.com", "github.com/a", "github.com/a/b/tree"]).map(
        lambda link: Label(LabelKind.LINK, link)
    ),
    st.sampled_from(["picked", "withdrawn", "code", "project"]).map(
        lambda name: Label(LabelKind.FLAG, name)
    ),
    ids.map(IdFilter) | st.just(IdFilter(ArxivId.parse("2503.00099"))),
)


def trees(max_leaves: int = 6) -> st.SearchStrategy[Node]:
    """Return trees in normal form that the keyword language can express within its limits."""
    drawn: st.SearchStrategy[Node] = st.recursive(leaf, _combined, max_leaves=max_leaves)
    return drawn.filter(_within_limits)


def queries(max_leaves: int = 6) -> st.SearchStrategy[Query]:
    """Return parsed keywords."""
    return trees(max_leaves).map(Query)


def _combined(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    nodes = st.lists(children, min_size=1, max_size=3)
    excluded = st.lists(children, max_size=2)
    return st.builds(all_of, nodes, excluded) | st.builds(any_of, nodes)


def _within_limits(tree: Node) -> bool:
    return len(str(tree)) <= MAX_QUERY_LENGTH and len(list(leaves(tree))) <= MAX_TERMS


days = st.none() | st.integers(-50, 90).map(lambda n: TUESDAY.date() + timedelta(days=n))

requests = st.builds(
    SearchRequest,
    query=queries(),
    limit=st.integers(1, 5),
    order=st.sampled_from(["announced", "announced", "picked", "revised", "withdrawn", "code"]),
    types=st.just(ALL_ANNOUNCE_TYPES)
    | st.sets(st.sampled_from(["new", "cross", "replace", "replace-cross"]), min_size=1).map(
        frozenset
    ),
    min_votes=st.sampled_from([0, 0, 0, 1, 5]),
    since=st.none() | days,
    until=st.none() | days,
    source=st.sampled_from(["", "", "", "arxiv", "hf", "HF"]),
)
