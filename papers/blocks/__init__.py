"""The block list: papers, authors, communities and addresses that the operator takes out.

May import: papers.command_name, papers.config, papers.errors, papers.model, papers.redis_backend,
papers.redis_backend.listings, papers.state, papers.text, papers.text.links.
Start with: block_list.py (what is taken out), saved_blocks.py (the list in Redis).
"""
