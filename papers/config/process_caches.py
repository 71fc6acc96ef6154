"""The table of in-process caches: what each holds, its budget, and what empties it.

`where` is the cached function, the class that owns the cache, or the function that makes it; a test
compares the table with the code. Values that live as long as one request or one paper, such as a
`cached_property` of a query, are not listed. Cached functions are pure.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class ProcessCache(NamedTuple):
    """A cache in the memory of a process."""

    where: str
    holds: str
    budget: str
    emptied_by: str = "least recently used first"


PROCESS_CACHES: Final = (
    ProcessCache("papers.blocks.block_list.author_key", "folded names by author", "16,384 names"),
    ProcessCache(
        "papers.blocks.saved_blocks._decode_all",
        "the block list by what Redis holds of it",
        "2 lists of 10,000 entries at most",
    ),
    ProcessCache(
        "papers.changes.recent_changes.RecentChanges",
        "the papers that recent ingests changed, before and after, each time indexed",
        "32 ingests, 6,000 papers of some 14 kB",
        "newer ones",
    ),
    ProcessCache(
        "papers.config.networks.is_loopback",
        "whether an address is this machine's",
        "1,024 addresses",
    ),
    ProcessCache(
        "papers.index.author_terms.author_query_terms",
        "terms by author typed",
        "1,024 names",
    ),
    ProcessCache(
        "papers.index.bitmaps._padding_bitmap",
        "padding by combination of containers",
        "1,024 combinations",
    ),
    ProcessCache(
        "papers.index.bitmaps._padding_without_runs",
        "padding as arrays, 8 kB a container, by combination",
        "64 combinations",
    ),
    ProcessCache(
        "papers.index.compaction.year_merge._MergeReader",
        "the fields of the last part read; the shingle keys of a year, hashed from its papers",
        "one part (the index of 8,192 papers); one year, some hundred MB",
        "the next part; the end of the merge",
    ),
    ProcessCache("papers.index.layout._unpack", "segment layout by its bytes", "256 layouts"),
    ProcessCache(
        "papers.index.term_months.TermMonths",
        "stored months by term, of the terms that a writer has written",
        "500,000 terms, checked at the start of each write",
        "another epoch or server run: all; another revision: all but frequent terms",
    ),
    ProcessCache(
        "papers.index.terms._category_and_source_labels",
        "label terms by categories and sources",
        "1,024 combinations",
    ),
    ProcessCache(
        "papers.index.terms.is_single_shingle",
        "whether a query leaf is one shingle",
        "1,024 leaves",
    ),
    ProcessCache("papers.index.terms.label_terms", "terms by label", "1,024 labels"),
    ProcessCache("papers.index.terms.text_shingles", "shingles by query leaf", "1,024 leaves"),
    ProcessCache("papers.index.terms.text_terms", "terms by query leaf", "1,024 leaves"),
    ProcessCache("papers.index.terms.title_terms", "title terms by query leaf", "1,024 leaves"),
    ProcessCache(
        "papers.index.writing.term_batch.Vocabulary",
        "term numbers, word hashes and tokenizer ids by word",
        "about 400,000 terms, some hundred MB",
        "the store, which drops a writer's state when it is full",
    ),
    ProcessCache(
        "papers.model.arxiv_calendar._announcement_for_hour",
        "announcement by hour since 1970",
        "16,384 hours",
    ),
    ProcessCache(
        "papers.model.arxiv_calendar._announcement_window",
        "start and month of an announcement by its date",
        "4,096 dates",
    ),
    ProcessCache("papers.model.arxiv_id.parse_yymm", "YYYYMM by YYMM", "2,048 months"),
    ProcessCache(
        "papers.model.labels.month_day_range",
        "first and last indexed day by YYYYMM",
        "1,024 months",
    ),
    ProcessCache(
        "papers.model.merge._normalize_categories",
        "primary and canonical categories by stated ones",
        "4,096 lists",
    ),
    ProcessCache(
        "papers.model.resources.text_resources",
        "code, data and project pages by abstract and comment",
        "2,048 papers, some 4 MB",
    ),
    ProcessCache(
        "papers.query.explain._token_indexes",
        "token positions by text",
        "64 texts",
    ),
    ProcessCache(
        "papers.query.parser.parse_query",
        "immutable query trees by keyword",
        "512 keywords of at most 500 characters",
    ),
    ProcessCache(
        "papers.query.request._type_filters",
        "immutable filter nodes by announce types",
        "64 sets of types; 15 exist",
    ),
    ProcessCache(
        "papers.records.json_rows._parse_time", "aware UTC time by ISO text", "4,096 texts"
    ),
    ProcessCache(
        "papers.redis_backend.listings.id_listing.IdListing",
        "the numbers of a month's papers, 2 bytes each",
        "8 months",
        "least recently used first; a transaction on the month",
    ),
    ProcessCache(
        "papers.search.index_cache.IndexCache",
        "postings, term months, packed papers, record hashes, verified doc ids and hits of one "
        "store revision",
        "64 MB a store",
        "another revision, or a full budget; layouts stay",
    ),
    ProcessCache(
        "papers.search.saved.percolator_cache.PercolatorCache",
        "saved keywords by a term that a match must have",
        "one list, about 1 kB a keyword",
        "the next version of the list; unchanged queries stay",
    ),
    ProcessCache(
        "papers.state.keyword_directory.KeywordDirectory",
        "the saved keywords, sorted",
        "one list, about 1 kB a keyword",
        "the next version of the list; unchanged keywords stay",
    ),
    ProcessCache(
        "papers.text.links.paper_links._read_clause",
        "what a link is by the words before it, at most 400 characters",
        "4,096 clauses, some 2 MB",
    ),
    ProcessCache(
        "papers.text.names.person_match.person_readings",
        "readings by name typed",
        "1,024 names",
    ),
    ProcessCache(
        "papers.text.phrases._phrase_regex",
        "a compiled expression by phrase, of phrases searched in hundreds of texts at once",
        "64 phrases",
    ),
    ProcessCache(
        "papers.text.phrases._phrase_regexes",
        "two compiled expressions by number of words",
        "64 numbers; 16 are used",
    ),
    ProcessCache(
        "papers.text.phrases.phrase_pattern",
        "surface forms of the words by phrase",
        "1,024 phrases",
    ),
    ProcessCache(
        "papers.text.plurals._SingularCache",
        "singular by folded word",
        "200,000 words, about 25 MB a process",
        "itself, when full",
    ),
    ProcessCache(
        "papers.text.squeezed_texts.needles_of",
        "letters by phrase that a paper with it has",
        "256 phrases",
    ),
    ProcessCache(
        "paperwire.simulator.formats.api_query.fold_words",
        "folded words by text (simulator only)",
        "65,536 texts",
    ),
    ProcessCache(
        "service.cache.body_tiers.BodyTiers",
        "the bodies of responses, by cache key",
        "8 MB an app",
    ),
    ProcessCache(
        "service.cache.encodings._negotiate_cached",
        "content coding by Accept-Encoding",
        "1,024 headers of at most 200 characters",
    ),
    ProcessCache(
        "service.cache.lookup.CacheLookup",
        "validators with the replies of the store that they are current for, by cache key",
        "8 MB an app, 4,000 of them",
    ),
    ProcessCache(
        "service.cache.version_stamp._visible_task_states",
        "the visible part of task states by their stored values",
        "8 sets of states",
    ),
    ProcessCache(
        "service.context.open_context",
        "parsed search URLs by name and query string",
        "4 MB an app",
    ),
    ProcessCache(
        "service.edge.request_address._is_served_host",
        "whether a Host header is served",
        "1,024 headers",
    ),
    ProcessCache(
        "service.feeds.entry_cache.EntryCaches",
        "rendered entries by format, doc id and hash; entry templates by format and shape",
        "64 MB of entries, those of the newest papers, and 8 MB of templates an app",
    ),
    ProcessCache(
        "service.http.cost_window.CostWindow",
        "processor time of uncached searches by client and second",
        "10,000 clients, the last 60 seconds of each",
    ),
    ProcessCache("service.http.responses._format_http_date", "HTTP date by second", "1,024 dates"),
    ProcessCache(
        "service.markup.latex_html._tokenize_tex",
        "TeX tokens and their partners by text",
        "256 texts",
    ),
    ProcessCache(
        "service.markup.mathml.tex_to_mathml",
        "MathML by formula of at most 600 characters",
        "8,192 formulas",
    ),
    ProcessCache(
        "service.markup.simple_formula._formula_runs",
        "text and levels by formula of at most 200 characters",
        "8,192 formulas",
    ),
    ProcessCache(
        "workers.sources.arxiv.oai_record._clean_license",
        "clean URL by license text",
        "256 texts",
    ),
    ProcessCache(
        "workers.sources.arxiv.oai_record._split_categories",
        "categories by their text",
        "4,096 texts",
    ),
    ProcessCache(
        "workers.sources.arxiv.oai_record.parse_day",
        "aware time by day and name of the field",
        "4,096 days",
    ),
    ProcessCache(
        "workers.sources.arxiv.oai_record.version_number",
        "version number by text",
        "256 texts",
    ),
)
"""Every cache, sorted by `where`."""
