"""`python -m paperwire`: run the command line."""

from __future__ import annotations

from paperwire.cli import main

if __name__ == "__main__":
    main(prog_name="paperwire")
