"""Names of persons: how they are read, and whether two may be one person's.

May import: papers.text.
Start with: person_names.py (given names and surnames), person_match.py (who matches whom).
"""
