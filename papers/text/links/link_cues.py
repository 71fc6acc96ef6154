"""Words before a link that say what it is, whose, and whether it is there yet.

Each pattern is searched in the clause before a link (`papers.text.links.paper_links`), without TeX.
They were written from recorded papers; `tests/papers/links` has the labels that judge them.
"""

from __future__ import annotations

import re
from typing import Final


def _words(*patterns: str) -> re.Pattern[str]:
    """Return a pattern that matches any of some patterns from the beginning of a word."""
    return re.compile(rf"\b(?:{'|'.join(patterns)})", re.IGNORECASE)


CODE: Final = _words(
    r"(?:codes?|code[- ]?bases?|implementations?|software|programs?|scripts?|check-?points?|weights"
    r"|packages?|source files|toolbox|toolkit|simulators?|(?:python|open-source) library"
    r"|github(?! (?:project )?pages?)|repo(?:sitory)?)\b"
    r"(?![- ](?:generat|reason|review|complet|repair|llm|agent|understand|search|smell|edit|transl"
    r"|summar|switch|retriev|intelligence|synthesis|clone|snippet|vulnerab|quality|license))",
)
"""Code, but not the subject of a paper about code generation."""

DATA: Final = _words(
    r"(?:data|data-?sets?|data sets?|corpus|corpora|benchmarks?|annotations?|recordings?)\b",
)

_DATA_WORDS = (
    r"(?:data|data-?sets?|data sets?|corpus|corpora|benchmarks?|annotations?|recordings?"
    r"|(?:generated|rendered|collected) images)\b"
)
_PROGRAM_WORDS = (
    r"(?:codes?|models?|check-?points?|weights|scripts?|software|implementations?|tool(?:kit)?s?"
    r"|baselines?|framework|pipelines?)\b"
)
_BESIDE = r"(?: \w+)?\W+(?:(?:and|as well as|along with|plus)\W+)?(?:[\w-]+ ){0,3}?"

DATA_TOO: Final = _words(
    rf"{_PROGRAM_WORDS}{_BESIDE}{_DATA_WORDS}",
    rf"{_DATA_WORDS}{_BESIDE}{_PROGRAM_WORDS}",
    rf"{_DATA_WORDS}(?: \w+){{0,4}} (?:is|are|be|been)\b(?: [\w-]+){{0,2}} "
    r"(?:availab|accessib|releas|open|publish|shared|found|hosted|public|access)",
)
"""A repository has data as well: "code and data are at", "the data set is available at"."""

OFFER: Final = _words(
    r"(?:availab|aviliab|avaliab|avaiab|accessib|releas|open[- ]?sourc|publish|provid|access|obtain"
    r"|download|deposit|public)",
    r"(?:shared?|found|host(?:ed|s)|visit|see)\b",
    r"(?:at|here|is|on)\W*$",
    r"\w+\W*[:\-\u2013]\W*$",
)
"""Something is offered at the link."""

OWN: Final = _words(
    r"our (?:\w+ ){0,3}(?:code|repo|implementation|data|model|project|software|framework|source)",
    r"we (?:\w+ )?(?:\w+ )?(?:releas|open[- ]?sourc|publish|provide|share|make|host|maintain)",
    r"(?:is|are|been|was|were|made?|makes?) (?:\w+ ){0,4}(?:availab|accessib|releas|open|publish"
    r"|provid|shared|found|hosted|public)",
    r"(?:is|are) (?:at|on|here)\b",
    r"can be (?:\w+ )?(?:found|accessed|obtained|downloaded)",
    r"(?:codes?|data|project|page)\W*:",
)
"""The authors offer it themselves."""

OTHERS: Final = _words(
    r"(?:based|buil(?:ds?|t|ding)|rel(?:y|ies|ying)) (?:up)?on\b|on top of\b",
    r"extend(?:s|ing)?\b|extension of|fork(?:s|ed|ing)?\b|adapt(?:s|ed|ing)? (?:from|the)\b",
    r"modif(?:y|ies|ied|ying)\b|borrow|adopt(?:s|ed|ing)?\b|employ(?:s|ed|ing)?\b|utiliz|leverag",
    r"we used|used the\b|(?<!-)(?:use|uses|using)\b(?! (?:at|of|in|here|and|cases?)\b)",
    r"we follow\b|follow(?:s|ing) the (?:code|implementation|official|work)",
    r"inspired by|derived from|taken from|outperform|such as|e\.g\.|unlike\b|their\b|original\b",
    r"compar\w+ (?:\w+ ){0,3}(?:to|with|against)\b|baselines? (?:of|from)\b|thank|et al\b",
    r"(?:provided|released|developed|published|maintained) by\b|third[- ]party",
    r"(?:evaluat|test|train|fine-?tun|experiment|validat|appl|run)\w* (?:\w+ )?"
    r"(?:on|with|against)\b",
    r"(?:fine-?tuned|initiali[sz]ed|distilled|start\w*) from\b|(?:bugs|vulnerabilities) in\b",
    r"implemented (?:in|with) [A-Z]\w+\W*$|data from\W*$",
    r"in the [\w-]+ (?:simulator|environment|benchmark|suite|framework|library|toolkit|engine)\W*$",
)
"""Somebody else's, unless a word after it says that the authors offer it."""

