from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given

from papers.model.arxiv_id import ArxivId
from papers.model.packing import LazyPaper, pack
from papers.model.paper import AnnounceType, Paper, Pick
from papers.query.ast import (
    And,
    DateRange,
    Field,
    IdFilter,
    Label,
    LabelKind,
    Leaf,
    MinVotes,
    Node,
    Or,
    Text,
)
from papers.query.explain import Match, explain
from papers.query.match import FoldedPaper, matches, matches_node
from papers.query.parser import Query, parse_query
from papers.text.folding import tokenize, tokenize_unstemmed
from tests.papers.papers_strategies import PAPERS
from tests.papers.query_strategies import queries

ID = ArxivId.parse("2503.14895")
PICKED_AT = datetime(2025, 3, 20, 9, tzinfo=UTC)
PAPER = Paper(
    ID,
    title=r"Reward-Models for $\alpha$-Agents: A Survey",
    abstract="We train large language models (LLMs) on Schrödinger's reward.\nThe model, rewarded.",
    authors=("Yann LeCun", "Anna Rogers", r"Erwin Schr\"odinger"),
    primary="cs.CL",
    categories=("cs.CL", "math.NA"),
    comment="Accepted at CVPR 2025; 9 pages",
    organization="Google DeepMind",
    announce_type=AnnounceType.CROSS,
    announced_at=datetime(2025, 3, 19, 4, tzinfo=UTC),
    picks=(Pick("hf", PICKED_AT, votes=7), Pick("ours", PICKED_AT)),
    sources=("arxiv", "hf", "ours"),
)

# (a keyword, whether it matches PAPER)
KEYWORDS = [
    ("reward", True),
    ("rewards", True),
    ("rew", False),
    ("reward survey llm", True),
    ("reward nothing", False),
    ("nothing OR survey", True),
    ("reward -survey", False),
    ("reward -nothing", True),
    ("reward -(survey nothing)", True),
    ("reward -(survey OR nothing)", False),
    ("reward -(survey -nothing)", False),
    # phrases
    ('"reward model"', True),
    ('"language model"', True),
    ('"large language models LLM on"', True),
    ('"reward the"', True),
    ('"model agent"', False),
    ('"survey we"', False),
    ('"alpha agents"', True),
    ('"schrodinger reward"', True),
    ('"guage mod"', False),
    ('-"reward model" reward', False),
    # prefixes
    ("surv*", True),
    ("urvey*", False),
    ("ti:schro*", False),
    ("abs:schro*", True),
    ("models*", True),
    ("the* reward", True),
    ("thes* reward", False),
    ("llms*", True),
    ("ons* reward", False),
    # fields
    ("ti:survey", True),
    ("abs:survey", False),
    ("abs:reward", True),
    ('ti:"reward model"', True),
    ('abs:"reward model"', False),
    ("au:lecun", True),
    ("au:rogers", True),
    ("au:roger", False),
    ('au:"anna rogers"', True),
    ('au:"rogers anna"', False),
    ('au:"lecun anna"', False),
    ("au:Schrödinger", True),
    ("lecun", False),
    ("comment:cvpr", True),
    ('comment:"cvpr 2025"', True),
    ("cvpr", False),
    ("org:google", True),
    ('org:"google deepmind"', True),
    ("google", False),
    # marks
    ("cat:cs.CL", True),
    ("cat:cs.NA", True),
    ("cat:cs.LG", False),
    ("cat:cs.*", True),
    ("cat:math", True),
    ("cat:stat", False),
    ("source:hf", True),
    ("source:OURS", True),
    ("source:nobody", False),
    ("id:2503.14895", True),
    ("id:2503.14896", False),
]


@pytest.mark.parametrize(("keyword", "matching"), KEYWORDS)
def test_keywords(keyword: str, matching: bool) -> None:
    assert matches(parse_query(keyword), PAPER) is matching


DAY = date(2025, 3, 19)
ONE = timedelta(days=1)
MUCH_LATER = datetime(2026, 11, 20, 5, tzinfo=UTC)
MUCH_EARLIER = datetime(2024, 11, 20, 5, tzinfo=UTC)
WITHDRAWN = PAPER._replace(withdrawn_version=2)
REPLACED = PAPER._replace(announce_type=AnnounceType.REPLACE_CROSS)
BARE = Paper(ID)

