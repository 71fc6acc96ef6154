"""Discovery: OpenSearch for browsers, and the feeds that every page links to.

https://github.com/dewitt/opensearch/blob/master/opensearch-1-1-draft-6.md
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request
from lxml import etree

from papers.errors import StoreError
from service.cache.version_stamp import ALL_KEYWORDS
from service.context import context
from service.feeds import FORMATS
from service.http.responses import redirect_to_canonical
from service.urls.keyword_urls import MAX_HEAD_KEYWORDS, FeedLink, feeds_of_keywords
from service.urls.params import reject_parameters

discovery = Blueprint("discovery", __name__)

OPENSEARCH_NAMESPACE: Final = "http://a9.com/-/spec/opensearch/1.1/"
OPENSEARCH_TYPE: Final = "application/opensearchdescription+xml"


@discovery.get("/opensearch.xml")
def opensearch() -> Response:
    """Serve the OpenSearch description."""
    reject_parameters(request.args)
    ctx, path = context(), "/opensearch.xml"
    return redirect_to_canonical(request, path) or ctx.serve(
        path,
        lambda _: opensearch_document(ctx.settings.base_url),
        content_type=f"{OPENSEARCH_TYPE}; charset=utf-8",
        keywords=(ALL_KEYWORDS,),
    )


def opensearch_document(base_url: str) -> bytes:
    """Return the OpenSearch description of a site: search as a page, or as a feed in any format."""
    root = etree.Element("OpenSearchDescription", nsmap={None: OPENSEARCH_NAMESPACE})

    def add(tag: str, text: str, **attributes: str) -> None:
        etree.SubElement(root, tag, attributes).text = text

    add("ShortName", "Paperwire")
    add("Description", "New research papers by keyword")
    add("InputEncoding", "UTF-8")
    add("Image", f"{base_url}/static/icon.svg", type="image/svg+xml", width="64", height="64")
    add("Url", "", type="text/html", template=f"{base_url}/search?q={{searchTerms}}")
    for suffix, form in FORMATS.items():
        template = f"{base_url}/feeds/search.{suffix}?q={{searchTerms}}"
        add("Url", "", type=form.media_type, template=template)
    add("Url", "", type=OPENSEARCH_TYPE, rel="self", template=f"{base_url}/opensearch.xml")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def saved_feeds() -> list[tuple[str, list[FeedLink]]]:
    """Return name and feeds of the first saved keywords, for pages that have no feeds of their own.

    There are none without the store.
    """
    ctx = context()
    try:
        keywords = ctx.directory.read().keywords[:MAX_HEAD_KEYWORDS]
    except StoreError:
        return []  # the page that calls this is the error page
    return feeds_of_keywords(ctx.settings.base_url, keywords)