FOLLOWING: Final = re.compile(r"(?<!\bthe )\bfollowing\W*$", re.IGNORECASE)

OTHERS_CODE: Final = _words(
    r"(?:their|baselines?'s?|competitors?'s?)(?!.*\bour\b) (?:\w+ )?"
    r"(?:codes?|implementations?|data|repo)\b[^,;]*$",
    r"(?:codes?|implementation|data) (?:of|by|from) [\w ]{1,60} et al\b",
    r"(?<!-)(?:use[sd]?|using|adopt\w*|extend\w*|follow(?:s|ed)?|adapt\w*|modif\w+|employ\w*|fork\w*"
    r"|(?:buil[dt]\w*|based) (?:up)?on) (?:\w+ )?(?:the |an? |\w+'s |their )?(?:\w+[- ]){0,4}"
    r"(?:codes?|code[- ]?base|implementation|repo(?:sitory)?)\b(?! (?:and )?(?:is|are)\b)[^,;]*$",
)
"""Somebody else's, wherever they offer it: "we use the code that is available at"."""

ANNOUNCED: Final = _words(
    r"(?:will|shall|would|going to|plan(?:s|ned)? to|intend to|aim to) (?:\w+ ){0,2}?"
    r"(?:be\b(?! (?:\w+ )?(?:continu|regular|active|constant|maintain|able|useful))"
    r"|releas|publish|open[- ]?sourc|shar|upload|host"
    r"|mak\w+ (?:\w+ ){0,6}(?:availab|public|accessib|open))",
    r"to be (?:\w+ )?(?:releas|publish|open|shared|made|availab|upload)",
    r"(?:coming|available|released?|public|online) soon\b|soon (?:be|available|released)",
    r"(?:up)?on (?:the )?(?:\w+ )?(?:accept|publication)",
    r"(?:after|once|when|following) (?:\w+ ){0,3}(?:accept|publi)",
)
"""It will be there: not "the list will be continuously updated at"."""

ANNOUNCED_AFTER: Final = re.compile(
    r"[\s)}\]]{0,9}[.,(]?\s{0,9}\(?(?:coming )?"
    r"(?:soon\b|will (?:\w+ )?be\b|(?:upon|after|once|when) (?:\w+ ){0,3}(?:accept|publi))",
    re.IGNORECASE,
)
"""The same, after the link."""

PURPOSE_AFTER: Final = re.compile(
    r"[\s})\]]{0,9}(for (?:\w+ ){0,3}(?:codes?|data|implementation|project page)\b)", re.IGNORECASE
)
"""What is at the link, said after it: "see … for the code"."""

PROJECT: Final = _words(
    r"(?:(?:project|web|home)[- ]?(?:web)?(?:pages?|sites?)|website|webpage|homepage|project|demos?"
    r"|page|platforms?|portal|leaderboards?|web app(?:lication)?)\b(?:[^.:]|\.\w){0,70}\W*$",
    r"project(?: page)?\b[^.]{0,12}:\W*$",
    r"\w*(?:page|site|demo)\b[\w ]{0,40}:\W*$",
)

SEE_PAGE: Final = _words(
    r"(?:videos?|demos?|visuali[sz]ations?|visuals?|animations?|samples?|details?|materials?"
    r"|information|results|assets|resources|system|framework|platform|open[- ]?sourced?)\b"
    r"[^.]{0,90}\b(?:at|see|visit|on|here)\W*$",
    r"(?:is|are) (?:\w+ )?(?:available|accessible|hosted|deployed) (?:at|on)\W*$",
)
"""A page that is not called one: "videos are at"."""

VENUE: Final = _words(
    r"accept(?:ed|ance)\b|published (?:in|at|by|version)|present(?:ed|ation)\b|submitted",
    r"appear(?:s|ed)? (?:in|at)|proceedings|workshop|conference|journal|challenge|competition",
    r"shared task|symposium|poster|slides|talk\b|tutorial|licen[sc]es? (?:is|are|can)|user guide",
    r"(?:best|long|full|short|original|related) papers?|publication|volume|vol\.|issn|isbn|behalf",
    r"(?:paper|article|version) (?:is|was|can|will|are) (?:be )?(?:\w+ )?"
    r"(?:found|availab|accessib|publish|download|at\b)",
    r"(?:paper|article|version|issn)\b\W*$|pre-?regist",
)
"""Where the paper itself is, or was presented."""

VENUE_PAGE: Final = _words(
    r"(?:conference|workshop|challenge|competition|journal|event|symposium|author|lab)(?:'s)? "
    r"(?:web ?)?(?:site|page)\W*$",
)
