"""Words of one family, and abbreviations that a store may not define: shipped lists.

The families (`morphology morphological`) are `word_families.txt`, which
`python -m benchmarks.make_word_families` makes from a file of papers.
"""

from __future__ import annotations

from collections import defaultdict
from importlib import resources
from typing import Final

from papers.suggestions.abbreviations import Alternative, term_key

FAMILY_TABLE: Final = "word_families.txt"
_ABBREVIATIONS: Final = tuple(
    pair.split("/")
    for pair in (
        "SUSY/supersymmetry,QCD/quantum chromodynamics,QED/quantum electrodynamics"
        ",MHD/magnetohydrodynamics,DFT/density functional theory,CMB/cosmic microwave background"
        ",AGN/active galactic nuclei,GRB/gamma-ray burst,FRB/fast radio burst"
        ",LHC/Large Hadron Collider,BEC/Bose-Einstein condensate,GUT/grand unified theory"
        ",PQC/post-quantum cryptography,BFT/Byzantine fault tolerance,QKD/quantum key distribution"
        ",MPC/model predictive control,GWAS/genome-wide association study"
        ",SNP/single nucleotide polymorphism,EEG/electroencephalography,ECG/electrocardiogram"
        ",PPI/protein-protein interaction,HMM/hidden Markov model"
        ",SDE/stochastic differential equation,RCT/randomized controlled trial"
        ",UAV/unmanned aerial vehicle,HCI/human-computer interaction"
    ).split(",")
)
"""Short forms of many subjects and their long forms, for stores whose papers do not define them.

The other way round only the store's papers say whether a short form means that: VaR may be visual.
"""
_FORMS: Final = tuple(
    pair.split("/")
    for pair in "sim2real/sim-to-real,text2sql/text-to-SQL,Li-ion/lithium-ion".split(",")
)
"""Two ways to write a term."""


def _read_families() -> dict[str, tuple[str, ...]]:
    """Read the families of the table; lines that begin with `#` are comments."""
    found = defaultdict[str, list[str]](list)
    for line in resources.files(__package__).joinpath(FAMILY_TABLE).read_text("utf-8").split("\n"):
        words = line.split() if not line.startswith("#") else []
        for word in words:
            found[word] += [other for other in words if other != word]
    return {word: tuple(dict.fromkeys(others)) for word, others in found.items()}


_FAMILIES: Final = _read_families()


def word_family(word: str) -> tuple[str, ...]:
    """Return the other words of the family of a folded word."""
    return _FAMILIES.get(word, ())


def _read_abbreviations() -> dict[str, tuple[Alternative, ...]]:
    found = defaultdict[str, list[Alternative]](list)
    for short, long in (*_ABBREVIATIONS, *_FORMS):
        found[term_key(short)].append(Alternative(long, 0))
    for short, long in _FORMS:
        found[term_key(long)].append(Alternative(short, 0))
    return {key: tuple(others) for key, others in found.items()}


_KNOWN: Final = _read_abbreviations()


def known_alternatives(key: str) -> tuple[Alternative, ...]:
    """Return the long forms of an abbreviation, or another form, by the term's key."""
    return _KNOWN.get(key, ())


def two_plurals(written: str) -> str:
    """Return the other singular of a plural of two words: `bases` is also of `basis`; or ""."""
    return _TWO_PLURALS.get(written.lower(), "")


_TWO_PLURALS: Final = {"bases": "basis", "basis": "bases"}
