"""From a source's answer to stored papers.

May import: papers, workers.
Start with: pipeline.py.
"""
