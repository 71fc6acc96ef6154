"""Text to words: folding, plurals, LaTeX, the vectorized tokenizer, phrase search; URLs.

May import: nothing of Paperwire.
Start with: folding.py (what counts as the same word), tokenizer.py (many texts at once).
"""
