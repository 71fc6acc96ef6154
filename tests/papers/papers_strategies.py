"""Hypothesis strategies for papers, sightings and texts.

They draw from few words, names and days on purpose, so that keywords match often and several
sightings are of one paper.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import strategies as st

from papers.model.arxiv_id import ArxivId
from papers.model.merge import merge
from papers.model.paper import AnnounceType, Channel, Pick, Sighting

TEX = (
    *(r"\"", r"\'", r"\`", r"\^", r"\~", r"\=", r"\.", r"\v{s}", r"\c{c}", r"{\"o}", r"\"{o}"),
    *(r"\o", r"\ss", r"\i", r"\alpha", r"\textbf{", r"\cite{", r"\foo*", "\\", "{", "}", "$", "_"),
    *("^2", "_{ij}", "~", "'s", "’s", "'", "*", "-", "–"),
)
LETTERS = (
    *("a", "B", "s", "es", "ies", "us", "models", "CPUs", "Ω", "ς", "ß", "é", "ﬁ", "İ", "ſ", "ø"),
    *("½", "²", "Ⅷ", "㎏", "模型", "한국", "がく", "ʼn", "שלום", "🤖", "1️⃣"),
    *("\u0301", "\u0345", "\u1100", "\u1161", "\u09c7", "\u09be", "\u200b", "\u00ad", "\u202e"),
)
SPACES = (" ", "\n", "\t", "\u00a0", "\u2003", "\x1c")

texts = st.lists(st.sampled_from(TEX + LETTERS + SPACES) | st.text(max_size=4)).map("".join)
"""Arbitrary texts with much TeX, unusual letters and unusual white space."""

WORDS = (
    *("reward", "Reward", "model", "models", "modelling", "vision", "language", "agent", "agents"),
    *("rewards", "a", "of", "$\\alpha$", 'Schr\\"odinger', "state-of-the-art", "3D", "BERT’s"),
    *("(reward", "model)", "reward-model,", "vision–language", "\\textbf{model}"),
    *("multi-modal", "multimodal", "U-Net", "UNets", "GPT-4", "GPT4", "GPT", "4", "pre-trained"),
    *("pretrained-model", "reward--model", "GPS", "GPs", "IRS", "C++", "$C^*$-model"),
    *("https://github.com/a/b/tree/main", "github.com/a.", "Pre-trained-models"),
)
NAMES = (
    *("Yann LeCun", "Yann B. Agents", "Erwin Schrödinger", 'Schr\\"odinger, E.', "李 明", "李明"),
    *("Yann Le Cun", "Geoffrey E. Hinton", "G. Hinton", "Jun-Yan Zhu", "Junyan Zhu", "Jun Yan Zhu"),
    *("J.-Y. Zhu", "Maria Yan De la Cruz", "Y. DelaCruz-Zhu", "E.G. O'Yan, Jr.", "YJ Zhu Yan"),
)
CATEGORIES = ("cs.CL", "cs.LG", "cs.NA", "math.NA", "stat.ML", "math-ph", "hep-th")

COMMENTS = (
    *("", "Accepted at CVPR 2025", "This paper is withdrawn", "Code: https://github.com/a/b"),
    *(
        "Project page: https://a.github.io",
        "Code will be at github.com/a/b",
        "using github.com/x/y",
    ),
)

TUESDAY = datetime(2025, 3, 18, 4, tzinfo=UTC)
"""Midnight in New York, the date of an announcement."""

sentences = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
moments = st.integers(-40, 80).map(lambda days: TUESDAY + timedelta(days=days, hours=days % 7))
maybe_moments = st.none() | moments
votes = st.none() | st.sampled_from([0, 1, 5, 40])

ids = st.sampled_from(
    [
        ArxivId.parse(text)
        for text in (
            *("hep-th/9901001", "astro-ph/9901001", "math/0703002", "0704.0001", "0704.0002"),
            *("2502.00001", "2502.00002", "2502.65535", "2503.00001", "2503.00002", "2503.00255"),
            *("2503.00256", "2503.14895"),
        )
    ]
)

picks = st.builds(
    Pick,
    community=st.sampled_from(["hf", "ours"]),
    picked_at=moments,
    url=st.sampled_from(["", "https://example.org/1"]),
    votes=votes,
    comments=votes,
    counted_at=maybe_moments,
)


@st.composite
def sightings(draw: st.DrawFn, ids: st.SearchStrategy[ArxivId] = ids) -> Sighting:
    """Draw a sighting: an announcement or record of arXiv's, or a community's pick."""
    channel = draw(st.sampled_from(Channel))
    sighting = Sighting(
        id=draw(ids),
        source="arxiv" if channel.is_arxiv else draw(st.sampled_from(["hf", "ours"])),
        channel=channel,
        as_of=draw(moments),
        title=draw(titles if channel.is_arxiv else st.just("") | titles),
        abstract=draw(sentences),
        authors=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=3))),
        organization=draw(st.sampled_from(["", "Reward Models Ltd"])),
        code=draw(st.sampled_from(["", "https://github.com/a/b"])),
    )
    complete = _with_arxiv_fields if channel.is_arxiv else _with_pick
    return complete(draw, sighting)


def _with_arxiv_fields(draw: st.DrawFn, sighting: Sighting) -> Sighting:
    announced = sighting.channel is Channel.ANNOUNCEMENT
    return sighting._replace(
        version=draw(st.integers(1, 3)),
        categories=tuple(draw(st.lists(st.sampled_from(CATEGORIES), max_size=3, unique=True))),
        journal_ref=draw(st.sampled_from(["", "J. 1", "J. 2"])),
        comment=draw(st.sampled_from(COMMENTS)),
        announce_type=draw(st.sampled_from(AnnounceType)) if announced else None,
        announced_at=draw(moments) if announced else None,
        submitted_at=None if announced else draw(maybe_moments),
        revised_at=None if announced else draw(maybe_moments),
        withdrawn=draw(st.booleans()) and draw(st.booleans()),
        earlier_versions=()
        if announced
        else tuple(draw(st.lists(st.tuples(st.integers(1, 3), moments), max_size=2))),
    )


def _with_pick(draw: st.DrawFn, sighting: Sighting) -> Sighting:
    return sighting._replace(pick=draw(st.none() | picks))


PAPERS = (
    st.lists(sightings(st.just(ArxivId.parse("2503.14895"))), min_size=1, max_size=3)
    .map(lambda statements: reduce(merge, statements, None))
    .filter(lambda paper: paper is not None)
)
"""Records of one paper."""
