"""How browsers and readers find what is here: OpenSearch, and the feeds that every page names.

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
from service.urls.keyword_urls import SearchUrls
from service.urls.params import SearchParams, reject_parameters

discovery = Blueprint("discovery", __name__)

OPENSEARCH_NAMESPACE: Final = "http://a9.com/-/spec/opensearch/1.1/"
OPENSEARCH_TYPE: Final = "application/opensearchdescription+xml"
_DEFAULT_PARAMS: Final = SearchParams(None, {})


@discovery.get("/opensearch.xml")
def opensearch() -> Response:
    """How a browser searches here: as a page, or as a feed in any format."""
    reject_parameters(request.args)
    ctx, path = context(), "/opensearch.xml"
    return redirect_to_canonical(request, path) or ctx.serve(
        path,
        lambda: opensearch_document(ctx.settings.base_url),
        content_type=f"{OPENSEARCH_TYPE}; charset=utf-8",
        keywords=(ALL_KEYWORDS,),
    )


def opensearch_document(base_url: str) -> bytes:
    """The OpenSearch description of a site."""
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


def saved_feeds() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Name and feeds of every saved keyword, for pages that are of none; none with the store away.

    A feed is its format's name, its path and its media type.
    """
    ctx = context()
    try:
        saved = ctx.keywords.all()
    except StoreError:
        return []  # an error page says so already
    return [
        (keyword.name, SearchUrls(ctx.settings.base_url, keyword.slug, _DEFAULT_PARAMS).feed_links)
        for keyword in saved
    ]
