"""Run redbot on URLs and print a line of JSON for each: `python -m tests.service.red URL…`

It is a program of its own because redbot's event loop takes over the whole process.
"""

from __future__ import annotations

import json
import sys
from configparser import ConfigParser
from typing import Any

import thor
from redbot.resource import HttpResource


def check_resource(resource: Any) -> dict[str, Any]:
    """Return which features redbot found supported, and its notes as (level, summary)."""
    return {
        "url": resource.request.uri,
        "status": resource.response.status_code,
        "if_none_match": resource.inm_support,
        "if_modified_since": resource.ims_support,
        "gzip": resource.gzip_support,
        "notes": [(note.level.value, str(note.summary)) for note in resource.response.notes],
    }


def main(urls: list[str]) -> None:
    """Check the URLs one after another."""
    config = ConfigParser()
    config.read_dict({"redbot": {"enable_local_access": "True"}})
    pending = list(urls)

    def check_next() -> None:
        if not pending:
            thor.stop()
            return
        resource = HttpResource(config["redbot"])
        resource.set_request(pending.pop(0))

        def report() -> None:
            print(json.dumps(check_resource(resource)), flush=True)
            thor.schedule(0, check_next)

        resource.once("check_done", report)
        resource.check()

    thor.schedule(0, check_next)
    thor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
