"""Make papers/index/word_shares.txt: the share of papers that have each frequent word.

    python -m benchmarks.make_word_shares [PAPERS.jsonl.gz]

Search reads more months at once of a word that is not in the table. No stored data depends on it.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.corpus import DEFAULT_CORPUS, read_sightings
from papers.index import word_shares
from papers.text.folding import tokenize

_OUTPUT: Final = Path(word_shares.__file__).with_name(word_shares.WORD_SHARE_TABLE)


def main() -> None:
    """Count the words of the papers, and write the table in alphabetical order."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_CORPUS
    real, counts = list(read_sightings(path)), Counter[str]()
    for sighting in real:
        counts.update({*tokenize(sighting.title), *tokenize(sighting.abstract)})
    rows = [
        f"{word} {round(word_shares.SHARE_UNIT * count / len(real))}\n"
        for word, count in sorted(counts.items())
        if count >= word_shares.MIN_SHARE * len(real) and word.isascii()
    ]
    _OUTPUT.write_text("".join(rows), "ascii")
    print(f"{len(rows):,} words of {len(real):,} papers in {_OUTPUT}")


if __name__ == "__main__":
    main()
