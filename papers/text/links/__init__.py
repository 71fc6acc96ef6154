"""Links of a paper in its texts: its own code, data and project pages.

May import: nothing of Paperwire.
Start with: paper_links.py (what belongs to the paper), urls.py (URLs as they are written).
"""
