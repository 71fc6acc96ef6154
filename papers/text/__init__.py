"""Text to terms: folding, plurals, LaTeX and the tokenizer.

May import: nothing of Paperwire.
Start with: folding.py (what counts as the same word), tokenizer.py (many texts at once).
"""
