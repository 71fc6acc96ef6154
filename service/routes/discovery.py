"""How browsers and readers find what is here: OpenSearch, and the feeds that every page names.

https://github.com/dewitt/opensearch/blob/master/opensearch-1-1-draft-6.md
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request
from lxml import etree

from papers.errors import StoreError
from service.cache.version_stamp import EVERY_KEYWORD
from service.context import desk
from service.feeds import FORMATS
from service.http.responses import redirected
from service.urls.keyword_urls import Address
from service.urls.params import Asked, without_parameters

discovery = Blueprint("discovery", __name__)

NAMESPACE: Final = "http://a9.com/-/spec/opensearch/1.1/"
OPENSEARCH: Final = "application/opensearchdescription+xml"
_NO_OPTIONS: Final = Asked(None, {})


@discovery.get("/opensearch.xml")
def opensearch() -> Response:
    """How a browser searches here: as a page, or as a feed in any format."""
    without_parameters(request.args)
    at, path = desk(), "/opensearch.xml"
    return redirected(request, path) or at.serve(
        path,
        lambda: description(at.settings.base_url),
        content_type=f"{OPENSEARCH}; charset=utf-8",
        keywords=(EVERY_KEYWORD,),
    )


def description(base_url: str) -> bytes:
    """The OpenSearch description of a site."""
    root = etree.Element("OpenSearchDescription", nsmap={None: NAMESPACE})

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
    add("Url", "", type=OPENSEARCH, rel="self", template=f"{base_url}/opensearch.xml")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def saved_feeds() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Name and feeds of every saved keyword, for pages that are of none; none with the store away.

    A feed is its format's name, its path and its media type.
    """
    at = desk()
    try:
        saved = at.keywords.all()
    except StoreError:
        return []  # an error page says so already
    return [
        (keyword.name, Address(at.settings.base_url, keyword.slug, _NO_OPTIONS).feeds)
        for keyword in saved
    ]
