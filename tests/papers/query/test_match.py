from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Paper, Pick
from papers.query.ast import (
    And,
    Author,
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
from papers.records.packing import LazyPaper, pack
from papers.text.names.person_match import is_person
from papers.text.text_readings import token_readings
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
    ("languag* models*", True),
    ("traine*", False),
    ("trains*", True),
    ("agen*", True),
    ("schroedingers*", False),
    ("larges*", True),
    ("lar* surveys*", True),
    ("rewar* survs*", False),
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
    # labels and ids
    ("cat:cs.CL", True),
    ("cat:cs.NA", True),
    ("cat:cs.LG", False),
    ("cat:cs.*", True),
    ("cat:math", True),
    ("cat:stat", False),
    ("cat:(cs.LG OR cs.NA)", True),
    ("primary:cs.CL", True),
    ("primary:cs.*", True),
    ("primary:math.NA", False),
    ("primary:math.*", False),
    ("is:picked -is:withdrawn -has:code", True),
    ("all:lecun all:reward", True),
    ("all:cvpr", False),
    ("arXiv:2503.14895v1", True),
    ("2503.14896", False),
    ("source:hf", True),
    ("source:OURS", True),
    ("source:nobody", False),
    ("id:2503.14895", True),
    ("id:2503.14896", False),
]


@pytest.mark.parametrize(("keyword", "expected"), KEYWORDS)
def test_keywords_match(keyword: str, expected: bool) -> None:
    assert matches(parse_query(keyword), PAPER) is expected


DAY = date(2025, 3, 19)
ONE_DAY = timedelta(days=1)
MUCH_LATER = datetime(2026, 11, 20, 5, tzinfo=UTC)
MUCH_EARLIER = datetime(2024, 11, 20, 5, tzinfo=UTC)
WITHDRAWN = PAPER._replace(withdrawn_version=2)
REPLACED = PAPER._replace(announce_type=AnnounceType.REPLACE_CROSS)
BARE = Paper(ID)

# leaves without syntax in the language: (a leaf, a paper, whether it matches)
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
    (Label(LabelKind.FLAG, "code"), PAPER._replace(comment="Code: https://github.com/a/b"), True),
    (
        Label(LabelKind.FLAG, "code"),
        PAPER._replace(comment="Code will be at github.com/a/b"),
        False,
    ),
    (Label(LabelKind.FLAG, "project"), PAPER._replace(comment="Page: https://a.github.io"), True),
    (Label(LabelKind.FLAG, "project"), PAPER._replace(project="https://a.io"), True),
    (Label(LabelKind.FLAG, "project"), PAPER, False),
    (Label(LabelKind.TYPE, "cross"), PAPER, True),
    (Label(LabelKind.TYPE, "new"), PAPER, False),
    (Label(LabelKind.TYPE, "new"), BARE, True),
    (Label(LabelKind.TYPE, "replace-cross"), REPLACED, True),
    (DateRange(DAY, DAY), PAPER, True),
    (DateRange(None, DAY), PAPER, True),
    (DateRange(DAY, None), PAPER, True),
    (DateRange(DAY + ONE_DAY, None), PAPER, False),
    (DateRange(None, DAY - ONE_DAY), PAPER, False),
    # the indexed day is near the id's month, whatever the sources state
    (DateRange(date(2026, 11, 1), None), PAPER._replace(announced_at=MUCH_LATER), False),
    (DateRange(date(2025, 4, 20), None), PAPER._replace(announced_at=MUCH_LATER), True),
    (DateRange(None, date(2025, 2, 28)), PAPER._replace(announced_at=MUCH_EARLIER), False),
    (DateRange(None, date(2025, 3, 1)), PAPER._replace(announced_at=MUCH_EARLIER), True),
]


@pytest.mark.parametrize(("leaf", "paper", "expected"), LEAVES, ids=range(len(LEAVES)))
def test_filters_match(leaf: Leaf, paper: Paper, expected: bool) -> None:
    assert matches_node(leaf, FoldedPaper(paper)) is expected


def explained(keyword: str) -> list[tuple[str, str, str]]:
    """Return the field, the text at the position, and the term of every match."""
    fields = {"title": PAPER.title, "abstract": PAPER.abstract, "authors": ", ".join(PAPER.authors)}
    fields |= {"comment": PAPER.comment, "organization": PAPER.organization}
    return [
        (m.field, fields[m.field][m.start : m.end], m.term)
        for m in explain(parse_query(keyword), PAPER)
    ]


# (a keyword, its matches in PAPER)
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


@pytest.mark.parametrize(("keyword", "expected"), EXPLAINED)
def test_matches_are_explained(keyword: str, expected: list[tuple[str, str, str]]) -> None:
    assert explained(keyword) == expected


