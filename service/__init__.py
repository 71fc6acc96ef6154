"""Feeds out: the Flask app, its feeds, its API and its pages."""
