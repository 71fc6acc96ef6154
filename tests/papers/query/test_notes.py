"""Display text and notes: what stands in addresses and headings, and the readings offered."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from papers.errors import BadQuery
from papers.query.parser import parse_query

TITLE = "Friend or foe: a study of language models and agents"

# (a keyword as typed, its display text)
DISPLAY = [
    ("reward model", "reward model"),
    ("  Reward\t\n Models ", "Reward Models"),
    ("“Reward Models”", '"Reward Models"'),
    ("Cafe\u0301", "Café"),
    ("model reward", "model reward"),
    ("rl or rlhf", "rl OR rlhf"),
    ("rl and (mcts or ppo)", "rl AND (mcts OR ppo)"),
    ('"rl or rlhf"', '"rl or rlhf"'),
    ('rl "or" x', 'rl "or" x'),
    (TITLE, TITLE),
    ("title:x", "title:x"),
    ("https://arxiv.org/abs/2503.14895v2", "https://arxiv.org/abs/2503.14895v2"),
    ("arXiv:2503.14895 [cs.CL]", "arXiv:2503.14895 [cs.CL]"),
    ("reward \u2013survey", "reward -survey"),
    ("x \u2212(a b)", "x -(a b)"),
    ("\u2013survey (\u2212x) OR \u2013y", "\u2013survey (\u2212x) OR \u2013y"),
    ("Erdős\u2013Rényi", "Erdős\u2013Rényi"),
    ("\u202ereward\u202c C\u200b++ mo\u00addel", "reward C++ model"),
]


@pytest.mark.parametrize(("text", "display"), DISPLAY)
def test_display_text(text: str, display: str) -> None:
    query = parse_query(text)
    assert query.display_text == display
    assert parse_query(display) == query


# (a keyword, the kind of its note, part of it, the other reading)
NOTES = [
    ("rl or rlhf", "operator", "OR", 'rl "or" rlhf'),
    ('rl or "policy gradient"', "operator", "OR", 'rl "or" "policy gradient"'),
    (TITLE, "word", "either side", "(Friend OR foe: a study of language models) AND agents"),
    ("rl not rlhf", "word", "excludes", "rl NOT rlhf"),
    ("not rlhf", "word", "excludes", ""),
    ("a Or b", "word", "either side", "a OR b"),
    ("author: hinton", "field", "“author:” as the field", '"author" hinton'),
    ('ti: "reward model"', "field", "“ti:” as the field", '"ti" "reward model"'),
    ('"reward model', "quote", "not closed", "reward model"),
    ('a -"reward model', "quote", "not closed", "a -reward model"),
    ("WHO guidelines", "case", "the word “who”", '"World Health Organization" guidelines'),
    ("US elections", "case", "the word “us”", '("United States" OR "U.S.") elections'),
    ("CAN bus", "case", "capitals make no difference", ""),
    ("cats adn dogs", "word", "did you mean AND?", "cats AND dogs"),
    ("au:geoffrey hinton", "name", "author geoffrey and the word hinton", 'au:"geoffrey hinton"'),
    ("author:yann le cun", "name", "the words le cun", 'author:"yann le cun"'),
    ("au:hinton deep belief nets", "name", "deep", 'au:"hinton deep" belief nets'),
    ('au:"Geoffrey Hinton" x', "initial", "“Geoffrey Hinton”", 'au:"g. hinton" x'),
    ('author:"hinton, jeff e."', "initial", "whole given name", 'author:"j. e hinton"'),
    ("foo & bar", "sign", "left out “&”, which is no word", ""),
    ("a | b", "sign", "“|”, which is no word; did you mean OR?", "a OR b"),
    ("a - b / c & d", "sign", "“-”, “/” and “&”, which are no words", "a NOT b OR c & d"),
    ("a – b", "sign", "“–”", ""),
    ("reward !survey", "sign", "did you mean NOT?", "reward NOT survey"),
    ("a reward%20model", "sign", "read %20", "a reward model"),
    ("a ‘reward model’", "quote", "double quotes", 'a "reward model"'),
    ("``reward model'' a", "quote", "double quotes", '"reward model" a'),
    ("cs.CL agents", "category", "cat:cs.CL", "cat:cs.CL agents"),
    ("cat:cs.CL OR cs.na", "category", "cat:math.NA", "cat:cs.CL OR cat:math.NA"),
    ("agents -hep-th", "category", "cat:hep-th", "agents -cat:hep-th"),
    (
        "see [2503.14895] and 2503.14896v2",
        "paper",
        "id:2503.14895",
        "id:2503.14895 OR id:2503.14896",
    ),
    ("org:google research cat:cs.CL", "name", "organization", 'org:"google research" cat:cs.CL'),
]


@pytest.mark.parametrize(("text", "kind", "part", "other"), NOTES)
def test_notes_offer_the_other_reading(text: str, kind: str, part: str, other: str) -> None:
    (note,) = parse_query(text).notes
    assert (note.kind, note.alternative_query) == (kind, other)
    assert part in note.text
    if other:
        assert parse_query(other) != parse_query(text)


# (a keyword with a small `or`, its readings: that with brackets, and that of the word)
GROUPED = [
    ("AI safety or alignment", ["AI (safety OR alignment)", 'AI safety "or" alignment']),
    ("a b or c or d e", ["a (b OR c OR d) e", 'a b "or" c "or" d e']),
    ('ti:"x y" or ti:z w', ['(ti:"x y" OR ti:z) w', 'ti:"x y" "or" ti:z w']),
    ("a or b and c", ["(a OR b) AND c", 'a "or" b AND c']),
    ("quantum supremacy or quantum advantage", ['quantum supremacy "or" quantum advantage']),
]


@pytest.mark.parametrize(("typed", "others"), GROUPED)
def test_or_beside_several_words_is_offered_in_brackets(typed: str, others: list[str]) -> None:
    assert [note.alternative_query for note in parse_query(typed).notes] == others


def test_or_among_many_words_is_offered_with_all_of_its_sides() -> None:
    (note,) = parse_query("machine learning or deep learning and weather").notes
    assert note.alternative_query == "(machine learning OR deep learning) AND weather"


@pytest.mark.parametrize("typed", ["not", "and or", "or", "AND or not"])
def test_a_reading_that_is_no_keyword_is_not_offered(typed: str) -> None:
    try:
        assert all(note.alternative_query for note in parse_query(typed).notes)
    except BadQuery:
        return


WITHOUT_NOTES = [
    "IT AND WHO CAN USE US",
    "who can use it",
    "GAN",
    "the author: a study",
    "rl OR rlhf",
    "cats and dogs",
    'rl "or" rlhf',
    "ti:not x",
    'au:"g. hinton"',
    'au:"le cun" OR au:"van der meer"',
    'reward -au:"geoffrey hinton"',
    "au:王伟",
    "au:(geoffrey hinton)",
    "au:hinton OR bengio",
    "au:hinton -bengio",
    "au:hinton or bengio -x",
    "reward model",
    "cat:(cs.CL OR (cs.LG cs.AI))",
    "a id:(2503.14895 OR 2503.14896)",
    "it's the reader's model",
    "rock 'n' roll",
    "~100 papers",
]


@pytest.mark.parametrize("text", WITHOUT_NOTES)
def test_no_notes(text: str) -> None:
    assert [note.kind for note in parse_query(text).notes if note.kind != "operator"] == []


def test_address_keeps_the_note_of_a_small_or() -> None:
    typed = parse_query("rl or rlhf")
    shown = parse_query(typed.display_text)
    assert (shown.notes, shown.notes_at_address) == ((), typed.notes)


PIECES = (
    "or",
    "and",
    "&",
    "|",
    "not",
    "OR",
    "AND",
    "Or",
    "(",
    ")",
    "-",
    '"',
    "ti:",
    "au:",
    "a",
    "b",
    "cats",
    "!a",
    "cs.CL",
    "2503.14895",
    "%20",
    "'",
    "\u2013a",
    "\u200b",
)


@given(st.lists(st.sampled_from(PIECES), max_size=10).map(" ".join) | st.text())
@example("a and b or c d e f g h")
@example("a or or b OR")
@example("or and and a")
@example("not and a or")
@example("or or a OR or")
def test_display_text_means_the_same_and_is_its_own(text: str) -> None:
    try:
        query = parse_query(text)
    except BadQuery:
        return
    shown = parse_query(query.display_text)
    assert (shown, shown.display_text) == (query, query.display_text)
    assert shown.notes_at_address == query.notes_at_address
    assert [note for note in query.notes if note.kind != "operator"] == list(shown.notes)
    assert parse_query(query.canonical).canonical == query.canonical
