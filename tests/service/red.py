"""redbot over some URLs: one JSON line each. `python -m tests.service.red URL…`

A program of its own: redbot has an event loop for the whole process.
"""

from __future__ import annotations

import json
import sys
from configparser import ConfigParser
from typing import Any

import thor
from redbot.resource import HttpResource


def check_resource(resource: Any) -> dict[str, Any]:
    """What redbot found: support for what was asked, and its notes as (level, words)."""
    return {
        "url": resource.request.uri,
        "status": resource.response.status_code,
        "if_none_match": resource.inm_support,
        "if_modified_since": resource.ims_support,
        "gzip": resource.gzip_support,
        "notes": [(note.level.value, str(note.summary)) for note in resource.response.notes],
    }


def main(urls: list[str]) -> None:
    """Check the URLs one after the other."""
    config = ConfigParser()
    config.read_dict({"redbot": {"enable_local_access": "True"}})
    waiting = list(urls)

    def following() -> None:
        if not waiting:
            thor.stop()
            return
        resource = HttpResource(config["redbot"])
        resource.set_request(waiting.pop(0))

        def done() -> None:
            print(json.dumps(check_resource(resource)), flush=True)
            thor.schedule(0, following)

        resource.once("check_done", done)
        resource.check()

    thor.schedule(0, following)
    thor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
