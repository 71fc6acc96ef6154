"""English plurals to singulars, and nothing more.

A stemmer would take `reasoning` for `reason` and `university` for `universe`: for a keyword that
is noise. So only plurals are folded, by Harman's S-stemmer (JASIS 42(1), 1991) with the
exceptions that scientific prose needs. The result need not be a word; it must be the same for
both forms, and folding it again must change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
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
_PLURALS: Final[dict[str, list[str]]] = {}
for _plural, _word in _IRREGULAR.items():
    _PLURALS.setdefault(_word, []).append(_plural)
_UNCHANGED: Final = frozenset(
    "series species bias gas lens alias atlas canvas as has was is this us its his yes plus thus"
    " bus minus versus always perhaps whereas besides across less unless news physics mathematics"
    " statistics dynamics mechanics thermodynamics hydrodynamics optics electronics photonics"
    " genomics proteomics robotics linguistics semantics ethics economics acoustics kinetics"
    " kinematics heuristics analytics informatics plasmonics spintronics chaos pathos".split()
)


class _SingularCache(dict[str, str]):
    """Words already folded. A dict's look-up runs in C, which a cache's call does not."""

    def __missing__(self, word: str) -> str:
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        once = _strip_plural(word)
        self[word] = result = once if once == word else self[once]
        return result


def singularize(word: str) -> str:
    """The singular of a lower-case word; any other word as it is. Idempotent."""
    return _CACHE[word]


def singularize_all(words: Iterable[str]) -> list[str]:
    """The singular of each word."""
    return list(map(_CACHE.__getitem__, words))


def surface_forms(word: str) -> list[str]:
    """Every word, in order of the alphabet, whose singular is that one; itself if it is one."""
    found, left = {word}, [word]
    while left:
        once = left.pop()
        plurals = {once + "s", once + "es", once[:-1] + "ies", *_PLURALS.get(once, ())}
        more = {plural for plural in plurals - found if _strip_plural(plural) == once}
        found |= more
        left += more
    return sorted(found) if singularize(word) == word else []


def _strip_plural(word: str) -> str:
    if len(word) < 3 or not word.endswith(("s", "a", "i", "e", "n", "t")):
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if not word.endswith("s") or word in _UNCHANGED or not word.isascii():
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


_CACHE_LIMIT: Final = 200_000
_CACHE: Final = _SingularCache()
