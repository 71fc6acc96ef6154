"""English plurals to singulars: an S-stemmer that leaves names and acronyms alone.

A full stemmer conflates `reasoning` with `reason` and `university` with `universe`, which is noise
for a keyword. So only plurals are folded, by Harman's S-stemmer (JASIS 42(1), 1991) with the
exceptions that scientific prose needs. The result need not be a word, but it is the same for both
forms, and folding is idempotent.

    GPS, IRS, iOS, NeurIPS    a capital S at the end is no plural's, unless the word has more than
                              five letters, all capitals (NETWORKS)
    GPs, LLMs, CNNs           a small s after two capitals is a plural's
    gps, Bayes, texas         any other word of `plural_table.txt` is no plural

`python -m benchmarks.make_plurals` makes the table from a file of papers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import resources
from typing import Final

_IRREGULAR: Final = dict(
    pair.split("/")
    for pair in (
        "analyses/analysis hypotheses/hypothesis theses/thesis syntheses/synthesis axes/axis"
        " diagnoses/diagnosis parentheses/parenthesis crises/crisis prognoses/prognosis"
        " matrices/matrix vertices/vertex indices/index appendices/appendix simplices/simplex"
        " vortices/vortex cortices/cortex codices/codex criteria/criterion phenomena/phenomenon"
        " corpora/corpus automata/automaton schemata/schema lemmata/lemma maxima/maximum"
        " minima/minimum optima/optimum extrema/extremum spectra/spectrum quanta/quantum"
        " strata/stratum nuclei/nucleus stimuli/stimulus loci/locus foci/focus radii/radius"
        " tori/torus moduli/modulus formulae/formula nebulae/nebula supernovae/supernova"
        " mice/mouse men/man women/woman children/child feet/foot halves/half leaves/leaf"
        " shelves/shelf knives/knife wolves/wolf calves/calf biases/bias gases/gas"
        " viruses/virus focuses/focus statuses/status campuses/campus buses/bus lenses/lens"
        " atlases/atlas aliases/alias caches/cache niches/niche aches/ache headaches/headache"
        " avalanches/avalanche movies/movie cookies/cookie zombies/zombie selfies/selfie"
        " ties/tie lies/lie dies/die pies/pie quizzes/quiz heroes/hero echoes/echo"
        " apis/api rois/roi ais/ai uis/ui guis/gui wsis/wsi mris/mri"
        " potatoes/potato tomatoes/tomato mosquitoes/mosquito volcanoes/volcano vetoes/veto"
        " torpedoes/torpedo tornadoes/tornado bonuses/bonus censuses/census"
        " plateaus/plateau menus/menu relus/relu imus/imu icus/icu"
        " kpis/kpi hois/hoi pois/poi bcis/bci hsis/hsi uris/uri taxis/taxi emojis/emoji"
        " reanalyses/reanalysis metastases/metastasis prostheses/prosthesis stenoses/stenosis"
        " submatrices/submatrix equilibria/equilibrium curricula/curriculum polyhedra/polyhedron"
        " calculi/calculus taxa/taxon thesauri/thesaurus vertebrae/vertebra sheaves/sheaf"
        " calories/calorie prairies/prairie"
    ).split()
)
"""Irregular plural to its singular."""


def _invert(singulars: Mapping[str, str]) -> Mapping[str, list[str]]:
    plurals = defaultdict[str, list[str]](list)
    for plural, singular in singulars.items():
        plurals[singular].append(plural)
    return dict(plurals)


_IRREGULAR_PLURALS: Final = _invert(_IRREGULAR)
"""Singular to its irregular plurals."""

UNCHANGED_WORDS: Final = frozenset(
    "series species bias gas lens alias atlas canvas as has was is this us its his yes plus thus"
    " bus minus versus always perhaps whereas besides across less unless news physics mathematics"
    " statistics dynamics mechanics thermodynamics hydrodynamics optics electronics photonics"
    " genomics proteomics robotics linguistics semantics ethics economics acoustics kinetics"
    " kinematics heuristics analytics informatics plasmonics spintronics chaos pathos"
    " angeles athens kansas arkansas illinois naples orleans vegas brussels rhodes versailles"
    " hermes archimedes descartes siemens mercedes herpes rabies".split()
)
"""Words that look like plurals and are not."""

PLURAL_TABLE: Final = "plural_table.txt"


def _read_table() -> frozenset[str]:
    """Read the words of the table; lines that begin with `#` are comments."""
    lines = resources.files(__package__).joinpath(PLURAL_TABLE).read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


_NO_PLURALS: Final = UNCHANGED_WORDS | (_read_table() - _IRREGULAR.keys())
"""Words in small letters that keep their s."""

_MAX_CAPITALS: Final = 5
"""Letters of a word of capitals that is an acronym: a longer one is a word in capitals."""
_CACHE_LIMIT: Final = 200_000
"""Words: about 25 MB."""


class _SingularCache(dict[str, str]):
    """Written word to its folded form, computed on first use; emptied when it is full.

    A look-up of a dict takes 90 ns a word, a call of an `lru_cache` 210 ns.
    """

    def __missing__(self, word: str) -> str:
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        self[word] = folded = _fold_written(word)
        return folded


_FOLDED: Final = _SingularCache()


def _fold_written(word: str) -> str:
    lower = word.lower()
    if lower != word:
        if is_acronym(word):
            return lower
        return _FOLDED[lower[:-1] if is_acronym_plural(word) else lower]
    stripped = strip_plural(word)
    return stripped if stripped == word else _FOLDED[stripped]


def is_acronym(word: str) -> bool:
    """Return whether a word ends in an S that is not a plural ending: GPS, H2S, iOS, NeurIPS."""
    stem = word[:-1]
    if not word.endswith("S") or stem.lower() == stem.upper():
        return False
    return not stem.isupper() or len(word) <= _MAX_CAPITALS


def is_acronym_plural(word: str) -> bool:
    """Return whether a word is capitals and a plural s: GPs, LLMs, 3DGs."""
    has_two_before = word[-2:-1].isupper() and word[-3:-2] != "" and not word[-3:-2].islower()
    return has_two_before and word.endswith("s")


def mark_case(word: str) -> str:
    """Return a written word in lower case, except for the letters that decide its plural.

    `fold_written_words` folds it like the word as it was written.
    """
    lower = word.lower()
    if is_acronym(word):
        return lower[:-1] + "S"
    return lower[:-3] + word[-3:] if is_acronym_plural(word) else lower


def writable_form(word: str) -> str:
    """Return a text that folds to a folded word: in capitals if its final s would be removed."""
    if _FOLDED[word] == word:
        return word
    upper = word.upper()
    return upper if is_acronym(upper) else word[:-1] + "S"


def writable_phrase(words: Sequence[str]) -> list[str]:
    """Return texts that fold to folded words side by side: never all in capitals, which shout."""
    forms = [writable_form(word) for word in words]
    if len(forms) > 1 and " ".join(forms).isupper():
        return [form[:-1].lower() + form[-1] for form in forms]
    return forms


def singularize(word: str) -> str:
    """Return the singular of a lower-case word; any other word unchanged. Idempotent."""
    return _FOLDED[word]


def fold_written_words(words: Iterable[str]) -> list[str]:
    """Return words in small letters, plurals as singulars; capitals mark acronyms."""
    return list(map(_FOLDED.__getitem__, words))


def surface_forms(word: str) -> list[str]:
    """Return all words whose singular is this one, itself included, in alphabetical order.

    Empty if the word is not a singular.
    """
    found, pending = {word}, [word]
    while pending:
        form = pending.pop()
        plurals = {form + "s", form + "es", form[:-1] + "ies", *_IRREGULAR_PLURALS.get(form, ())}
        more = {plural for plural in plurals - found if strip_plural(plural) == form}
        found |= more
        pending += more
    return sorted(found) if singularize(word) == word else []


def strip_plural(word: str, unchanged: Collection[str] = _NO_PLURALS) -> str:
    """Return a word in lower case without its plural ending, except for `unchanged` words."""
    if len(word) < 3 or not word.endswith(("s", "a", "i", "e", "n", "t")):
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if not word.endswith("s") or word in unchanged or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    if word.endswith(("ss", "is")):
        return word
    if word.endswith("us"):
        return word if any(vowel in "aeiouy" for vowel in word[:-2]) else word[:-1]
    return word[:-1]
