"""Papers and keywords in the forms other programs take: lists, tables, references.

One module a form. Each is pure: what it writes depends on papers and keywords alone, so the same
ones give the same bytes.
"""
