"""Detects withdrawals by a paper's own wording.

arXiv marks withdrawals in OAI-PMH only; elsewhere the comment says so, or a notice in place of the
abstract, in many wordings. A paper withdrawn *from a conference* is not withdrawn, and neither is
one that studies retractions: better to miss a wording than to flag a good paper.
"""

from __future__ import annotations

import re
from typing import Final

_WORK: Final = r"(?:paper|article|manuscript|submission|preprint|e-?print|work|version|report|note)"
_OUT: Final = r"(?:withdrawn|retracted)"
_ELSEWHERE: Final = r"(?!\s+(?:by\s+\w+\s+)?from\s+(?!(?:the\s+)?arxiv))"

_BARE: Final = rf"{_OUT}(?=\W*$|\s*[.;:(]|\s+(?:by|due|because|since|for|as|at|until|pending)\b)"
"""The bare word as a statement: not as in "retracted papers"."""

_COMMENT: Final = re.compile(
    rf"\b(?:this|the|our|current)\s+{_WORK}\s+(?:has\s+been|is|was|is\s+being)"
    rf"\s+(?:\w+ly\s+)?{_OUT}\b{_ELSEWHERE}"
    rf"|(?:^|[.;:,]\s*)(?:{_WORK}\s+(?:has\s+been\s+|is\s+|was\s+)?)?{_BARE}{_ELSEWHERE}"
    rf"|\bwithdraw(?:ing)?\s+(?:(?:this|the|our)\s+(?:\w+\s+)?{_WORK}\b|it\b){_ELSEWHERE}"
    r"|\brequest(?:ed|s)?\s+(?:a|the|its)?\s*withdrawal\b",
    re.IGNORECASE,
)
_ABSTRACT: Final = re.compile(
    rf"\W*(?:(?:this|the)\s+{_WORK}\s+(?:has\s+been|is|was)\s+(?:\w+ly\s+)?{_OUT}\b|{_BARE})"
    rf"{_ELSEWHERE}",
    re.IGNORECASE,
)


def is_withdrawn(comment: str, abstract: str) -> bool:
    """True if the comment, or the very beginning of the abstract, announces a withdrawal."""
    folded = comment.lower()
    # Few have either word, and searching is slow. Its i has more than two cases: leave it out.
    said = "thdraw" in folded or "retracted" in folded
    return bool((said and _COMMENT.search(comment)) or _ABSTRACT.match(abstract))
