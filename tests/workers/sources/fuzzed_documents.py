"""The sound documents that fuzzing begins with."""

from __future__ import annotations

from tests.workers.sources.announcement_feeds import entry as announced
from tests.workers.sources.announcement_feeds import feed
from tests.workers.sources.api_pages import entry as found
from tests.workers.sources.api_pages import page
from tests.workers.sources.oai_documents import answer as harvest
from tests.workers.sources.oai_documents import record as harvested

TOKEN = "<resumptionToken>next</resumptionToken>"
DOCUMENTS = (
    *(feed(announced(), announced()), page(found(), found())),
    harvest(harvested(), harvested(id="2611.00002"), token=TOKEN),
)
