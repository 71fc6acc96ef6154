"""British and American spellings, and words written closed or open, by rule and list.

A rule may give a word that nobody writes: a suggestion is shown only if it finds papers.
"""

from __future__ import annotations

import re
from typing import Final

_STEMS: Final = tuple(
    (british, american)
    for british, american in (
        pair.split("/")
        for pair in (
            "behaviour/behavior colour/color flavour/flavor neighbour/neighbor tumour/tumor"
            " favour/favor honour/honor labour/labor vapour/vapor harbour/harbor rumour/rumor"
            " humour/humor vigour/vigor odour/odor armour/armor endeavour/endeavor"
            " fibre/fiber theatre/theater calibre/caliber spectre/specter manoeuvr/maneuver"
            " analyse/analyze analysing/analyzing catalyse/catalyze catalysing/catalyzing"
            " paralyse/paralyze hydrolyse/hydrolyze"
            " modelling/modeling modelled/modeled modeller/modeler labelling/labeling"
            " labelled/labeled travelling/traveling traveller/traveler travelled/traveled"
            " signalling/signaling signalled/signaled cancelling/canceling cancelled/canceled"
            " channelling/channeling tunnelling/tunneling tunnelled/tunneled"
            " levelling/leveling levelled/leveled fuelled/fueled fuelling/fueling"
            " panelling/paneling totalling/totaling marshalling/marshaling"
            " catalogue/catalog dialogue/dialog analogue/analog"
            " heteroscedast/heteroskedast homoscedast/homoskedast"
            " anaesthe/anesthe haemo/hemo haemat/hemat paediatr/pediatr orthopaed/orthoped"
            " leukaem/leukem anaem/anem oesoph/esoph foetal/fetal foetus/fetus oestro/estro"
            " aetiolog/etiolog gynaecolog/gynecolog caesarean/cesarean ischaem/ischem oedema/edema"
            " diarrhoea/diarrhea archaeolog/archeolog palaeo/paleo encyclopaed/encycloped"
            " defence/defense offence/offense licence/license pretence/pretense"
            " aluminium/aluminum sulph/sulf artefact/artifact judgement/judgment ageing/aging"
            " acknowledgement/acknowledgment sceptic/skeptic fulfilment/fulfillment"
            " enrolment/enrollment instalment/installment skilful/skillful mould/mold plough/plow"
            " focussed/focused focussing/focusing benefitted/benefited speciality/specialty"
        ).split()
    )
)
"""British part of a word to the American one."""
_WORDS: Final = dict(
    pair.split("/")
    for pair in (
        "centre/center centres/centers centred/centered centring/centering grey/gray metre/meter"
        " metres/meters kilometre/kilometer kilometres/kilometers nanometre/nanometer litre/liter"
        " litres/liters"
    ).split()
)
"""Whole British words to American ones: a rule for their endings would change other words."""
_AMERICAN_WORDS: Final = {american: british for british, american in _WORDS.items()}
_MIN_ISE_LENGTH: Final = 7
_ISE: Final = re.compile(r"i([sz])(?:ation|ations|e|es|ed|er|ers|ing|able)$")
_NEVER_IZE_ENDS: Final = (
    *("advert", "adv", "comprom", "conc", "desp", "disgu", "enterpr", "exerc", "expert", "franch"),
    *("improv", "merchand", "parad", "prec", "prem", "prom", "superv", "surpr", "telev", "treat"),
    *("w",),
)
"""Ends of stems whose words have -ise or -ize in both spellings."""
_NEVER_IZE: Final = frozenset("ar capsi dev down no over pra pr ra res rev s upr".split())
"""Whole stems of short words of this kind: `raise`, `resize`."""

