"""The paper record: its arXiv id, its fields, how sightings merge, how it is packed.

May import: papers.errors, papers.text.
Start with: paper.py (the record), merge.py (what a sighting does to it), arxiv_id.py.
"""
