"""Slugs: the part of a keyword's URLs that is made from its name, in any script.

    Réward Model → reward-model    Møller → moller    β-VAE → beta-vae    强化学习 → 强化学习

Latin letters lose their accents, and a Greek letter that stands alone is spelled out. Letters,
digits and the marks of other scripts stay as they are; everything else separates words.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from papers.errors import BadParameter
from papers.query.request import LIST_NAMES
from papers.text.folding import GREEK_LETTERS, UNDECOMPOSED_LETTERS

MAX_NAME_LENGTH: Final = 80
MAX_SLUG_LENGTH: Final = 120
"""Characters; compatibility forms of some scripts stand for words of several letters."""
RESERVED_SLUGS: Final = frozenset({"search", *LIST_NAMES})
"""Slugs that are routes: `/feeds/search.atom` accepts any query, the others are pick lists."""

_LATIN_WITH_MARKS: Final = re.compile(r"([a-z])[\u0300-\u036f]+")
_LONE_GREEK: Final = re.compile(
    "(?<![\u0370-\u03ff\u1f00-\u1fff])[α-ω](?![\u0370-\u03ff\u1f00-\u1fff])"
)


def slug_of(name: str) -> str:
    """Return a name's slug: `Réward Model` becomes `reward-model`.

    Raises BadParameter if it is empty, too long or reserved.
    """
    stripped = name.strip()
    if not stripped:
        raise BadParameter("name", "is empty; give one, such as Reward Model")
    if len(stripped) > MAX_NAME_LENGTH:
        reason = f"has {len(stripped):,} characters; at most {MAX_NAME_LENGTH}: shorten it"
        raise BadParameter("name", reason)
    if not stripped.isprintable():
        raise BadParameter("name", f"{name!r} has a control character; remove it")
    slug = slugify(stripped)
    if not 0 < len(slug) <= MAX_SLUG_LENGTH:
        reason = "is too long for an address; shorten it"
        if not slug:
            reason = "has no letter or digit for its address; add one"
        raise BadParameter("name", f"{name!r} {reason}")
    if slug in RESERVED_SLUGS:
        taken = "search" if slug == "search" else "list of that name"
        raise BadParameter("name", f"{slug!r} is taken by the {taken}; choose another")
    return slug


def slugify(name: str) -> str:
    """Return the words of a name in small letters, joined by hyphens; may be empty."""
    marked = unicodedata.normalize("NFKD", name).lower().replace("ß", "ss")
    plain = _LATIN_WITH_MARKS.sub(r"\1", marked).translate(UNDECOMPOSED_LETTERS)
    composed = unicodedata.normalize("NFC", plain)
    spelled = _LONE_GREEK.sub(lambda match: GREEK_LETTERS[ord(match[0])], composed)
    return re.sub("-+", "-", "".join(map(_letter_or_hyphen, spelled))).strip("-")


def moved_slug(slug: str) -> str:
    """Return the slug of a keyword whose own has become that of a list."""
    return f"{slug}-keyword"


def unreserved_name(name: str) -> str:
    """Return a configured or stored name, with a word more if its slug is that of a list."""
    return f"{name.strip()} keyword" if slugify(name) in LIST_NAMES else name


def first_version_slug(name: str) -> str:
    """Return the slug that the first version made of a name, from its ASCII letters only."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _letter_or_hyphen(character: str) -> str:
    is_kept = character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")
    return character if is_kept else "-"
