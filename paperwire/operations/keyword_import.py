"""Import keywords from a file: the outcomes block by block, as they are saved."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from papers.errors import BadParameter
from papers.state.import_blocks import ImportOutcome, import_keywords
from paperwire.operations.session import CommandSession
from service.exports.keyword_list_reader import read_keyword_list


@contextmanager
def open_import_file(file: str) -> Iterator[IO[bytes]]:
    """Open a file (`-`: standard input). Raises BadParameter."""
    if file == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise BadParameter(
                "FILE", f"{file}: {error.strerror}; name a file, or - for standard input"
            ) from error
        yield opened


def import_keyword_list(session: CommandSession, file: IO[bytes]) -> Iterator[list[ImportOutcome]]:
    """Save the keywords of a list; saved ones are not changed. Raises BadParameter, StoreError."""
    return import_keywords(session.redis, read_keyword_list(file), now=session.now)
