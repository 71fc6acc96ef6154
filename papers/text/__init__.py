"""Text to words: folding, plurals, compounds, signs, URLs, LaTeX, tokenizer and phrase search.

May import: nothing of Paperwire.
Start with: folding.py (what counts as the same word), text_readings.py (hyphenated words),
    tokenizer.py (many texts at once).
"""
