"""Responses in the format of arXiv's API."""

from __future__ import annotations

from xml.sax.saxutils import escape

ENTRY = {
    "id": "http://arxiv.org/abs/2611.01234v2",
    "title": "On Reward\n  Models",
    "updated": "2026-11-18T09:00:00Z",
    "published": "2026-11-17T08:00:00Z",
    "summary": "  We study $a<b$ &\nreward models. ",
    "more": "",
}


def entry(**changes: str) -> str:
    """An entry in the API's format, with some of it changed."""
    e = ENTRY | changes
    plain = "".join(f"<{n}>{escape(e[n])}</{n}>" for n in e if n != "more")
    return (
        f"<entry>{plain}<author><name>Ann Bo</name></author><author><name>Cy Dee</name>"
        '<arxiv:affiliation>ETH</arxiv:affiliation></author><category term="cs.AI"/>'
        f'<category term="cs.CL"/><arxiv:primary_category term="cs.CL"/>{e["more"]}</entry>'
    )


def page(*entries: str, total: int | str | None = None, start: int | str = 0) -> bytes:
    """A response in the API's format."""
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
        ' xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">'
        "<id>https://arxiv.org/api/x</id><title>arXiv Query: x</title>"
        f"<opensearch:totalResults>{len(entries) if total is None else total}"
        f"</opensearch:totalResults><opensearch:startIndex>{start}</opensearch:startIndex>"
        f"{''.join(entries)}</feed>"
    ).encode()
