"""Generate papers from templates; the same seed gives the same papers.

papers = PaperGenerator(seed=1)
papers.manuscript()      a new paper; titles are unique
papers.revision(text)    the changed fields of its next version
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any

from paperwire.simulator.world import vocabulary as words
from paperwire.simulator.world.manuscripts import Manuscript

_LOWERCASE_WORDS = {
    "a",
    "an",
    "and",
    "as",
    "for",
    "from",
    "in",
    "of",
    "on",
    "that",
    "the",
    "to",
    "under",
    "with",
}
_PROPER_NAMES = {"Bayesian", "Gaussian"}
_MIN_WORDS, _MAX_WORDS = 100, 200
_SHARE_WITHOUT_MATHEMATICS = 0.5


class PaperGenerator:
    """See the module. Not thread-safe."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self._titles: set[str] = set()

    def manuscript(self) -> Manuscript:
        """Return a new paper with a unique title."""
        while True:
            topic = self._choose(words.TOPICS)
            parts = self._template_values(topic)
            title = _fill_title(self._choose(words.TITLES), parts)
            if title not in self._titles:
                break
        self._titles.add(title)
        return Manuscript(
            title=title,
            abstract=self._abstract(parts),
            authors=self._authors(),
            categories=self._categories(topic),
            comment=self._comment(),
        )

    def revision(self, text: Manuscript) -> dict[str, Any]:
        """Return the changed fields of a next version: the abstract, often the comment."""
        changes = {"abstract": f"{text.abstract} {self._choose(_REVISION_SENTENCES)}"}
        if self._random.random() < 0.6:
            changes["comment"] = f"Accepted at {self._choose(words.VENUES)}"
        return changes

    def pick(self, text: Manuscript) -> dict[str, Any]:
        """Return details of a pick: fields of `CommunityPick`."""
        name = re.sub(r"\W+", "-", text.title.split(":")[0].lower()).strip("-")
        owner = self._choose(words.SYLLABLES) + self._choose(words.SYLLABLES)
        details: dict[str, Any] = {"votes": self._random.randint(1, 12), "by": owner}
        if self._random.random() < 0.6:
            details |= {"code": f"https://github.com/{owner}/{name}"}
            details |= {"stars": self._random.randint(0, 400)}
        if self._random.random() < 0.3:
            details["project"] = f"https://{owner}.github.io/{name}/"
        if self._random.random() < 0.5:
            details["organization"] = self._choose(words.ORGANIZATIONS)
        return details

    def _choose(self, choices: Sequence[Any]) -> Any:
        return self._random.choice(choices)

    def _template_values(self, topic: words.Topic) -> dict[str, str]:
        method, other = self._random.sample(words.METHODS, 2)
        return {
            "system": self._system_name(),
            "topic": topic.name,
            "task": topic.task,
            "trouble": topic.trouble,
            "method": method,
            "method2": other,
            "quality": self._choose(words.QUALITIES),
            "obstacle": self._choose(words.OBSTACLES),
            "verb": self._choose(words.VERBS),
        }

    def _system_name(self) -> str:
        name = "".join(self._random.sample(words.SYLLABLES, self._random.randint(2, 3)))
        forms = (name.upper(), name.capitalize(), f"{name.capitalize()}-{self._choose('ABRX')}")
        return str(self._choose(forms))

    def _abstract(self, parts: dict[str, str]) -> str:
        """Join opening, gap, proposal, mechanisms and results up to 100 to 200 words."""
        without_tex = self._random.random() < _SHARE_WITHOUT_MATHEMATICS
        gaps, mechanisms, results = (
            [sentence for sentence in sentences if not (without_tex and "$" in sentence)]
            for sentences in (words.GAPS, words.MECHANISMS, words.RESULTS)
        )
        start = [self._choose(words.OPENINGS), self._choose(gaps), self._choose(words.PROPOSALS)]
        mechanisms = self._random.sample(mechanisms, 4)
        results = self._random.sample(results, 3)
        closing = self._choose(words.CLOSINGS)
        middle = [*mechanisms[:2], *results[:2], mechanisms[2], results[2], mechanisms[3]]
        target = self._random.randint(_MIN_WORDS, _MAX_WORDS - 40)
        text = ""
        for sentence in [*start, *middle]:
            text = f"{text} {self._fill_sentence(sentence, parts)}".strip()
            if len(text.split()) >= target:
                break
        return f"{text} {self._fill_sentence(closing, parts)}"

    def _fill_sentence(self, sentence: str, parts: dict[str, str]) -> str:
        numbers = {
            "count": str(self._random.randint(3, 14)),
            "gain": f"{self._random.uniform(0.6, 9.5):.1f}",
            "share": str(self._random.randint(11, 62)),
            "wins": str(self._random.randint(58, 84)),
        }
        lower = {name: _sentence_case(parts[name]) for name in ("topic", "method", "method2")}
        text = _fill_template(sentence, {**parts, **lower, **numbers})
        return text[0].upper() + text[1:]

    def _authors(self) -> tuple[str, ...]:
        count = min(24, 1 + int(self._random.expovariate(0.28)))
        names = {self._author_name(): None for _ in range(count)}
        return tuple(names)

    def _author_name(self) -> str:
        if self._random.random() < 0.03:
            return str(self._choose(words.CJK_AUTHORS))
        initial = f" {self._choose('ABCDEFGHJKLMRST')}." if self._random.random() < 0.15 else ""
        return f"{self._choose(words.GIVEN)}{initial} {self._choose(words.FAMILY)}"

    def _categories(self, topic: words.Topic) -> tuple[str, ...]:
        primary, *others = topic.categories
        return (primary, *(other for other in others if self._random.random() < 0.7))

    def _comment(self) -> str:
        pages, figures = self._random.randint(8, 38), self._random.randint(2, 15)
        parts = {"pages": str(pages), "figures": str(figures), "venue": self._choose(words.VENUES)}
        return _fill_template(self._choose(words.COMMENTS), parts)


_REVISION_SENTENCES = (
    "This version adds experiments on longer inputs.",
    "This version corrects Table 2; the conclusions are unchanged.",
    "The revision compares with concurrent work.",
    "We thank readers who pointed out a mistake in the proof, which is mended here.",
)


def _fill_template(template: str, parts: dict[str, str]) -> str:
    """Fill in the `{names}` of a template; TeX braces are not touched."""
    return re.sub(r"\{(\w+)\}", lambda found: parts.get(found[1], found[0]), template)


def _fill_title(template: str, parts: dict[str, str]) -> str:
    titles = {name: _title_case(part) for name, part in parts.items()}
    return _fill_template(template, {**titles, "system": parts["system"]})


def _title_case(phrase: str) -> str:
    """Convert a phrase to title case; existing capitals stay."""
    words = re.split(r"([ -])", phrase)
    return "".join(
        [
            _capitalize(words[0]),
            *(w if w in _LOWERCASE_WORDS else _capitalize(w) for w in words[1:]),
        ]
    )


def _capitalize(word: str) -> str:
    return word[:1].upper() + word[1:]


def _sentence_case(name: str) -> str:
    """Convert a name to lower case, except for proper names and acronyms."""
    return re.sub(r"[A-Z][a-z]+\b", lambda found: _lowercase_common(found[0]), name)


def _lowercase_common(word: str) -> str:
    return word if word in _PROPER_NAMES else word.lower()
