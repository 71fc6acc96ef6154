"""The task `abbreviations`: reads which abbreviations papers define, and their words, once a day.

It replaces what it found before, from a sample of bounded size: the newest papers and some of each
earlier month. So what it stores is a function of the papers, and repeating it changes nothing.
While there are few papers it runs every hour. It fetches nothing, but has a state like any other
task, which pages and commands show.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from papers.counted import format_counted
from papers.errors import BadParameter
from papers.state.task_states import TaskState
from papers.suggestions.abbreviation_store import AbbreviationStore
from papers.suggestions.abbreviations import DefinitionCounter, alternatives_of_terms
from papers.suggestions.sample_words import WordCounter
from papers.suggestions.term_dictionary import TermDictionary
from workers.schedule import cadence
from workers.sources.result import FetchResult, UpstreamClients

ABBREVIATIONS_TASK: Final = "abbreviations"
FEW_PAPERS: Final = 10_000


class AbbreviationTask:
    """Finds the abbreviations that the papers of a store define, and counts their words."""

    def __init__(self, store: AbbreviationStore, dictionary: TermDictionary) -> None:
        self._store, self._dictionary = store, dictionary

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Read the sample; yield one result that says how much was found. Raises StoreError."""
        if subject:
            raise BadParameter(
                "task", f"'{ABBREVIATIONS_TASK}:{subject}': there is only {ABBREVIATIONS_TASK}"
            )
        definitions, words = DefinitionCounter(), WordCounter()
        for paper in self._store.sample_papers():
            texts = (paper.title, paper.abstract)
            definitions.add(texts)
            words.add(texts)
        terms = alternatives_of_terms(definitions.counts, words.counts)
        self._store.replace(terms)
        self._dictionary.replace(words.fields())
        found = format_counted(len(terms), "term")
        message = f"{found} with another form, in {format_counted(words.papers, 'paper')}"
        yield FetchResult(record_count=words.papers, message=message)


def next_reading(task: str, state: TaskState, now: datetime) -> datetime | None:
    """Run daily; hourly while there are few papers, as every one may define something new."""
    interval = cadence.HOUR if state.got < FEW_PAPERS else cadence.DAY
    return cadence.every(interval, jitter=0.05)(task, state, now)
