"""Text to words: folding, plurals, LaTeX, the vectorized tokenizer and phrase search.

May import: nothing of Paperwire.
Start with: folding.py (what counts as the same word), tokenizer.py (many texts at once).
"""
