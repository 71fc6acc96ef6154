"""Thumbnails of picked papers: a bounded cache of images on disk, shared by workers and pages.

May import: nothing of Paperwire.
Start with: thumbnail_folder.py.
"""
