"""Records as bytes and as JSON: what is stored of a paper, and what is exported.

May import: papers.errors, papers.model.
Start with: packing.py (the stored record), json_rows.py (rows of exports and bulk files).
"""
