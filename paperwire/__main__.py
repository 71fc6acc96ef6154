"""`python -m paperwire`: run the command line; the script `run` of a clone does so, too."""

from __future__ import annotations

import os

from papers.command_name import NAME_VARIABLE, set_program
from paperwire.cli import main

if __name__ == "__main__":
    set_program(os.environ.pop(NAME_VARIABLE, "") or "python -m paperwire")
    main()