# (a keyword, an abstract, an author, what is marked and by which rule)
RULES = [
    (
        "model",
        "Models are MODELS of a model.",
        "",
        ["Models plural", "MODELS plural", "model word"],
    ),
    ('"reward model"', "reward-models", "", ["reward-models hyphen"]),
    ('"reward model"', "reward (Model)", "", ["reward (Model word"]),
    ("reward-model", "reward model", "", ["reward model word"]),
    ("multimodal", "a multi-modal one", "", ["multi-modal joined"]),
    ("multi-modal", "a multimodal one", "", ["multimodal closed"]),
    ("multi-modal", "a multi-modal one", "", ["multi-modal hyphen"]),
    ("gpt4", "GPT 4", "", ["GPT 4 open"]),
    ("gpt4", "GPT-4", "", ["GPT-4 joined"]),
    ("fine-tun*", "finetuned", "", ["finetuned prefix"]),
    ("schrodinger", "Schrödinger", "", ["Schrödinger folded"]),
    ("h2o", "H$_2$O", "", ["H$_2$O folded"]),
    ("criterion", "criteria", "", ["criteria plural"]),
    ("analyses", "an analysis", "", ["analysis word"]),
    ('au:"g. hinton"', "", "Geoffrey Hinton", ["Geoffrey Hinton initial"]),
    ('au:"geoffrey hinton"', "", "Geoffrey Hinton", ["Geoffrey Hinton word"]),
    ('au:"geoffrey hinton"', "", "Hinton, Geoffrey", ["Hinton, Geoffrey word"]),
    ('au:"geoffrey hinton"', "", "Geoffrey E. Hinton", ["Geoffrey E. Hinton initial"]),
    ('au:"le cun"', "", "Yann LeCun", ["Yann LeCun name"]),
    ("au:lecun", "", "Yann Le Cun", ["Le Cun name"]),
]


@pytest.mark.parametrize(("keyword", "abstract", "author", "expected"), RULES)
def test_matches_say_by_which_rule(
    keyword: str, abstract: str, author: str, expected: list[str]
) -> None:
    paper = PAPER._replace(title="T", abstract=abstract, authors=(author,) if author else ())
    found = explain(parse_query(keyword), paper)
    assert [f"{matched_text(paper, match)} {match.rule}" for match in found] == expected


def occurs(leaf: Text, folded: list[str]) -> bool:
    """Return whether a spelling's words occur next to each other: the simplest implementation."""
    if leaf.is_prefix:
        return any(leaf.matches_word(word) for word in folded)
    return any(
        words == tuple(folded[at : at + len(words)])
        for words in leaf.spellings
        for at in range(len(folded))
    )


def readings(text: str) -> list[list[str]]:
    """Return the words of a text, and those of its readings with hyphenated pairs joined."""
    words, closed = token_readings(text)
    return [words, *closed]


def matches_by_definition(node: Node, paper: Paper) -> bool:
    """Return what `matches_node` should return for words and phrases."""
    if isinstance(node, And):
        required = all(matches_by_definition(child, paper) for child in node.required)
        return required and not any(matches_by_definition(child, paper) for child in node.excluded)
    if isinstance(node, Or):
        return any(matches_by_definition(child, paper) for child in node.alternatives)
    if not isinstance(node, Text):
        return matches_node(node, FoldedPaper(paper))
    texts = {
        Field.ANY: [paper.title, paper.abstract],
        Field.TITLE: [paper.title],
        Field.ABSTRACT: [paper.abstract],
        Field.COMMENT: [paper.comment],
        Field.ORGANIZATION: [paper.organization],
    }
    return any(occurs(node, words) for text in texts[node.field] for words in readings(text))


@given(queries(), PAPERS)
def test_matcher_agrees_with_the_definition(query: Query, paper: Paper) -> None:
    assert matches(query, paper) is matches_by_definition(query.tree, paper)


@given(queries(), PAPERS)
def test_packed_papers_match_like_unpacked_ones(query: Query, paper: Paper) -> None:
    packed = LazyPaper(paper.id.doc_id, pack(paper))
    expected = matches_by_definition(query.tree, paper)
    assert matches_node(query.tree, FoldedPaper(packed)) is expected


@pytest.mark.parametrize(
    ("phrase", "abstract", "expected"),
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
def test_spellings_of_a_phrase(phrase: str, abstract: str, expected: bool) -> None:
    paper = PAPER._replace(title="Title", abstract=abstract)
    tree = parse_query(f'"{phrase}"').tree
    assert matches_node(tree, FoldedPaper(paper)) is expected
    assert matches_node(tree, FoldedPaper(LazyPaper(paper.id.doc_id, pack(paper)))) is expected


def required_texts(node: Node) -> list[Text | Author]:
    if isinstance(node, And):
        return [leaf for child in node.required for leaf in required_texts(child)]
    if isinstance(node, Or):
        return [leaf for child in node.alternatives for leaf in required_texts(child)]
    return [node] if isinstance(node, Text | Author) else []


@given(queries(), PAPERS)
def test_exactly_the_matching_terms_are_explained(query: Query, paper: Paper) -> None:
    found = explain(query, paper)
    matching = {
        str(leaf) for leaf in required_texts(query.tree) if matches_by_definition(leaf, paper)
    }
    assert {match.term for match in found} == matching


@given(queries(), PAPERS)
def test_explained_positions_contain_the_words(query: Query, paper: Paper) -> None:
    leaves = {str(leaf): leaf for leaf in required_texts(query.tree)}
    for match in explain(query, paper):
        leaf = leaves[match.term]
        text = matched_text(paper, match)
        if isinstance(leaf, Author):
            assert is_person(leaf.readings, [text])
        else:
            assert any(occurs(leaf, words) for words in readings(f"{text} x"))


def matched_text(paper: Paper, match: Match) -> str:
    value = getattr(paper, match.field)
    text: str = ", ".join(value) if match.field == "authors" else value
    return text[match.start : match.end]


def test_id_filter_matches_a_paper_without_text() -> None:
    assert matches_node(IdFilter(ID), FoldedPaper(BARE))
    assert explain(parse_query("id:2503.14895"), PAPER) == []
