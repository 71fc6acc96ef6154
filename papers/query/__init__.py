"""The keyword language: from text to a query tree, and the reference matcher for one paper.

May import: papers.config, papers.errors, papers.model, papers.records, papers.text,
papers.text.names.
Start with: parser.py (text to tree), ast.py (the tree), match.py (the reference matcher).
"""