_CLOSED_FORMS: Final = dict(
    pair.split("/")
    for pair in (
        "dataset/data_set database/data_base codebase/code_base deepfake/deep_fake"
        " timeseries/time_series timestep/time_step keypoint/key_point keyframe/key_frame"
        " healthcare/health_care smartphone/smart_phone crowdsourcing/crowd_sourcing"
        " opensource/open_source realtime/real_time runtime/run_time workflow/work_flow"
        " workload/work_load bandwidth/band_width chatbot/chat_bot website/web_site"
        " webpage/web_page lifecycle/life_cycle lifespan/life_span waveform/wave_form"
        " wavefunction/wave_function wavelength/wave_length eigenvalue/eigen_value"
        " bitcoin/bit_coin blockchain/block_chain metadata/meta_data testbed/test_bed"
        " checkpoint/check_point viewpoint/view_point groundtruth/ground_truth"
        " stateful/state_ful tradeoff/trade_off wordnet/word_net speedup/speed_up"
        " setup/set_up lookup/look_up textbook/text_book notebook/note_book"
        " filesystem/file_system firmware/firm_ware cyberattack/cyber_attack"
        " cybersecurity/cyber_security airborne/air_borne groundwater/ground_water"
        " rainfall/rain_fall landslide/land_slide wildfire/wild_fire lightweight/light_weight"
        " spacetime/space_time superconductor/super_conductor bandgap/band_gap"
        " sourcecode/source_code jailbreak/jail_break finetuning/fine_tuning"
        " zeroshot/zero_shot fewshot/few_shot oneshot/one_shot endtoend/end_to_end"
        " lowrank/low_rank highdimensional/high_dimensional stateoftheart/state_of_the_art"
    ).split()
)
"""Words written closed to their open form, with `_` for blanks."""
_OPEN_FORMS: Final = {forms.replace("_", " "): closed for closed, forms in _CLOSED_FORMS.items()}
_PREFIXES: Final = re.compile(
    r"(multi|hyper|meta|cross|semi|self|inter|intra|auto|micro|macro|nano|photo|bio|geo"
    r"|neuro|electro|thermo|hydro|spatio|pseudo|quasi|ultra|sub|pre|post|non|anti)"
    r"([a-z]{4,})"
)
"""Prefixes that some write as words of their own."""


_DIGRAPHS: Final = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_TO_DIGRAPHS: Final = {ord(letter): digraph for letter, digraph in _DIGRAPHS.items()}
_DIGRAPH: Final = re.compile(r"(?<![aegq])(ae|oe|ue)(?=[^\W_aeiou])", re.IGNORECASE)
_MIN_UMLAUT_LETTERS: Final = 5
_SLASHED: Final = re.compile(r"([A-Za-z]{2,})/([A-Za-z]{2,})")
_ELL: Final = re.compile(r"(?:l|ℓ|ell|\$?\\ell_)(\d)\$?", re.IGNORECASE)
"""The norms of l1 and l2 spaces, which some write ℓ1."""


def with_digraphs(written: str) -> str:
    """Return a text with two letters for each umlaut, in small letters if it has one."""
    return written.lower().translate(_TO_DIGRAPHS)


def umlaut_spelling(name: str) -> str:
    """Return a name with two letters for its umlauts, or without those that may be one; or ""."""
    digraphs = with_digraphs(name)
    if digraphs != name.lower():
        return digraphs
    changed = _DIGRAPH.sub(lambda found: found[0][0], name)
    return changed if changed != name and len(name) >= _MIN_UMLAUT_LETTERS else ""


def other_spellings(term: str) -> str:
    """Return a term in the other spelling, all its words; "" if there is no other."""
    words = term.lower().split()
    american = [_to_american(word) for word in words]
    if american != words:
        return " ".join(american)
    british = [_to_british(word) for word in words]
    return " ".join(british) if british != words else ""


def _to_american(word: str) -> str:
    if word in _WORDS:
        return _WORDS[word]
    for british, american in _STEMS:
        if british in word and not (american in word and len(american) > len(british)):
            return word.replace(british, american)
    return _exchange_ise(word, "s", "z")


def _to_british(word: str) -> str:
    if word in _AMERICAN_WORDS:
        return _AMERICAN_WORDS[word]
    for british, american in _STEMS:
        is_part = word.startswith(american) or (len(american) > 4 and american in word)
        if is_part and british not in word:
            return word.replace(american, british)
    return _exchange_ise(word, "z", "s")


def _exchange_ise(word: str, old: str, new: str) -> str:
    found = _ISE.search(word)
    if not found or found[1] != old or len(word) < _MIN_ISE_LENGTH:
        return word
    base = word[: found.start()]
    if base in _NEVER_IZE or base.endswith(_NEVER_IZE_ENDS):
        return word
    return f"{base}i{new}{word[found.end(1) :]}"


def other_form(term: str) -> str:
    """Return a closed word in its open form, or an open one closed; "" if there is no other."""
    if found := _ELL.fullmatch(term):
        return f"{'ℓ' if term[0] in 'lL' else 'L'}{found[1]}"
    if found := _SLASHED.fullmatch(term):
        return f"{found[2]}/{found[1]}"
    term = term.lower()
    if term in _OPEN_FORMS:
        return _OPEN_FORMS[term]
    closed = term.removesuffix("s")
    if closed in _CLOSED_FORMS:
        return _CLOSED_FORMS[closed].replace("_", " ")
    if found := _PREFIXES.fullmatch(term):
        return f"{found[1]} {found[2]}"
    if (found := _PREFIXES.fullmatch(term.replace(" ", "", 1))) and " " in term:
        return term.replace(" ", "") if term == f"{found[1]} {found[2]}" else ""
    return ""
