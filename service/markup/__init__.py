"""Upstream text made safe for XML and HTML: cleaning, LaTeX to HTML, formulas to MathML.

May import: papers.config, papers.model, papers.text, papers.text.links, papers.text.names.
Start with: clean.py (text for XML), latex_html.py (tex_to_html, tex_to_text), mathml.py,
simple_formula.py.
"""
