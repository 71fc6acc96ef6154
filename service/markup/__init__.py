"""Text, LaTeX and MathML as feeds and pages need them.

May import: papers.
Start with: clean.py (text for XML), latex_html.py, mathml.py.
"""
