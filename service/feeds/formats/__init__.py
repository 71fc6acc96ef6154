"""Output formats: one module each, named by a row of `papers.config.feed_formats`.

May import: papers.config, service.feeds, service.markup.
Start with: atom.py (a renderer), feedgen_extension.py (what feedgen cannot say itself).
"""
