from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from papers.errors import BadQuery
from papers.query.ast import And, Node, Or
from papers.query.grammar import MAX_DEPTH, MAX_PHRASE_WORDS, MAX_TERMS
from papers.query.parser import Query, parse_query
from papers.query.tokens import MAX_QUERY_LENGTH
from tests.papers.papers_strategies import texts
from tests.papers.query_strategies import trees

# (a keyword as typed, its canonical text)
CANONICAL = [
    # words and phrases
    ("reward model", "model reward"),
    ("Reward-Models", '"reward model"'),
    ('"Reward Models"', '"reward model"'),
    ("“reward model”", '"reward model"'),
    ("«reward» „model“", "model reward"),
    ("reward reward rewards", "reward"),
    ('"reward"', "reward"),
    ("BERT's $\\alpha$-LLMs", '"alpha llm" bert'),
    (r"Schr\"odinger", "schrodinger"),
    (r'"Schr\"odinger equation"', '"schrodinger equation"'),
    ("state-of-the-art", '"state of the art"'),
    ("C++", "cplusplus"),
    ("模型", "模型"),
    ("a,b", '"a b"'),
    # lone signs
    ("foo & bar", "bar foo"),
    ("GANs -- a survey", "a gan survey"),
    ("GANs – a survey", "a gan survey"),
    ("a * b", "a b"),
    ("ti:(foo + bar)", "ti:bar ti:foo"),
    ("cat:(cs.CL & cs.LG)", "cat:cs.CL cat:cs.LG"),
    ("rl & x or rlhf", "rl x OR rlhf"),
    ("Q&A", "qanda"),
    ("foo -bar - x", "foo x -bar"),
    # operators
    ("rl OR reinforcement", "reinforcement OR rl"),
    ("a AND b", "a b"),
    ("a or b and not c", "a OR b c not"),
    ("rl or rlhf", "rl OR rlhf"),
    ("cats or dogs or mice or hens or pigs", "cat OR dog OR hen OR mouse OR pig"),
    ("Friend or Foe in Large Language Models", '"or" foe friend in language large model'),
    ('"or" and', '"and" "or"'),
    ("and a or", '"and" "or" a'),
    ("a or or b", '"or" a OR b'),
    ("a -or", 'a -"or"'),
    ("ti:or", "ti:or"),
    ("ti:(a or b)", "ti:a OR ti:b"),
    ("cats and dogs", "cat dog"),
    ("a Or b", '"or" a b'),
    ("a b OR c d", "a b OR c d"),
    ("(a OR b) c", "(a OR b) c"),
    ("c (b OR a)", "(a OR b) c"),
    ("a OR (b OR (c OR a))", "a OR b OR c"),
    ("((a) (b))", "a b"),
    # exclusions
    ("a -b", "a -b"),
    ("a NOT b", "a -b"),
    ("-b a", "a -b"),
    ("a -(b OR c)", "a -b -c"),
    ("a -(b c)", "a -(b c)"),
    ("a -(b -c)", "a -(b -c)"),
    ('a -"b c"', 'a -"b c"'),
    ("a --b", "a b"),
    ("a NOT NOT b", "a b"),
    ("a AND NOT b", "a -b"),
    ("(a -b) OR c", "a -b OR c"),
    ("x (a -b)", "a x -b"),
    # fields
    ("ti:reward abs:model", "abs:model ti:reward"),
    ('TI:"Reward Models"', 'ti:"reward model"'),
    ("ti:(a OR b)", "ti:a OR ti:b"),
    ("ti:(a abs:b)", "abs:b ti:a"),
    ("-ti:a b", "b -ti:a"),
    ("ti:OR", "ti:or"),
    ('au:"Le Cun"', 'au:"le cun"'),
    ("au:Rogers", "au:rogers"),
    ("comment:CVPR org:google", "comment:cvpr org:google"),
    ("cat:cs.cl", "cat:cs.CL"),
    ('cat:"cs.CL"', "cat:cs.CL"),
    ("cat:math.MP OR cat:math-ph", "cat:math-ph"),
    ("cat:cs.NA", "cat:math.NA"),
    ("cat:cs.*", "cat:cs.*"),
    ("cat:cs", "cat:cs.*"),
    ("cat:CS*", "cat:cs.*"),
    ("cat:hep-th", "cat:hep-th"),
    ("cat:hep-th.*", "cat:hep-th.*"),
    ("cat:cmp-lg", "cat:cmp-lg.*"),
    ("source:HF", "source:hf"),
    ("id:2503.14895v2", "id:2503.14895"),
    ("id:arXiv:2503.14895", "id:2503.14895"),
    ("id:https://arxiv.org/abs/2503.14895v1", "id:2503.14895"),
    ("id:math.GT/0309136", "id:math/0309136"),
    ("title:a abstract:b author:c category:cs.CL", "abs:b au:c cat:cs.CL ti:a"),
    ("all:models", "au:models OR model"),
    ("all:(a b)", "(a OR au:a) (au:b OR b)"),
    ('all:"Le Cun" x', '("le cun" OR au:"le cun") x'),
    ("cat:(cs.CV OR cs.RO)", "cat:cs.CV OR cat:cs.RO"),
    ("cat:(cs.CV or cs.*) x", "(cat:cs.* OR cat:cs.CV) x"),
    ("source:(hf OR ours)", "source:hf OR source:ours"),
    ("primary:CS.cl", "primary:cs.CL"),
    ("primary:math.MP", "primary:math-ph"),
    ("primary:cs", "primary:cs.*"),
    ("is:Picked -is:withdrawn has:code", "has:code is:picked -is:withdrawn"),
    ("has:Code -has:project", "has:code -has:project"),
    # a pasted paper
    ("2503.14895", "id:2503.14895"),
    (" arXiv:2503.14895v2 ", "id:2503.14895"),
    ("https://arxiv.org/pdf/2503.14895v1.pdf", "id:2503.14895"),
    ("https://arxiv.org/abs/2503.14895?context=cs#top", "id:2503.14895"),
    ("<https://arxiv.org/abs/2503.14895>.", "id:2503.14895"),
    ("[2503.14895]", "id:2503.14895"),
    ("10.48550/arXiv.2503.14895", "id:2503.14895"),
    ("https://doi.org/10.48550/arXiv.2503.14895", "id:2503.14895"),
    ("huggingface.co/papers/2503.14895", "id:2503.14895"),
    ("hep-th/9901001", "id:hep-th/9901001"),
    ('"2503.14895"', '"2503 14895"'),
    ("2503.14895 reward", '"2503 14895" reward'),
    # prefixes
    ("hallucinat*", "hallucinat*"),
    ("Hallucinat**", "hallucinat*"),
    ("ti:transformers*", "ti:transformers*"),
    ("3dgs*", "3dgs*"),
    ('"hallucinat*"', "hallucinat"),
    # colons and white space
    ("Attention: all you need", "all attention need you"),
    ("3D:scenes", '"3d scene"'),
    ("  a\t\n b ", "a b"),
    ("a\u00a0b", "a b"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_canonical_text(text: str, canonical: str) -> None:
    query = parse_query(text)
    assert query.canonical == canonical
    assert parse_query(canonical) == query


# (a keyword, a part of the reason, the position, a part of the hint)
REFUSED = [
    ("", "there is no keyword", 0, '"reward model"'),
    (" \n", "there is no keyword", 0, '"reward model"'),
    ("-survey", "only excludes", 0, "must have"),
    ("a OR -survey", "only excludes", 5, "must have"),
    ("a (-b -c)", "only excludes", 3, "must have"),
    ("a -(-b)", "only excludes", 4, "must have"),
    ("(a OR b", "a ( is not closed", 0, "add the closing )"),
    ("a) b", "a ) without its (", 1, "remove it"),
    ("a ()", "something is missing", 3, "remove OR or ()"),
    ("a OR", "something is missing", 4, "add a word"),
    ("OR a", "something is missing", 0, "add a word"),
    ("a OR OR b", "something is missing", 5, "add a word"),
    ("AND a", "AND has no word on one side", 0, "both sides"),
    ("a AND", "AND has no word on one side", 2, "both sides"),
    ("a AND AND b", "AND has no word on one side", 2, "both sides"),
    ("a NOT", "NOT excludes nothing", 2, "after it"),
    ("a NOT OR b", "NOT excludes nothing", 2, "after it"),
    ('a b" c', 'a " is not closed', 3, 'add the closing "'),
    ('""', "quotes are empty", 0, "add a word"),
    ("https://github.com/a/b c", "a URL is no keyword", 0, "link:github.com/a/b finds"),
    ("https://arxiv.org/list/cs.CL/recent", "a list of arXiv", 0, "cat:cs.CL finds"),
    ("https://doi.org/10.1103/PhysRevLett.1", "journal's DOI", 0, "id on arXiv"),
    ("doi:10.1103/PhysRevLett.1", "journal's DOI", 0, "id on arXiv"),
    ("since:2024 a", "no field since:", 0, "filters since and until"),
    ("cat:nlp", "no category 'nlp'", 4, "did you mean cat:cs.CL?"),
    ("cat:cs.ML", "no category 'cs.ML'", 4, "did you mean cat:cs.LG?"),
    ('cat:"machine learning"', "no category", 4, "did you mean cat:cs.LG?"),
    ("cat:cs.CL,cs.NA", "more than one category", 4, "write cat:(cs.CL OR math.NA)"),
    ("a auth:b", "no field auth:", 2, "did you mean au:?"),
    ("http://a.b", "a URL is no keyword", 0, "link:a.b finds"),
    ("http:a", "no field http:", 0, '"…" around words with a colon'),
    ("a ti: -b", "ti: has nothing to search for", 2, "without a space"),
    ("a cat:", "cat: has nothing to search for", 2, "without a space"),
    ("(ti:) a", "ti: has nothing to search for", 1, "without a space"),
    ("ti:-a", "ti: has nothing to search for", 0, "after it"),
    ("cat:()", "something is missing", 5, "remove OR or ()"),
    ("cat:-cs.CL", "cat: has nothing to search for", 0, "after it"),
    ("cat:(cs.CL OR cs.XQ)", "no category 'cs.XQ'", 14, "did you mean cat:cs."),
    ("cat:robotic", "no category 'robotic'", 4, "did you mean cat:cs.RO?"),
    ("cat:sta.*", "no category 'sta.*'", 4, "did you mean cat:stat.*?"),
    ("primary:cs.C", "no category 'cs.C'", 8, "did you mean primary:cs."),
    ("tittle:x", "no field tittle:", 0, "did you mean ti:? (title: is the same)"),
    ("co:x", "no field co:", 0, "did you mean comment:?"),
    ("title: -x", "title: has nothing to search for", 0, "without a space"),
    ("is:piked", "no is:piked", 3, "did you mean is:picked?"),
    ("is:code", "no is:code", 3, "did you mean has:code?"),
    ("has:projects", "no has:projects", 4, "did you mean has:project?"),
    ("source:any", "no source 'any'", 7, "is:picked"),
    ("a ANDNOT b", "no operator ANDNOT", 2, "did you mean NOT?"),
    ("arXiv:2513.00001", "there is no month 2513", 0, "like 2503.14895"),
    ("https://arxiv.org/abs/2503.1489", "5 digits", 0, "like 2503.14895"),
    ("cat:cs.LC", "no category 'cs.LC'", 4, "did you mean cat:cs."),
    ("cat:zzzz", "no category 'zzzz'", 4, "cat:cs.CL"),
    ("source:a/b", "no source 'a/b'", 7, "source:hf"),
    ('source:"a b"', "no source 'a b'", 7, "source:hf"),
    ("id:2503", "no arXiv id", 3, "id:2503.14895"),
    ("id:hep-th/2503001", "no arXiv id", 3, "id:2503.14895"),
    ("all:lecu*", "title and abstract only", 4, "the whole word"),
    ("ai* search", "would match too much", 0, "hallucinat*"),
    ("*", "would match too much", 0, "hallucinat*"),
    ("& |", "'&' has no letter or digit", 0, "add a word"),
    ("a -&", "'&' has no letter or digit", 3, "remove it"),
    ("a NOT |", "'|' has no letter or digit", 6, "remove it"),
    ("a OR &", "something is missing", 6, "add a word"),
    ("state-of*", "would match too much", 0, "one word"),
    ("au:lecu*", "title and abstract only", 3, "the whole word"),
    ("comment:acc*", "title and abstract only", 8, "the whole word"),
    ("a\x00b", "control character", 1, "remove it"),
    ("ab\x1bcd", "control character", 2, "remove it"),
    ("a\ud800", "control character", 1, "remove it"),
    ("x" * 501, "has 501 characters; at most 500", 500, "split it"),
    ("ω" * 500, "written out, the keyword has 2,500 characters; at most 500", 0, "alpha"),
    (
        f"comment:({' '.join(f'a{n}' for n in range(64))})",
        "written out",
        0,
        "field",
    ),
    (" ".join(f"a{n}" for n in range(65)), "more than 64 words", 246, "split it"),
    ("-".join("a" * 17), "has 17 words; at most 16", 0, "two phrases"),
    ("(" * 9 + "a" + ")" * 9, "more than 8 deep", 8, "change nothing"),
]


@pytest.mark.parametrize(("text", "reason", "position", "hint"), REFUSED)
def test_errors_have_reason_position_and_hint(
    text: str, reason: str, position: int, hint: str
) -> None:
    with pytest.raises(BadQuery) as error:
        parse_query(text)
    assert reason in error.value.reason
    assert error.value.position == position
    assert hint in error.value.hint


# keywords that reach a limit without exceeding it
AT_LIMITS = [
    "x" * MAX_QUERY_LENGTH,
    " ".join(f"a{n}" for n in range(MAX_TERMS)),
    "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH,
    "-".join("a" * MAX_PHRASE_WORDS),
    "a " + "-" * (MAX_QUERY_LENGTH - 4) + "-b",
]


@pytest.mark.parametrize("text", AT_LIMITS, ids=range(len(AT_LIMITS)))
def test_limits_are_inclusive(text: str) -> None:
    assert parse_query(parse_query(text).canonical) == parse_query(text)


def test_positions_refer_to_the_normalized_text() -> None:
    with pytest.raises(BadQuery, match="at character 3 of 'ab\" c'") as error:
        parse_query("  ab“  c")
    assert error.value.text[error.value.position] == '"'


@given(trees())
def test_canonical_text_parses_to_the_same_tree(tree: Node) -> None:
    query = Query(tree)
    assert parse_query(query.canonical) == query


def shuffled(node: Node, rng: random.Random) -> str:
    """Return another spelling of a tree: children in any order, with all brackets and operators."""
    if isinstance(node, Or):
        nodes = rng.sample(node.alternatives, len(node.alternatives))
        return "(" + " OR ".join(shuffled(child, rng) for child in nodes) + ")"
    if isinstance(node, And):
        required = [shuffled(child, rng) for child in node.required]
        excluded = [rng.choice(["-", "NOT "]) + shuffled(child, rng) for child in node.excluded]
        parts = required + excluded
        rng.shuffle(parts)
        return "(" + rng.choice([" ", " AND "]).join(parts) + ")"
    return str(node)


@given(trees(), st.integers())
def test_order_of_terms_does_not_matter(tree: Node, seed: int) -> None:
    assert parse_query(shuffled(tree, random.Random(seed))).tree == tree


PIECES = (
    *(
        "(",
        ")",
        '"',
        "-",
        "*",
        ":",
        " ",
        "OR",
        "AND",
        "NOT",
        "ti:",
        "au:",
        "cat:",
        "cat:cs.",
        "id:",
    ),
    *(
        "source:",
        "org:",
        "comment:",
        "a",
        "models",
        "cs.CL",
        "2503.14895",
        "\\",
        "“",
        "hall*",
        "x:",
    ),
)
snippets = st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join)


def parse_or_error(text: str) -> Query | BadQuery:
    try:
        return parse_query(text)
    except BadQuery as error:
        return error


@pytest.mark.row("fuzzing of ids and the keyword language")
@settings(max_examples=500)
@given(snippets | texts | st.text())
@example("-" * 500 + "a")
@example("(" * 500)
@example('\\"' * 250)
@example('"' + '\\"' * 249)
@example("a:" * 250)
@example("de_S_ade_S")
@example("0ƀA×*")
@example("0ƀA*")
@example(",*éB_S+jr_S,")
@example("+1-deOR_S,OR_S")
def test_any_text_is_parsed_or_refused_with_a_hint(text: str) -> None:
    outcome = parse_or_error(text)
    if isinstance(outcome, Query):
        assert len(outcome.canonical) <= MAX_QUERY_LENGTH
        assert parse_query(outcome.canonical) == outcome
    else:
        assert outcome.reason
        assert outcome.hint
        assert 0 <= outcome.position <= MAX_QUERY_LENGTH


@pytest.mark.parametrize(
    ("typed", "same_as"),
    [
        ("au:Levine_S", 'au:"Levine, S"'),
        ("au:del_Maestro_A", 'au:"del Maestro, A"'),
        ("au:Le_Cun", 'au:"Le Cun"'),
        ('au:"tao_t"', 'au:"tao, t"'),
    ],
)
def test_names_with_underscores_are_those_of_arxivs_api(typed: str, same_as: str) -> None:
    assert parse_query(typed).tree == parse_query(same_as).tree


def test_link_has_200_characters_at_most() -> None:
    longest = f"github.com/{'a' * 189}"
    assert str(parse_query(f"link:{longest}").tree) == f"link:{longest}"
    with pytest.raises(BadQuery, match="has 201 characters; at most 200"):
        parse_query(f"link:{longest}a")