# What has no spelling in the language: (a leaf, a paper, whether it holds).
LEAVES: list[tuple[Leaf, Paper, bool]] = [
    (MinVotes(7), PAPER, True),
    (MinVotes(8), PAPER, False),
    (MinVotes(1), BARE, False),
    (Label(LabelKind.FLAG, "picked"), PAPER, True),
    (Label(LabelKind.FLAG, "picked"), BARE, False),
    (Label(LabelKind.FLAG, "withdrawn"), WITHDRAWN, True),
    (Label(LabelKind.FLAG, "withdrawn"), PAPER, False),
    (Label(LabelKind.FLAG, "code"), PAPER._replace(code="https://github.com/a/b"), True),
    (Label(LabelKind.FLAG, "code"), PAPER, False),
    (Label(LabelKind.TYPE, "cross"), PAPER, True),
    (Label(LabelKind.TYPE, "new"), PAPER, False),
    (Label(LabelKind.TYPE, "new"), BARE, True),
    (Label(LabelKind.TYPE, "replace-cross"), REPLACED, True),
    (DateRange(DAY, DAY), PAPER, True),
    (DateRange(None, DAY), PAPER, True),
    (DateRange(DAY, None), PAPER, True),
    (DateRange(DAY + ONE, None), PAPER, False),
    (DateRange(None, DAY - ONE), PAPER, False),
    # a paper counts under a day near its id's month, whatever is said of it
    (DateRange(date(2026, 11, 1), None), PAPER._replace(announced_at=MUCH_LATER), False),
    (DateRange(date(2025, 4, 20), None), PAPER._replace(announced_at=MUCH_LATER), True),
    (DateRange(None, date(2025, 2, 28)), PAPER._replace(announced_at=MUCH_EARLIER), False),
    (DateRange(None, date(2025, 3, 1)), PAPER._replace(announced_at=MUCH_EARLIER), True),
]


@pytest.mark.parametrize(("leaf", "paper", "holding"), LEAVES, ids=range(len(LEAVES)))
def test_what_stands_beside_the_keyword(leaf: Leaf, paper: Paper, holding: bool) -> None:
    assert matches_node(leaf, FoldedPaper(paper)) is holding


def told(keyword: str) -> list[tuple[str, str, str]]:
    """Field, what stands at its place, and term of every match."""
    fields = {"title": PAPER.title, "abstract": PAPER.abstract, "authors": ", ".join(PAPER.authors)}
    fields |= {"comment": PAPER.comment, "organization": PAPER.organization}
    return [
        (m.field, fields[m.field][m.start : m.end], m.term)
        for m in explain(parse_query(keyword), PAPER)
    ]


# (a keyword, the matches)
EXPLAINED = [
    ("survey", [("title", "Survey", "survey")]),
    ("reward", [("abstract", "reward", "reward"), ("title", "Reward", "reward")]),
    ('"language model"', [("abstract", "language models", '"language model"')]),
    ('"alpha agents"', [("title", r"$\alpha$-Agents:", '"alpha agent"')]),
    ("rewarde*", [("abstract", "rewarded", "rewarde*")]),
    (
        "models*",
        [("abstract", w, "models*") for w in ("models", "model")]
        + [("title", "Models", "models*")],
    ),
    ('au:"anna rogers"', [("authors", "Anna Rogers", 'au:"anna rogers"')]),
    ("au:erwin", [("authors", "Erwin", "au:erwin")]),
    ("org:google", [("organization", "Google", "org:google")]),
    ("comment:cvpr", [("comment", "CVPR", "comment:cvpr")]),
    ("survey OR nothing", [("title", "Survey", "survey")]),
    ("ti:survey -google", [("title", "Survey", "ti:survey")]),
    ("cat:cs.CL", []),
    ("nothing", []),
]


@pytest.mark.parametrize(("keyword", "places"), EXPLAINED)
def test_explanations(keyword: str, places: list[tuple[str, str, str]]) -> None:
    assert told(keyword) == places


