"""Commands that take papers out of what readers see.

May import: papers.blocks, papers.config, paperwire.commands, paperwire.operations.
Start with: block.py.
"""
