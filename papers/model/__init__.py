"""The paper record: its arXiv id, its fields, how sightings are merged, how it is packed.

May import: papers.errors, papers.text, papers.text.links, papers.text.names.
Start with: paper.py (the record), merge.py (the merge rules), arxiv_id.py (ids and doc ids).
"""