def stands(leaf: Text, folded: list[str]) -> bool:
    """Whether a leaf's words stand in a row of folded words: the plain way to say it."""
    if leaf.is_prefix:
        return any(leaf.matches_word(word) for word in folded)
    length = len(leaf.words)
    windows = (tuple(folded[at : at + length]) for at in range(len(folded)))
    return leaf.words in windows


def plainly(node: Node, paper: Paper) -> bool:
    """What `holds` should say of words and phrases."""
    if isinstance(node, And):
        return all(plainly(n, paper) for n in node.required) and not any(
            plainly(n, paper) for n in node.excluded
        )
    if isinstance(node, Or):
        return any(plainly(n, paper) for n in node.alternatives)
    if not isinstance(node, Text):
        return matches_node(node, FoldedPaper(paper))
    rows = {
        Field.ANY: [tokenize(paper.title), tokenize(paper.abstract)],
        Field.TITLE: [tokenize(paper.title)],
        Field.ABSTRACT: [tokenize(paper.abstract)],
        Field.AUTHOR: [tokenize_unstemmed(name) for name in paper.authors],
        Field.COMMENT: [tokenize(paper.comment)],
        Field.ORGANIZATION: [tokenize(paper.organization)],
    }
    return any(stands(node, row) for row in rows[node.field])


@given(queries(), PAPERS)
def test_matching_is_what_the_words_say(query: Query, paper: Paper) -> None:
    assert matches(query, paper) is plainly(query.tree, paper)


@given(queries(), PAPERS)
def test_a_packed_paper_is_matched_as_it_is_unpacked(query: Query, paper: Paper) -> None:
    opened = LazyPaper(paper.id.doc_id, pack(paper))
    assert matches_node(query.tree, FoldedPaper(opened)) is plainly(query.tree, paper)


@pytest.mark.parametrize(
    ("phrase", "abstract", "holding"),
    [
        ("reward model", "Of Reward\n-Models.", True),
        ("reward model", "of reward (models)", True),
        ("reward model", "of prereward models", False),
        ("reward model", "of reward modelled", False),
        ("reward model", "of rewards' models", True),
        ("reward model", "of the reward's model", True),
        ("model criterion", "The models' criteria", True),
        ("criterion model", "Of criteria: Model", True),
        ("reward model", "reward, as a model", False),
        ("reward model", "of preward reward model", True),
        ("reward model", "of $R$-reward model", True),
        ("reward model", "of reward_model", True),
        ("mouse model", "A mice model", True),
        ("mouse model", "A mini model", False),
    ],
)
def test_how_phrases_may_be_written(phrase: str, abstract: str, holding: bool) -> None:
    paper = PAPER._replace(title="Title", abstract=abstract)
    tree = parse_query(f'"{phrase}"').tree
    assert matches_node(tree, FoldedPaper(paper)) is holding
    assert matches_node(tree, FoldedPaper(LazyPaper(paper.id.doc_id, pack(paper)))) is holding


def wanted_texts(node: Node) -> list[Text]:
    if isinstance(node, And):
        return [leaf for child in node.required for leaf in wanted_texts(child)]
    if isinstance(node, Or):
        return [leaf for child in node.alternatives for leaf in wanted_texts(child)]
    return [node] if isinstance(node, Text) else []


@given(queries(), PAPERS)
def test_explanations_are_of_the_texts_that_match(query: Query, paper: Paper) -> None:
    found = explain(query, paper)
    matching = {str(leaf) for leaf in wanted_texts(query.tree) if plainly(leaf, paper)}
    assert {match.term for match in found} == matching


@given(queries(), PAPERS)
def test_explained_places_hold_the_words(query: Query, paper: Paper) -> None:
    leaves = {str(leaf): leaf for leaf in wanted_texts(query.tree)}
    for match in explain(query, paper):
        leaf = leaves[match.term]
        fold = tokenize_unstemmed if leaf.field is Field.AUTHOR else tokenize
        assert stands(leaf, fold(slice_of(paper, match)))


def slice_of(paper: Paper, match: Match) -> str:
    value = getattr(paper, match.field)
    text: str = ", ".join(value) if match.field == "authors" else value
    return text[match.start : match.end]


def test_named_papers_need_no_text() -> None:
    assert matches_node(IdFilter(ID), FoldedPaper(BARE))
    assert explain(parse_query("id:2503.14895"), PAPER) == []
