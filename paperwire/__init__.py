"""The command that runs the rooms together."""
