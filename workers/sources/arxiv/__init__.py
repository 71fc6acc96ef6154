"""arXiv's three interfaces: announcement feeds, OAI-PMH and the API.

May import: papers.config, papers.counted, papers.errors, papers.model, papers.query, papers.text,
papers.text.names, workers.fetch, workers.sources.
Start with: announcements.py, oai.py, api.py.
"""
