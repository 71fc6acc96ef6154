"""Bulk load of files: split, parse in portions, write by several processes.

May import: papers, workers.
Start with: loader.py.
"""
