"""Commands that have a module of their own; `paperwire.cli` attaches each by one line."""
